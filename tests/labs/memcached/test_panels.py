"""The Memcached panels on real servers: what they send, count and refuse is what happened."""

from __future__ import annotations

import html
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from kit.errors import ServerGone, UsageError
from kit.labs import memcached
from kit.labs.memcached import crowd, filling, reader
from kit.labs.memcached.commands import held
from kit.labs.memcached.refusal import refused
from kit.labs.memcached.wire import Wire, readable
from kit.labs.memcached.workers import KINDS
from kit.launch.server import Server
from kit.launch.start import start
from kit.widgets.panel import Panel
from tests.traces import await_true

SHORT = 0.15
BINARY = bytes(range(256)) + b"\r\nEND\r\n"


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("memcached", name="desk", settings={"t": 2}) as running:
        yield running


@pytest.fixture
def own(home: Path) -> Iterator[Server]:
    """Give a server that a test may kill or fill."""
    with start("memcached", name="own", settings={"m": 8}) as running:
        yield running


@pytest.fixture
def desk(server: Server) -> Iterator[memcached.Desk]:
    opened = memcached.desk(server)
    yield opened
    opened.close()


def said(panel: Panel) -> str:
    return html.unescape(re.sub("<[^>]+>", "", panel.status.value)).strip()


def test_a_command_returns_what_pymemcache_returns_and_shows_what_went_over_the_line(
    desk: memcached.Desk,
) -> None:
    assert desk.run("set", "model:7", "0.93", expire=60).returned is True
    assert desk.strip is not None
    assert desk.strip.text == "> set model:7 0 60 4\n> 0.93\n< STORED"
    assert desk.run("get", "model:7").returned == b"0.93"
    assert desk.strip.text == "> get model:7\n< VALUE model:7 0 4\n< 0.93\n< END"
    assert "model:7" in desk.table.static_text()
    assert said(desk).startswith("✓ get returned b'0.93'")


@pytest.mark.parametrize(
    ("commands", "last"),
    [
        ([("add", "a", "1"), ("add", "a", "2")], False),
        ([("replace", "b", "1")], False),
        (
            [("set", "c", "x"), ("append", "c", "y"), ("prepend", "c", "w"), ("get", "c", "")],
            b"wxy",
        ),
        ([("set", "d", "41"), ("incr", "d", "1")], 42),
        ([("set", "e", "1"), ("decr", "e", "5")], 0),
        ([("set", "f", "1"), ("delete", "f", ""), ("get", "f", "")], None),
        ([("incr", "g", "1")], None),
        ([("touch", "h", "")], False),
    ],
)
def test_every_command_does_what_the_protocol_says(
    desk: memcached.Desk, commands: list[tuple[str, str, str]], last: object
) -> None:
    answers = [desk.run(command, key, value) for command, key, value in commands]
    assert [answer.refusal for answer in answers] == [None] * len(commands)
    assert answers[-1].returned == last


def test_cas_stores_only_if_nobody_wrote_since_gets(desk: memcached.Desk, server: Server) -> None:
    desk.run("set", "k", "1")
    desk.run("gets", "k")
    assert desk.run("cas", "k", "2").returned is True
    desk.run("gets", "k")
    with closing(server.connect()) as other:
        other.set("k", b"3", noreply=False)
    assert desk.run("cas", "k", "4").returned is False
    with closing(server.connect()) as other:
        assert other.get("k") == b"3"


def test_a_value_expires_on_the_server(desk: memcached.Desk, server: Server) -> None:
    desk.run("set", "soon", "1", expire=1)
    with closing(server.connect()) as client:
        found = held(client, "soon")
        assert found is not None
        assert 0 <= found.left <= 1
        await_true(lambda: client.get("soon") is None, "the value has expired")
    assert desk.run("get", "soon").returned is None
    assert "nothing" in desk.table.static_text()


def test_binary_values_come_back_as_they_were_and_are_shown_as_text(desk: memcached.Desk) -> None:
    assert desk.run("set", "binary", BINARY).returned is True
    assert desk.run("get", "binary").returned == BINARY
    assert r"\x00\x01" in desk.table.static_text()
    assert "\x00" not in desk.static_html()


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("two words", "whitespace"),
        ("line\nbreak", "whitespace"),
        ("key\r\nflush_all\r\n", "whitespace"),
        ("k" * 251, "too long"),
        ("naïve", "Non-ASCII"),
        ("nul\x00", "null"),
        ("", "ERROR"),
    ],
)
def test_a_bad_key_is_refused_in_one_message_and_the_desk_goes_on(
    desk: memcached.Desk, key: str, words: str
) -> None:
    refusal = desk.run("set", key, "1").refusal
    assert refusal is not None
    assert words in refusal.message
    assert len(refusal.message) < 260
    assert refusal.hint
    assert desk.notice.static_text().startswith(refusal.message)
    assert desk.run("set", "good", "1").returned is True
    assert desk.notice.value == ""


def test_a_key_of_250_bytes_is_the_longest(desk: memcached.Desk) -> None:
    assert desk.run("set", "k" * 250, "1").returned is True


def test_a_value_above_the_limit_is_refused_by_the_server(desk: memcached.Desk) -> None:
    refusal = desk.run("set", "big", b"x" * 1_100_000).refusal
    assert refusal is not None
    assert "SERVER_ERROR object too large for cache" in refusal.message
    assert "1 MB" in refusal.hint
    assert desk.strip is not None
    assert len(desk.strip.text) < 1000
    assert desk.run("get", "big").returned is None


def test_counting_what_is_no_number_is_refused(desk: memcached.Desk) -> None:
    desk.run("set", "word", "x")
    for value, words in (("1", "non-numeric"), ("one", "integer")):
        refusal = desk.run("incr", "word", value).refusal
        assert refusal is not None
        assert words in refusal.message


def test_a_lost_server_is_said_once_and_found_again(own: Server) -> None:
    desk = memcached.desk(own)
    desk.run("set", "k", "1")
    own.kill()
    await_true(lambda: own.state == "exited", "the server has gone")
    for _ in range(2):
        refusal = desk.run("get", "k").refusal
        assert refusal is not None
        assert "restart()" in refusal.message + refusal.hint
    own.restart()
    assert desk.run("get", "k").refusal is None
    desk.close()


def test_what_comes_from_the_server_is_never_markup(desk: memcached.Desk) -> None:
    desk.run("set", "<b>key", "<script>alert(1)</script>")
    for page in (desk.table.html, desk.static_html(), desk.strip.html if desk.strip else ""):
        assert "<script>" not in page
        assert "<b>key" not in page


def test_the_wire_tells_every_byte_and_how_much_it_left_out() -> None:
    assert readable(b"a\x00\xff\n") == r"a\x00\xff\x0a"
    assert readable(b"x" * 500).endswith("… (500 bytes)")
    wire = Wire()
    wire.hear(">", b"get ")
    wire.hear(">", b"k\r\n")
    wire.hear("<", b"END\r\n")
    assert wire.script() == "> get k\n< END"


def test_an_error_nobody_foresaw_is_still_told() -> None:
    assert refused(OSError(111, "Connection refused")).message == "111 Connection refused"


def test_without_a_token_the_second_writer_overwrites_the_first(server: Server) -> None:
    entries, value = memcached.play(server, "get and set")
    assert value == b"m1 m3"
    assert len(entries) == 4


def test_with_cas_the_overtaken_writer_is_told_and_both_additions_stay(server: Server) -> None:
    entries, value = memcached.play(server, "gets and cas")
    assert value == b"m1 m2 m3"
    assert [entry.state for entry in entries].count("refused") == 1


def test_the_writers_can_be_stepped_and_begun_again(server: Server) -> None:
    panel = memcached.two_writers(server, "gets and cas")
    for _ in range(4):
        panel.step()
    assert "✗" in panel.lanes.static_text()
    panel.all.click()
    assert said(panel) == "✓ the value is b'm1 m2 m3'"
    panel.way.value = "get and set"
    assert said(panel).startswith("✓ 0 commands sent")
    panel.all.click()
    assert "gone" in panel.lanes.static_text()
    assert panel.strip is not None
    assert 'second.set("queue:models", value + b" m3")' in panel.strip.text
    panel.close()


def test_writers_whose_server_dies_say_so_and_go_on_after_it_is_back(own: Server) -> None:
    panel = memcached.two_writers(own)
    panel.step()
    own.kill()
    await_true(lambda: own.state == "exited", "the server has gone")
    panel.step()
    assert panel.status.state == "failed"
    own.restart()
    panel.run()
    assert said(panel) == "✓ the value is b'm1 m3'"
    panel.close()


def test_the_threads_are_those_that_the_server_was_started_with(server: Server) -> None:
    assert crowd.threads(server) == 2


def test_clients_of_this_kernel_are_measured_and_so_is_the_server(server: Server) -> None:
    found = memcached.single(server, clients=3, seconds=SHORT)
    assert found.load.clients == 3
    assert found.load.operations > 0
    assert found.load.errors == {}
    assert found.server_cpu >= 0
    assert found.python_cpu > 0


def test_batch_readers_read_in_processes_of_their_own_and_none_is_left(server: Server) -> None:
    children = psutil.Process().children()
    found = memcached.batches(server, readers=2, seconds=SHORT)
    assert found.batch_keys > 0
    assert found.load.operations > 0
    assert {one.pid for one in psutil.Process().children()} <= {one.pid for one in children}


def test_a_batch_reader_needs_nothing_of_the_kit(server: Server) -> None:
    with closing(server.connect()) as client:
        client.set_many({reader.key(number): b"v" for number in range(3)}, noreply=False)
    ran = subprocess.run(
        [sys.executable, "-I", reader.__file__, server.host, str(server.port), "3", "0.05"],
        input="go\n",
        capture_output=True,
        text=True,
        check=True,
    )
    first, told = ran.stdout.splitlines()
    assert first == "ready"
    assert '"batches"' in told


def test_the_panel_measures_each_server_and_names_its_threads(server: Server, own: Server) -> None:
    panel = memcached.concurrency(server, own, seconds=SHORT)
    assert panel.status.state == "empty"
    heads = ("server threads clients", "server threads batch readers")
    for kind, loads, words in zip(KINDS, (6, 8), heads, strict=True):
        panel.kind.value = kind
        assert len(panel.run()) == loads
        assert said(panel).startswith(f"✓ {loads} loads")
        assert [line.label for line in panel.chart.lines] == ["desk, 2 threads", "own, 4 threads"]
        assert panel.table.static_text().splitlines()[0].split() == words.split()
    panel.close()


def test_a_measurement_can_be_cancelled(server: Server) -> None:
    panel = memcached.concurrency(server, seconds=30)
    thread = panel.background(panel.run)
    await_true(lambda: panel.cancel.layout.display is None, "it runs and can be cancelled")
    panel.cancel.click()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert "stopped" in said(panel)
    panel.close()


def test_a_server_that_dies_under_load_is_said_and_can_be_measured_again(own: Server) -> None:
    panel = memcached.concurrency(own, seconds=SHORT)
    own.kill()
    await_true(lambda: own.state == "exited", "the server has gone")
    panel.run()
    assert "restart()" in panel.notice.static_text()
    own.restart()
    panel.run()
    assert panel.status.state == "done"
    panel.close()


def test_a_server_killed_while_batches_are_read_leaves_no_reader(own: Server) -> None:
    killer = threading.Timer(SHORT, own.kill)
    killer.start()
    with pytest.raises((ServerGone, OSError)):
        memcached.batches(own, readers=2, seconds=30 * SHORT)
    killer.join()
    assert not [one for one in psutil.Process().children() if "reader.py" in str(one.cmdline())]


def test_no_server_at_all_is_refused() -> None:
    for panel in (memcached.concurrency, memcached.volatile):
        with pytest.raises(UsageError, match="at least one server"):
            panel()


def test_a_full_memory_throws_the_oldest_out_and_keeps_what_is_read(own: Server) -> None:
    fill = memcached.overfill(own, size=1000)
    held_now = int(memcached.stats(own)["curr_items"])
    assert fill.evictions == fill.written - held_now > 0
    assert fill.kept[-1][1] == 1.0
    assert fill.kept[1][1] == 0.0
    assert fill.popular == 1.0
    assert fill.refused == 0
    (slab,) = fill.slabs
    assert slab.items == held_now
    assert slab.chunk >= 1000


def test_memory_once_cut_for_one_size_is_not_there_for_another(own: Server) -> None:
    memcached.overfill(own, size=1000)
    small = memcached.overfill(own, size=100)
    pages = {slab.chunk: slab.pages for slab in small.slabs}
    assert min(pages.values()) < max(pages.values())
    assert small.survived < 0.5


def test_a_server_that_may_not_evict_refuses_and_the_panel_says_so_and_goes_on(
    home: Path,
) -> None:
    with start("memcached", name="strict", settings={"m": 8, "M": ""}) as strict:
        panel = memcached.memory(strict, size=10_000)
        fill = panel.run()
        assert fill is not None
        assert fill.evictions == 0
        assert fill.refused > 0
        assert fill.kept[0][1] == 1.0
        assert fill.kept[-1][1] == 0.0
        assert f"{fill.refused:,} of {fill.written:,} values were refused" in said(panel)
        assert "out of memory" in panel.notice.static_text()
        with closing(strict.connect()) as client:
            client.flush_all(noreply=False)
        panel.size.value = 100_000
        assert panel.run() is not None
        panel.close()


def test_the_memory_panel_shows_the_servers_own_figures(own: Server) -> None:
    panel = memcached.memory(own)
    assert panel.status.state == "empty"
    panel.go.click()
    await_true(lambda: panel.status.state == "done", "the memory is full")
    assert panel.fill is not None
    assert f"✓ {panel.fill.evictions:,} evictions" in said(panel)
    assert str(panel.fill.slabs[0].evicted) in panel.table.static_text()
    panel.close()


def test_filling_stops_when_it_is_told_to(own: Server) -> None:
    stop = threading.Event()
    fill = memcached.overfill(own, stop=stop, seen=lambda _written: stop.set())
    assert fill.written < filling.limit(own) / 1000


def test_a_server_killed_while_it_is_filled_is_said(own: Server) -> None:
    panel = memcached.memory(own, size=100)
    killer = threading.Timer(SHORT, own.kill)
    killer.start()
    assert panel.run() is None
    killer.join()
    assert "restart()" in panel.notice.static_text()
    own.restart()
    assert panel.run() is not None
    panel.close()


@pytest.mark.parametrize("end", ["restart", "kill and restart"])
def test_memcached_forgets_all_and_a_durable_redis_nothing(
    own: Server, home: Path, end: str
) -> None:
    with start("redis", name="kept", durable=True) as redis:
        panel = memcached.volatile(own, redis)
        found = panel.run(end)  # type: ignore[arg-type]
        assert [(one.server, one.left) for one in found] == [("own", 0), ("kept", 1000)]
        assert said(panel).startswith("✓ own: 0 of 1,000 left; kept: 1,000 of 1,000 left")
        panel.close()


def test_an_external_server_is_not_ended_and_the_panel_says_why(own: Server) -> None:
    shared = start("memcached", url=own.url)
    panel = memcached.volatile(shared)
    assert panel.run() == []
    assert "others may be using this server" in panel.notice.static_text()
    assert own.state == "running"
    panel.close()


def test_what_is_neither_memcached_nor_redis_is_refused(home: Path) -> None:
    with start("prometheus", name="other") as other:
        panel = memcached.volatile(other)
        assert panel.run() == []
        assert "Give a Memcached or a Redis" in panel.notice.static_text()
        panel.close()


def test_many_hands_at_one_desk_do_not_mix_their_conversations(desk: memcached.Desk) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: desk.run("set", f"k{n}", str(n)), range(40)))
    assert all(answer.returned is True for answer in answers)

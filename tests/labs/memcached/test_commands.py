"""Memcached's desk and its two writers: what they send and what is refused is what happened."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from kit.labs import memcached
from kit.labs.memcached.commands import held
from kit.labs.memcached.refusal import refused
from kit.labs.memcached.wire import Wire, readable
from kit.launch.server import Server
from tests.panels import said
from tests.traces import await_true

BINARY = bytes(range(256)) + b"\r\nEND\r\n"


@pytest.fixture
def desk(server: Server) -> Iterator[memcached.Desk]:
    opened = memcached.desk(server)
    yield opened
    opened.close()


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


def test_many_hands_at_one_desk_do_not_mix_their_conversations(desk: memcached.Desk) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: desk.run("set", f"k{n}", str(n)), range(40)))
    assert all(answer.returned is True for answer in answers)

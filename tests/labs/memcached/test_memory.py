"""A full Memcached and an ended one: what was thrown out, refused and forgotten is counted."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import pytest

from kit.labs import memcached
from kit.labs.memcached import filling
from kit.launch.server import Server
from kit.launch.start import start
from tests.labs.memcached.panels import SHORT
from tests.panels import said
from tests.traces import await_true


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

"""The ring's panel shows what the nodes counted, and goes on when one of them dies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kit.labs import memcached
from kit.labs.memcached.circle import RingPanel
from kit.launch.topology import Topology
from kit.widgets.ring import Key, Owner, Ring
from tests.labs.memcached.panels import KEYS
from tests.panels import said
from tests.traces import await_true


@pytest.fixture
def panel(three: Topology) -> Iterator[RingPanel]:
    opened = memcached.ring(three, keys=KEYS)
    yield opened
    opened.close()


def test_the_panel_adds_a_node_and_shows_what_the_servers_counted(panel: RingPanel) -> None:
    panel.more.click()
    await_true(lambda: panel.moving.changes and panel.status.state == "done", "a node is added")
    change = panel.moving.changes[0]
    assert f"cache-4 joined: {change.moved('ring'):.1%} of the keys moved" in said(panel)
    assert f"{change.moved('modulo'):.1%}" in panel.table.static_text()
    assert [owner.name for owner in panel.drawing.owners] == [s.name for s in panel.moving.topology]
    assert any(key.moved for key in panel.drawing.placed)
    assert panel.strip is not None
    assert "nodes.add()" in panel.strip.text


def test_the_panel_outlives_a_node_and_strikes_it_out(panel: RingPanel) -> None:
    panel.lose("cache-2")
    gone = [owner.name for owner in panel.drawing.owners if owner.gone]
    assert gone == ["cache-2"]
    assert "cache-2" not in panel.which.options
    assert panel.which.value == "cache-1"
    assert "✗ gone" in panel.static_html()
    panel.add()
    assert [owner.name for owner in panel.drawing.owners if not owner.gone] == [
        "cache-1",
        "cache-3",
        "cache-4",
    ]
    assert said(panel).startswith("✓ cache-4 joined")


def test_a_node_that_dies_by_itself_under_traffic_does_not_end_it(panel: RingPanel) -> None:
    panel.flow.value = True
    await_true(lambda: panel.moving.reads >= 600, "traffic runs")
    panel.moving.topology[0].kill()
    reads = panel.moving.reads
    await_true(lambda: panel.moving.reads >= reads + 900, "traffic goes on")
    panel.flow.value = False
    await_true(lambda: not panel.watch.running, "traffic has ended")
    assert min(ratio for _, ratio in panel.moving.history["ring"]) < 1
    assert panel.status.state == "done"


def test_the_last_node_cannot_be_lost_and_the_panel_says_so(panel: RingPanel) -> None:
    panel.lose("cache-1")
    panel.lose("cache-2")
    assert panel.lose("cache-3") is None
    assert "last node" in panel.notice.static_text()
    assert panel.add() is not None
    assert panel.notice.value == ""


def test_a_node_that_is_not_there_is_refused_in_the_panel(panel: RingPanel) -> None:
    assert panel.lose("cache-9") is None
    assert "cache-1, cache-2, cache-3" in panel.notice.static_text()


def test_a_key_is_found_and_led_to_its_node_whatever_it_is_called(panel: RingPanel) -> None:
    panel.find.value = "<b>a key</b>\n"
    (sought,) = [key for key in panel.drawing.placed if key.sought]
    owner = panel.drawing.owners[sought.owner].name
    assert owner == panel.moving.ring.name("<b>a key</b>\n")
    assert "<b>a key" not in panel.drawing.html
    assert "&lt;b&gt;a key" in panel.drawing.html


def test_closing_the_panel_stops_its_traffic_and_leaves_the_nodes(panel: RingPanel) -> None:
    panel.flow.value = True
    await_true(lambda: panel.moving.reads > 0, "traffic runs")
    panel.close()
    assert not panel.watch.running
    assert all(server.state == "running" for server in panel.moving.topology)


def test_the_saved_picture_is_the_same_each_time(three: Topology) -> None:
    def picture() -> str:
        opened = memcached.ring(three, keys=KEYS)
        opened.turn(40)
        opened.close()
        return opened.static_html()

    assert picture() == picture()


def test_a_rings_names_are_escaped_and_an_empty_one_shows_nothing() -> None:
    ring = Ring()
    assert (ring.static_html(), ring.static_text(), ring.html) == ("", "", "")
    ring.show(
        [Owner(name="<script>x", arcs=[(0.25, 0.5)], share=1.0)],
        [Key(at=0.1, owner=0, name="<img>", moved=True)],
        note="<i>",
    )
    for page in (ring.html, ring.static_html(), ring._picture()):
        assert "<script>" not in page
        assert "<img>" not in page
        assert "<i>" not in page
    assert "0 900 900 1800" in ring.html

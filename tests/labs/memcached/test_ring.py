"""Keys on several Memcached nodes: what moves is counted by the nodes, and is what it should be."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.errors import UnknownName, UsageError
from kit.labs import memcached
from kit.labs.memcached import counts, nodes
from kit.labs.memcached.circle import RingPanel
from kit.labs.memcached.moving import Moving
from kit.launch.topology import Topology, topology
from kit.widgets.ring import Key, Owner, Ring
from tests.traces import await_true

KEYS = 3000


@pytest.fixture
def three(home: Path) -> Iterator[Topology]:
    with topology("memcached", "ring", nodes=3, name="cache") as running:
        yield running


@pytest.fixture
def moving(three: Topology) -> Iterator[Moving]:
    opened = Moving(three, keys=KEYS)
    yield opened
    opened.close()


@pytest.fixture
def panel(three: Topology) -> Iterator[RingPanel]:
    opened = memcached.ring(three, keys=KEYS)
    yield opened
    opened.close()


def said(panel: RingPanel) -> str:
    return re.sub("<[^>]+>", "", panel.status.value).strip()


def test_the_ring_is_the_librarys_own(three: Topology) -> None:
    from uhashring import HashRing

    client = memcached.connect(three, points=160)
    theirs = HashRing(["cache-1", "cache-2", "cache-3"], hash_fn="ketama", vnodes=40)
    keys = [f"features:{n}" for n in range(500)]
    assert [client.hasher.name(key) for key in keys] == [theirs.get_node(key) for key in keys]
    assert type(client).__module__ == "pymemcache.client.hash"
    client.close()


@pytest.mark.parametrize("by", ["ring", "modulo"])
def test_a_value_lies_on_the_node_that_the_rule_names_and_on_no_other(
    three: Topology, by: nodes.Rule
) -> None:
    client = memcached.connect(three, by=by)
    client.set("features:7", b"0.5")
    holders = [server.name for server in three if counts.stats(server)["curr_items"]]
    assert holders == [client.hasher.name("features:7")]
    client.close()


def test_a_node_that_joins_takes_its_share_by_the_ring_and_upsets_modulo(moving: Moving) -> None:
    change = moving.add()
    assert change.nodes == 4
    assert change.counted["ring"].reads == change.counted["modulo"].reads == KEYS
    assert change.moved("ring") == pytest.approx(1 / 4, abs=0.05)
    assert change.moved("modulo") == pytest.approx(3 / 4, abs=0.05)
    # What the ring did not find is asked of the new node alone.
    assert {name for name, missed in change.counted["ring"].misses.items() if missed} == {"cache-4"}


def test_a_node_that_dies_costs_the_ring_what_it_held_and_modulo_nearly_all(
    moving: Moving,
) -> None:
    moving.add()
    moving.refill()
    held = moving.held.hits["cache-2"]
    change = moving.lose("cache-2")
    assert len(moving.topology) == 3
    assert change.counted["ring"].missed == held
    assert change.moved("ring") == pytest.approx(1 / 4, abs=0.07)
    assert change.moved("modulo") == pytest.approx(3 / 4, abs=0.05)
    assert all(0 < lost < KEYS for lost in change.unanswered.values())


def test_more_points_share_the_keys_out_more_evenly(moving: Moving) -> None:
    def uneven() -> float:
        held = moving.held.hits.values()
        return max(held) / min(held)

    spread = []
    for points in (4, 160, 640):
        moving.turn(points)
        moving.refill()
        spread.append(uneven())
    assert spread == sorted(spread, reverse=True)
    assert moving.held.missed == 0
    assert sum(moving.held.hits.values()) == KEYS


def test_traffic_fills_the_cache_again_and_the_servers_own_counters_say_so(moving: Moving) -> None:
    moving.add()
    moving.traffic(20, lambda: None, threading.Event())
    for line in moving.history.values():
        ratios = [ratio for _, ratio in line]
        assert len(ratios) == 20
        assert ratios[-1] > ratios[0]
    assert moving.history["ring"][0][1] > moving.history["modulo"][0][1]


def test_traffic_ends_when_it_is_told_to(moving: Moving) -> None:
    stop = threading.Event()
    moving.traffic(50, stop.set, stop)
    assert len(moving.history["ring"]) == 1


def test_the_clients_tally_is_that_of_the_servers(three: Topology) -> None:
    client = memcached.connect(three)
    keys = [f"k{n}" for n in range(100)]
    counts.fill(client, keys[:60], b"v")
    tally = counts.tally(three, lambda: counts.read(client, keys))
    assert (tally.hit, tally.missed, tally.ratio) == (60, 40, 0.6)
    assert counts.read(client, keys) == keys[60:]
    client.close()


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


def test_wrong_rules_and_points_are_refused_with_what_is_right(three: Topology) -> None:
    with pytest.raises(UnknownName, match="ring"):
        memcached.connect(three, by="rings")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="multiple of 4"):
        memcached.connect(three, points=5)


def test_stretches_of_the_circle_make_it_whole_and_agree_with_the_keys() -> None:
    ketama = nodes.Ketama(16)
    for name in ("a", "b", "c"):
        ketama.join(name)
    stretches = nodes.arcs(ketama.points())
    assert sum(end - begin for arcs in stretches.values() for begin, end in arcs) == pytest.approx(
        1
    )
    for key in (f"k{n}" for n in range(300)):
        name, at = ketama.name(key), ketama.at(key)
        assert name is not None
        assert any(begin <= at <= end for begin, end in stretches[name])


def test_keys_spread_evenly_by_modulo_until_the_number_of_nodes_changes() -> None:
    modulo = nodes.Modulo()
    for name in ("a", "b", "c"):
        modulo.join(name)
    found = Counter(modulo.name(f"k{n}") for n in range(3000))
    assert min(found.values()) > 900
    assert nodes.Modulo().name("k") is None


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

"""Keys on several Memcached nodes: what moves is counted by the nodes, and is what it should be."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from kit.errors import UnknownName, UsageError
from kit.labs import memcached
from kit.labs.memcached import counts, nodes
from kit.labs.memcached.moving import Moving
from kit.launch.topology import Topology
from tests.labs.memcached.panels import KEYS


@pytest.fixture
def moving(three: Topology) -> Iterator[Moving]:
    opened = Moving(three, keys=KEYS)
    yield opened
    opened.close()


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

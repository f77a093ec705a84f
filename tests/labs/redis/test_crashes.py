"""What survives a crash and a fail-over, counted on real servers that are really killed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.errors import UnknownName, UsageError
from kit.labs.redis import availability, persistence, slots
from kit.labs.redis.persistence import POLICIES, crash
from kit.labs.redis.writers import is_prefix
from kit.launch.topology import Topology, topology
from tests.traces import await_true, directories

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Topology]:
    with topology("redis", "cluster", name="drawn", backend="process", durable=True) as made:
        yield made


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("again", [1, 2])
def test_what_survives_a_kill_is_what_the_policy_promises(policy: str, again: int) -> None:
    found = crash(policy, seconds=0.6)
    assert found.acknowledged > 0
    assert found.ordered
    if policy == "none":
        assert found.survived == 0
    elif policy == "rdb":
        assert 0 < found.survived < found.acknowledged
    else:
        # The process was killed, not the machine: what was handed to the system is written.
        assert found.lost == 0


def test_a_hole_is_told_from_a_cut() -> None:
    assert is_prefix([True, True, False])
    assert is_prefix([])
    assert not is_prefix([True, False, True])


def test_the_panel_counts_each_policy_and_leaves_no_server(home: Path) -> None:
    before = directories(home)
    panel = persistence.panel(seconds=0.3)
    assert panel.status.state == "done", panel.notice.static_text()
    kept = {row[0]: row[4] for row in panel.table.grids[0].rows}
    assert kept[POLICIES["none"].title] == "nothing"
    assert kept[POLICIES["always"].title] == "everything"
    assert kept[POLICIES["rdb"].title] == "a part"
    assert persistence.NOTE in panel.static_text()
    assert directories(home) == before
    with pytest.raises(UnknownName, match="always"):
        crash("alway")
    panel.close()


def test_a_primary_killed_under_load_is_replaced_and_the_losses_are_counted() -> None:
    with topology("redis", "sentinel", name="lossy", backend="process") as made:
        panel = availability.panel(made)
        assert panel.status.state == "done", panel.notice.static_text()
        loss = panel.loss
        assert loss is not None
        assert loss.back is not None
        assert loss.outage > 0
        assert 0 <= loss.lost < len(loss.acknowledged)
        assert made.primary.name != loss.killed
        assert all(server.state == "running" for server in made)
        lanes = {lane.label: [s.kind for s in lane.spans] for lane in panel.timeline.lanes}
        assert "down" in lanes[loss.killed]
        assert lanes[made.primary.name][-1] == "primary"
        assert {"writing", "no service"} <= set(lanes["clients"])
        saved = panel.static_html() + panel.static_text()
        assert not re.search(r"\d (ms|µs|s)\b", saved)
        assert made[0].password not in saved
        panel.close()


def test_a_cluster_that_writes_through_loses_a_node_and_no_acknowledged_write(
    cluster: Topology,
) -> None:
    loss = availability.lose(cluster, revive=2.5, before=0.5, after=0.5)
    assert loss.back is not None
    assert loss.lost == 0
    assert loss.refused


def test_slots_are_drawn_moved_lost_and_brought_back(cluster: Topology) -> None:
    panel = slots.panel(cluster, key="prediction:7")
    assert sum(len(part.slots) for part in panel.parts) == 16_384
    with_key = [lane.label for lane in panel.picture.lanes if lane.marks]
    with availability.connect(cluster) as client:
        client.set("prediction:7", "seven")
        panel.action.value = "move"
        panel.run()
        moved = [lane.label for lane in panel.picture.lanes if lane.marks]
        assert len(moved) == 1
        assert moved != with_key
        assert "with 1 key" in panel.status.value
        assert client.get("prediction:7") == b"seven"
    panel.action.value = "lose"
    panel.run()
    states = {part.name: part.state for part in panel.parts}
    assert states.pop(moved[0]) == "down"
    assert set(states.values()) == {"fail"}
    panel.action.value = "back"
    panel.run()
    assert {part.state for part in panel.parts} == {"ok"}
    panel.close()


def test_keys_with_one_tag_share_a_slot(cluster: Topology) -> None:
    slot = slots.slot_of(cluster, "user:{7}:name")
    assert slot == slots.slot_of(cluster, "user:{7}:team")
    assert slot != slots.slot_of(cluster, "user:{8}:name")


@pytest.mark.parametrize("given", [None, "redis", 42])
def test_what_are_not_several_servers_is_refused_with_the_call_that_makes_them(given: Any) -> None:
    with pytest.raises(UsageError, match=r"kit\.topology"):
        availability.panel(given)
    with pytest.raises(UsageError, match="cluster"):
        slots.panel(given)
    with (
        topology("redis", "replica", name="pair", backend="process") as made,
        pytest.raises(UsageError, match="sentinel"),
    ):
        availability.panel(made)


def test_a_cluster_without_its_servers_says_so(own_home: Path) -> None:
    with topology("redis", "cluster", name="gone", backend="process") as made:
        panel = slots.panel(made)
        for server in made:
            server.kill()
        panel.run()
        assert panel.status.state == "failed"
        assert "restart()" in panel.notice.static_text()
        for server in made:
            server.restart()
        panel.action.value = "back"
        panel.run()
        await_true(lambda: {part.state for part in slots.look(made)} == {"ok"}, "all is well again")
        panel.close()

"""Bursts and hot keys: the simulation by arithmetic, the keys by what a real server was sent."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest

from kit.errors import UsageError
from kit.labs.dynamodb import throttling
from kit.labs.dynamodb.heat import hotkeys
from kit.labs.dynamodb.keys import KeyChoice, counting, send
from kit.labs.dynamodb.layout import pages
from kit.labs.dynamodb.simulation import MODEL, scaling
from kit.labs.dynamodb.throttling import Settings, load, simulate
from kit.launch.server import Server


def test_a_load_within_capacity_is_served_and_what_is_unused_is_saved_for_five_minutes() -> None:
    trace = simulate([50.0] * 1000, Settings(provisioned=100, target=0))
    assert trace.throttled == 0
    assert trace.bucket[299] == 300 * 50
    assert max(trace.bucket) == 300 * 100


def test_a_burst_lives_off_what_was_saved_and_then_is_throttled() -> None:
    trace = simulate([0.0] * 300 + [400.0] * 200, Settings(provisioned=100, target=0))
    full = [second for second in range(300, 500) if trace.served[second] == 400]
    assert full == list(range(300, 400))  # 30,000 units saved, 300 more than provisioned a second
    assert trace.served[-1] == 100
    assert sum(trace.served) + trace.throttled == pytest.approx(sum(trace.offered))


def test_target_tracking_raises_after_two_minutes_and_lowers_after_fifteen() -> None:
    trace = simulate([95.0] * 1200, Settings(provisioned=100, target=0.7))
    assert trace.provisioned[119] == 100
    assert trace.provisioned[120] == math.ceil(95 / 0.7)
    trace = simulate([10.0] * 1200, Settings(provisioned=100, target=0.7))
    assert trace.provisioned[899] == 100
    assert trace.provisioned[900] == math.ceil(10 / 0.7)
    trace = simulate([95.0] * 1200, Settings(provisioned=100, target=0))
    assert set(trace.provisioned) == {100}


def test_no_capacity_helps_a_single_hot_key_beyond_its_partition() -> None:
    rich = Settings(provisioned=10_000, target=0, hottest=1.0)
    assert set(simulate([3000.0] * 60, rich).served) == {1000.0}
    spread = Settings(provisioned=10_000, target=0, hottest=0.01)
    assert simulate([3000.0] * 60, spread).throttled == 0


@pytest.mark.parametrize("name", throttling.LOADS)
def test_every_load_lasts_an_hour_and_begins_with_its_base(name: str) -> None:
    found = load(name, 10)
    assert (len(found), found[0]) == (3600, 10)


def test_the_simulation_says_that_it_is_one_and_shows_its_model() -> None:
    panel = scaling(load="a spike")
    assert "Simulation" in panel.title
    assert panel.strip is not None
    assert panel.strip.text == MODEL
    assert "bucket" in MODEL
    assert "A simulation" in panel.table.static_text()
    panel.provisioned.value = 0
    assert panel.status.state == "failed"
    panel.target.value = 0
    panel.provisioned.value = 5000
    assert panel.status.state == "done"
    assert "0.0%" in panel.status.value
    panel.close()


DICE = random.Random(0)
EVENTS = [
    {
        "id": f"event-{n}",
        "model": DICE.choices(["svm", "sgd"], [9, 1])[0],
        "digit": DICE.randrange(10),
    }
    for n in range(120)
]


@pytest.mark.parametrize("shards", [0, 4])
def test_keys_are_counted_as_they_went_over_the_wire_and_all_items_arrive(
    server: Server, shards: int
) -> None:
    choice = KeyChoice(("model",), shards)
    found = send(server, EVENTS, choice)
    assert found.counts == Counter(choice.value(event, event["id"]) for event in EVENTS)
    db = server.connect()
    stored = Counter(item["partition"] for item in pages(db.Table("kit_traffic"), "scan"))
    assert stored == found.counts
    db.meta.client.close()


def test_batches_and_refused_writes_are_counted_rightly(server: Server) -> None:
    send(server, EVENTS[:1], KeyChoice(("model",)))
    table = server.connect().Table("kit_traffic")
    with counting(table, "partition") as counts:
        with table.batch_writer() as batch:
            for n in range(30):
                batch.put_item(Item={"partition": f"p{n % 2}", "id": str(n)})
        table.get_item(Key={"partition": "p0", "id": "0"})
        with pytest.raises(table.meta.client.exceptions.ClientError):
            table.put_item(Item={"partition": "p9"})
    assert counts == {"p0": 16, "p1": 15}
    table.meta.client.close()


def test_the_map_compares_keys_under_the_same_traffic(server: Server) -> None:
    panel = hotkeys(server, EVENTS, [KeyChoice(("model",)), KeyChoice(("id",))])
    bad, good = panel.traffic
    assert bad.hottest[0] == "svm"
    assert bad.hottest[1] > 0.8
    assert good.hottest[1] == 1 / len(EVENTS)
    assert bad.ceiling == pytest.approx(1000 / bad.hottest[1])
    assert "this server has no such limit" in panel.static_text()
    panel.attribute.value, panel.shards.value = "model", 4
    panel._again()
    assert [one.choice.name for one in panel.traffic] == ["model", "id", "model + one of 4"]
    panel._again()
    assert len(panel.traffic) == 3
    panel.close()


def test_an_attribute_that_is_missing_is_refused_before_anything_is_written(
    server: Server,
) -> None:
    with pytest.raises(UsageError, match="nope"):
        send(server, EVENTS, KeyChoice(("nope",)))
    with pytest.raises(UsageError):
        hotkeys(server, [], [KeyChoice(("model",))])

"""Costs, hot keys and the simulation: arithmetic against arithmetic, counts against the server."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.errors import UsageError
from kit.labs.dynamodb import cost, throttling
from kit.labs.dynamodb.cost import Prices, Workload, compare
from kit.labs.dynamodb.design import Design
from kit.labs.dynamodb.heat import hotkeys
from kit.labs.dynamodb.keys import KeyChoice, counting, send
from kit.labs.dynamodb.layout import create, pages
from kit.labs.dynamodb.meters import KINDS, meter
from kit.labs.dynamodb.paying import calculator
from kit.labs.dynamodb.simulation import MODEL, scaling
from kit.labs.dynamodb.throttling import Settings, load, simulate
from kit.labs.dynamodb.weight import size
from kit.launch.server import Server
from kit.launch.start import start

DICE = random.Random(0)
EVENTS = [
    {
        "id": f"event-{n}",
        "model": DICE.choices(["svm", "sgd"], [9, 1])[0],
        "digit": DICE.randrange(10),
    }
    for n in range(120)
]


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("dynamodb", name="load") as running:
        yield running


def flat(rate: float, **more: Any) -> Workload:
    return Workload(hours=[rate] * 24, **more)


def test_a_million_requests_cost_what_the_price_list_says() -> None:
    month = 24 * 3600 * cost.DAYS
    demand = compare(flat(1e6 / month, writes=1.0), Prices())[0]
    assert demand.total == pytest.approx(0.625)
    demand = compare(flat(1e6 / month, writes=0.0, consistency="strong"), Prices())[0]
    assert demand.total == pytest.approx(0.125)
    demand = compare(flat(1e6 / month, writes=1.0, size=1025), Prices())[0]
    assert demand.total == pytest.approx(2 * 0.625)


def test_provisioned_units_are_paid_by_the_hour_used_or_not() -> None:
    busy_once = Workload(hours=[100.0, *[0.0] * 23], writes=1.0)
    peak = compare(busy_once, Prices())[1]
    assert peak.total == pytest.approx(100 * 730 * 0.00065)


@pytest.mark.parametrize("write", [True, False])
def test_both_modes_cost_the_same_at_the_break_even(write: bool) -> None:
    prices = Prices()
    share = prices.break_even[0 if write else 1]
    hours = [1000.0] + [1000.0 * (24 * share - 1) / 23] * 23
    work = Workload(hours=hours, writes=1.0 if write else 0.0, consistency="strong")
    demand, peak, _ = compare(work, prices)
    assert cost.utilisation(hours) == pytest.approx(share)
    assert demand.total == pytest.approx(peak.total)


@pytest.mark.parametrize(
    "wrong", [{"hours": [1.0]}, {"hours": [-1.0] * 24}, {"hours": [1.0] * 24, "writes": 2.0}]
)
def test_a_workload_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Workload(**wrong)
    with pytest.raises(UsageError):
        Prices(write_hour=-1)


def test_the_calculator_follows_its_controls_and_its_drawing() -> None:
    panel = calculator(peak=100, writes=1.0)
    assert panel.costs == compare(panel.workload, panel.prices)
    panel.day._hear(None, {"event": "drawn", "value": [0.5] * 24}, None)
    assert panel.shape.value == "drawn by you"
    assert list(panel.workload.hours) == [50.0] * 24
    panel.shape.value = "a nightly batch"
    assert sum(hour > 0 for hour in panel.workload.hours) == 2
    dict(panel.paid)["write_request"].value = 0.0
    assert panel.costs[0].writes == 0
    assert "2024-11-01" in panel.static_text()
    assert panel.strip is not None
    names: dict[str, Any] = {}
    code, _, call = panel.strip.text.rpartition("\n")
    exec(code, names)  # noqa: S102
    assert eval(call, names) == panel.costs  # noqa: S307
    panel.close()


def test_a_drawing_is_kept_between_nothing_and_the_peak() -> None:
    panel = calculator()
    panel.day._hear(None, {"event": "drawn", "value": [2.0, -1.0, *[0.0] * 22]}, None)
    assert panel.day.shares[:2] == [1.0, 0.0]
    panel.day._hear(None, {"event": "drawn", "value": "nonsense"}, None)
    assert panel.day.shares[:2] == [1.0, 0.0]
    panel.close()


def test_a_day_without_requests_costs_nothing_but_the_smallest_capacity() -> None:
    panel = calculator(peak=0)
    assert [one.total for one in panel.costs] == [0, 0, 0]
    assert panel.status.state == "done"
    panel.close()


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


@pytest.fixture
def filled(server: Server) -> Iterator[Any]:
    definition = Design(partition="run", sort="epoch").definition([{"run": "a", "epoch": 1}])
    table = create(server.connect(), "metered", definition)
    for run in ("a", "b"):
        for epoch in range(3):
            table.put_item(Item={"run": run, "epoch": epoch, "weights": b"x" * 3000})
    yield table
    table.delete()
    table.meta.client.close()


def test_every_kind_of_call_in_the_meter_is_made_and_weighed(server: Server, filled: Any) -> None:
    panel = meter(server, "metered")
    one = size(filled.get_item(Key={"run": "a", "epoch": 0})["Item"])
    found = {kind.name: panel.run(kind.name)[0].units for kind in KINDS}
    assert found == {
        "one item": 0.5,
        "one item, one attribute of it": 0.5,
        "all items of a partition": 0.5 * math.ceil(3 * one / 4096),
        "the first item of a partition": 0.5,
        "a partition, filtered to one item": 0.5 * math.ceil(3 * one / 4096),
        "the whole table": 0.5 * math.ceil(6 * one / 4096),
        "the whole table, filtered to one value": 0.5 * math.ceil(6 * one / 4096),
        "the whole table, only counted": 0.5 * math.ceil(6 * one / 4096),
        "the same item, read in a transaction": 2,
        "the same item, written again": 3,
        "the same item, written in a transaction": 6,
        "a note of 2,000 letters added to it": 5,
        "the note taken away again": 5,
    }
    panel.consistency.value = "strongly consistent"
    assert panel.run("the whole table")[0].units == math.ceil(6 * one / 4096)
    assert panel.strip is not None
    assert "ConsistentRead=True" in panel.strip.text
    if not server.supports("metering"):
        assert "does not meter" in panel.note
        assert "server says" not in panel.static_text()
    panel.close()


def test_the_meter_refuses_a_table_that_is_not_there_or_empty(server: Server, filled: Any) -> None:
    with pytest.raises(UsageError, match="no table called 'nope'"):
        meter(server, "nope")
    for item in pages(filled, "scan"):
        filled.delete_item(Key={"run": item["run"], "epoch": item["epoch"]})
    with pytest.raises(UsageError, match="empty"):
        meter(server, "metered")

"""The bill and the meter on a real server: each figure is explained, and none is made up."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from kit.errors import UsageError
from kit.labs.dynamodb.bill import metering
from kit.labs.dynamodb.design import Design
from kit.labs.dynamodb.layout import create, pages
from kit.labs.dynamodb.meters import KINDS, meter
from kit.labs.dynamodb.weight import size
from kit.launch.server import Server
from tests.labs.dynamodb.metered import item
from tests.labs.dynamodb.metered import table as table


def test_the_figure_that_moto_makes_up_is_not_shown(server: Server, table: Any) -> None:
    with metering(table) as bill:
        table.put_item(Item=item(1, 3000))
        answer = table.get_item(Key={"run": "a", "epoch": 1})
    if server.supports("metering"):
        assert bill.lines[0].said == 3
        return
    assert "ConsumedCapacity" not in answer
    assert "server says" not in bill.panel().static_html() + bill.panel().static_text()


def test_the_figure_of_a_server_that_meters_stands_beside_the_computed_one(
    table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.labs.dynamodb.bill.is_metered", lambda _resource: True)
    with metering(table) as bill:
        answer = table.put_item(Item=item(1, 3000, model="m", score=1))
        table.get_item(Key={"run": "a", "epoch": 1})
        table.meta.client.describe_table(TableName="runs")
    put, index, get = bill.lines
    assert put.said == float(answer["ConsumedCapacity"]["CapacityUnits"])
    assert index.said is None
    assert get.said is not None
    assert "the server says" in bill.panel().static_text()
    assert "metered" in bill.panel().note


def test_a_call_that_cannot_be_weighed_succeeds_all_the_same(
    table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetItem")

    monkeypatch.setattr("kit.labs.dynamodb.scales.Scales.items", refused)
    with metering(table) as bill:
        table.put_item(Item=item(1, 10))
        table.get_item(Key={"run": "a", "epoch": 1})
    assert [(line.call, line.units) for line in bill.lines] == [
        ("PutItem", None),
        ("GetItem", None),
    ]
    assert "could not be weighed: AccessDeniedException" in bill.panel().static_html()


def test_a_bill_can_be_added_up_by_call_and_table(table: Any) -> None:
    with metering(table) as bill:
        for epoch in range(3):
            table.put_item(Item=item(epoch, 1025, model="m", score=epoch))
        table.scan()
    panel = bill.panel()
    panel.kind.index = 1
    (grid,) = panel.table.grids
    rows = [(row[0], row[1], row[2], row[3], str(row[4])) for row in grid.rows]
    assert rows[0] == ("PutItem", "runs", 3, 3 * 1025, "6 write")
    assert rows[1][4] == "3 write"
    assert [row[0] for row in rows] == ["PutItem", "PutItem", "Scan"]


def test_the_bill_is_shown_escaped_and_says_what_it_is(table: Any) -> None:
    with metering(table) as bill:
        table.scan()
    assert "published rules" in bill.panel().static_text()
    assert "Scan" in bill.panel().static_html()
    with metering(table) as nothing:
        pass
    assert "No call" in nothing.panel().static_text()


@pytest.mark.parametrize("wrong", [None, "runs", boto3])
def test_what_is_not_a_resource_is_refused(wrong: object) -> None:
    with pytest.raises(UsageError, match=r"connect\(\)"), metering(wrong):
        pass


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
    for one in pages(filled, "scan"):
        filled.delete_item(Key={"run": one["run"], "epoch": one["epoch"]})
    with pytest.raises(UsageError, match="empty"):
        meter(server, "metered")

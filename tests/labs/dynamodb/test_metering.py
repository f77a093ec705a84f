"""Metered calls on a real server: what each had to do with, by an account kept apart from it."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from kit.labs.dynamodb.account import Line
from kit.labs.dynamodb.bill import Bill, metering
from tests.labs.dynamodb.metered import item
from tests.labs.dynamodb.metered import table as table

KB = 1024


def used(bill: Bill) -> list[tuple[str, str, int, int, float | None]]:
    return [(one.call, one.where, one.items, one.size, one.units) for one in bill.lines]


def only(bill: Bill) -> Line:
    (line,) = bill.lines
    return line


@pytest.mark.parametrize(
    ("size", "strong", "units"),
    [(1024, False, 0.5), (4096, False, 0.5), (4096, True, 1), (4097, True, 2), (4097, False, 1)],
)
def test_a_read_of_one_item_is_weighed_whole_though_a_projection_returns_little(
    table: Any, size: int, strong: bool, units: float
) -> None:
    table.put_item(Item=item(1, size))
    with metering(table) as bill:
        answer = table.get_item(
            Key={"run": "a", "epoch": 1}, ProjectionExpression="epoch", ConsistentRead=strong
        )
    assert answer["Item"] == {"epoch": 1}
    assert used(bill) == [("GetItem", "runs", 1, size, units)]


def test_reading_what_is_not_there_costs_the_minimum(table: Any) -> None:
    with metering(table) as bill:
        table.get_item(Key={"run": "a", "epoch": 9})
        table.query(KeyConditionExpression=Key("run").eq("nobody"))
        table.scan(ConsistentRead=True)
    assert [line.units for line in bill.lines] == [0.5, 0.5, 1]


@pytest.mark.parametrize(
    ("sizes", "units"), [([1000] * 4, 0.5), ([1024] * 4, 0.5), ([1024] * 4 + [100], 1)]
)
def test_a_query_adds_up_all_it_looked_at_and_not_what_it_returned(
    table: Any, sizes: list[int], units: float
) -> None:
    for epoch, size in enumerate(sizes):
        table.put_item(Item=item(epoch, size))
    table.put_item(Item={"run": "b", "epoch": 0})
    with metering(table) as bill:
        answer = table.query(
            KeyConditionExpression=Key("run").eq("a"),
            FilterExpression=Attr("epoch").lt(1) & Attr("p").exists(),
            ProjectionExpression="epoch",
        )
    assert answer["Count"] == 1
    assert used(bill) == [("Query", "runs", len(sizes), sum(sizes), units)]
    assert f"{len(sizes) - 1} filtered out" in only(bill).why


def test_a_scan_counts_the_whole_table_and_a_limited_page_only_its_own(table: Any) -> None:
    for epoch in range(6):
        table.put_item(Item=item(epoch, 3000))
    with metering(table) as bill:
        table.scan(FilterExpression=Attr("epoch").eq(5))
        page = table.scan(Limit=2)
        table.scan(Limit=2, ExclusiveStartKey=page["LastEvaluatedKey"], Select="COUNT")
    assert [(line.items, line.size, line.units) for line in bill.lines] == [
        (6, 18000, 2.5),
        (2, 6000, 1),
        (2, 6000, 1),
    ]


def test_a_query_of_an_index_weighs_the_index_own_entries(table: Any) -> None:
    table.put_item(Item=item(1, 9000, model="m", score=Decimal("0.5")))
    with metering(table) as bill:
        answer = table.query(IndexName="by_model", KeyConditionExpression=Key("model").eq("m"))
    (entry,) = answer["Items"]
    assert set(entry) == {"run", "epoch", "model", "score"}
    line = only(bill)
    assert (line.where, line.items, line.units) == ("runs · by_model", 1, 0.5)
    assert line.size < 50


def test_writes_count_the_larger_of_before_and_after_and_what_the_index_adds(table: Any) -> None:
    with metering(table) as bill:
        table.put_item(Item=item(1, 1025))
        table.put_item(Item=item(1, 1024, model="m", score=1))
        table.update_item(
            Key={"run": "a", "epoch": 1},
            UpdateExpression="SET score = :new",
            ExpressionAttributeValues={":new": 2},
        )
        table.delete_item(Key={"run": "a", "epoch": 1})
        table.delete_item(Key={"run": "a", "epoch": 1})
    found = [(line.where, line.units) for line in bill.lines]
    assert found == [
        *[("runs", 2), ("runs · by_model", 0)],
        *[("runs", 2), ("runs · by_model", 1)],
        *[("runs", 1), ("runs · by_model", 2)],
        *[("runs", 1), ("runs · by_model", 1)],
        *[("runs", 1), ("runs · by_model", 0)],
    ]


def test_a_refused_condition_costs_what_is_there(table: Any) -> None:
    table.put_item(Item=item(1, 3000))
    with metering(table) as bill, pytest.raises(ClientError):
        table.put_item(Item=item(1, 9000), ConditionExpression=Attr("run").not_exists())
    assert used(bill) == [("PutItem", "runs", 1, 3000, 3)]
    assert "condition failed" in only(bill).why


def test_an_invalid_call_costs_nothing(table: Any) -> None:
    with metering(table) as bill, pytest.raises(ClientError):
        table.put_item(Item={"run": "a"})
    assert bill.lines == []


def test_batches_and_transactions_are_counted_item_by_item(table: Any) -> None:
    client = table.meta.client
    first, second = item(1, 1025), item(2, 10)
    keys = [{"run": "a", "epoch": epoch} for epoch in (1, 2, 3)]
    gets = [{"Get": {"TableName": "runs", "Key": key}} for key in keys]
    with metering(table) as bill:
        with table.batch_writer() as batch:
            batch.put_item(Item=first)
            batch.put_item(Item=second)
        client.batch_get_item(RequestItems={"runs": {"Keys": keys}})
        client.transact_get_items(TransactItems=gets)
        puts = [{"Put": {"TableName": "runs", "Item": one}} for one in (first, second)]
        client.transact_write_items(TransactItems=puts)
    on_table = [(line.call, line.items, line.units) for line in bill.lines if line.where == "runs"]
    assert on_table == [
        ("BatchWriteItem", 2, 3),
        ("BatchGetItem", 3, 1.5),
        ("TransactGetItems", 3, 6),
        ("TransactWriteItems", 2, 6),
    ]


def test_what_a_cancelled_transaction_costs_is_not_invented(table: Any) -> None:
    put = {"TableName": "runs", "Item": item(1, 10), "ConditionExpression": "attribute_exists(x)"}
    with metering(table) as bill, pytest.raises(ClientError):
        table.meta.client.transact_write_items(TransactItems=[{"Put": put}])
    assert only(bill).units is None
    assert "no published rule" in only(bill).why


def test_calls_outside_the_block_and_the_weighing_itself_are_not_counted(table: Any) -> None:
    with metering(table) as bill:
        table.put_item(Item=item(1, 10))
    table.scan()
    assert {line.call for line in bill.lines} == {"PutItem"}


def test_several_threads_are_counted_each_with_its_own_call(table: Any) -> None:
    def work(number: int) -> None:
        for epoch in range(10):
            table.put_item(Item=item(100 * number + epoch, 100))

    with metering(table) as bill:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert bill.write == 30
    assert {line.size for line in bill.lines if line.where == "runs"} == {100}


def test_an_item_beyond_400_kb_is_refused_by_the_server_and_costs_nothing(table: Any) -> None:
    with metering(table) as bill, pytest.raises(ClientError, match="Item size"):
        table.put_item(Item=item(1, 400 * KB + 1))
    assert bill.lines == []

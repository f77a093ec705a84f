"""The DynamoDB exercises: every right way passes, every likely wrong one is told what is off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from kit import exercises
from kit.labs.dynamodb.design import Design
from kit.labs.dynamodb.layout import create
from kit.launch.server import Server
from kit.launch.start import start


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("dynamodb", name="exercises") as running:
        yield running


@pytest.fixture
def table(server: Server) -> Iterator[Any]:
    definition = Design(partition="run", sort="epoch").definition([{"run": "a", "epoch": 1}])
    made = create(server.connect(), "epochs", definition)
    for seed in (0, 1):
        for epoch in range(1, 7):
            accuracy = Decimal(f"0.{min(90 + epoch, 95)}")
            item = {"run": f"rate 0.01 seed {seed}", "epoch": epoch, "seed": seed}
            made.put_item(Item=item | {"accuracy": accuracy})
    made.put_item(Item={"run": "model 3", "epoch": 0, "weights": b"x" * 5120})
    yield made
    made.delete()
    made.meta.client.close()


def state(server: Server, name: str, answer: object) -> str:
    return exercises.check(name, answer, server=server).state


def complaint(server: Server, name: str, answer: object) -> str:
    verdict = exercises.check(name, answer, server=server)
    assert verdict.state == "off", verdict
    assert verdict.hint
    return verdict.message


def test_the_last_three_epochs_in_their_order(server: Server, table: Any) -> None:
    found = table.query(
        KeyConditionExpression=Key("run").eq("rate 0.01 seed 1"), ScanIndexForward=False, Limit=3
    )["Items"]
    right = [item["accuracy"] for item in found]
    assert state(server, "dy-1", right) == "right"
    assert state(server, "dy-1", [float(one) for one in right]) == "right"
    assert complaint(server, "dy-1", [Decimal("0.91"), Decimal("0.92"), Decimal("0.93")])
    assert complaint(server, "dy-1", right[:2])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [((2, 12), "right"), ([2, 12], "right"), ((1, 12), "off"), ((2, 6), "off"), ((2, 10), "off")],
)
def test_units_are_those_of_the_item_that_is_stored(
    server: Server, table: Any, answer: object, expected: str
) -> None:
    assert state(server, "dy-2", answer) == expected


def add(table: Any, name: str, partition: str, sort: str, projection: str = "ALL") -> str:
    kinds = {"seed": "N", "accuracy": "N", "run": "S", "epoch": "N"}
    known = dict.fromkeys([partition, sort])
    table.meta.client.update_table(
        TableName="epochs",
        AttributeDefinitions=[{"AttributeName": one, "AttributeType": kinds[one]} for one in known],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": name,
                    "KeySchema": [
                        {"AttributeName": partition, "KeyType": "HASH"},
                        {"AttributeName": sort, "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": projection},
                }
            }
        ],
    )
    return name


@pytest.mark.parametrize("projection", ["ALL", "KEYS_ONLY"])
def test_an_index_by_seed_and_accuracy_serves(server: Server, table: Any, projection: str) -> None:
    assert state(server, "dy-3", add(table, "by_seed", "seed", "accuracy", projection)) == "right"


def test_an_index_that_cannot_sort_or_is_not_there_is_told_so(server: Server, table: Any) -> None:
    assert "no index called 'nope'" in complaint(server, "dy-3", "nope")
    assert "sorted here" in complaint(server, "dy-3", add(table, "bad", "seed", "epoch"))
    assert "scan" in complaint(server, "dy-3", add(table, "worse", "accuracy", "seed"))


def crown(table: Any, run: str, accuracy: Decimal) -> bool:
    try:
        table.put_item(
            Item={"task": "digits", "run": run, "accuracy": accuracy},
            ConditionExpression=Attr("task").not_exists() | Attr("accuracy").lt(accuracy),
        )
    except ClientError:
        return False
    return True


def crown_by_update(table: Any, run: str, accuracy: Decimal) -> bool:
    try:
        table.update_item(
            Key={"task": "digits"},
            UpdateExpression="SET run = :run, accuracy = :accuracy",
            ConditionExpression="attribute_not_exists(task) OR accuracy < :accuracy",
            ExpressionAttributeValues={":run": run, ":accuracy": accuracy},
        )
    except ClientError:
        return False
    return True


def look_first(table: Any, run: str, accuracy: Decimal) -> bool:
    item = table.get_item(Key={"task": "digits"}).get("Item")
    if item and item["accuracy"] >= accuracy:
        return False
    table.put_item(Item={"task": "digits", "run": run, "accuracy": accuracy})
    return True


def always(table: Any, run: str, accuracy: Decimal) -> bool:
    table.put_item(Item={"task": "digits", "run": run, "accuracy": accuracy})
    return True


@pytest.mark.parametrize("right", [crown, crown_by_update])
def test_a_condition_crowns_the_best(server: Server, right: Callable[..., bool]) -> None:
    assert state(server, "dy-4", right) == "right"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (look_first, "before it writes"),
        (always, "not better"),
        (lambda *_: True, "not better"),
        ("crown", "function itself"),
    ],
)
def test_looking_first_or_not_at_all_is_found_out(
    server: Server, wrong: object, words: str
) -> None:
    assert words in complaint(server, "dy-4", wrong)


def test_an_answer_that_raises_is_no_crash_of_the_check(server: Server) -> None:
    assert state(server, "dy-4", lambda: 1 / 0) == "unchecked"
    assert state(server, "dy-4", ...) == "not yet"


def store(client: Any, table_name: str, items: list[dict[str, Any]]) -> None:
    waiting = [{"PutRequest": {"Item": item}} for item in items]
    while waiting:
        batch, waiting = waiting[:25], waiting[25:]
        answer = client.batch_write_item(RequestItems={table_name: batch})
        waiting += answer["UnprocessedItems"].get(table_name, [])


def store_and_forget(client: Any, table_name: str, items: list[dict[str, Any]]) -> None:
    puts = [{"PutRequest": {"Item": item}} for item in items]
    for at in range(0, len(puts), 25):
        client.batch_write_item(RequestItems={table_name: puts[at : at + 25]})


def store_at_once(client: Any, table_name: str, items: list[dict[str, Any]]) -> None:
    waiting = [{"PutRequest": {"Item": item}} for item in items]
    while waiting:
        answer = client.batch_write_item(RequestItems={table_name: waiting})
        waiting = answer["UnprocessedItems"].get(table_name, [])


def test_who_sends_again_what_came_back_stores_everything(server: Server) -> None:
    assert state(server, "dy-5", store) == "right"


def test_who_forgets_or_sends_too_much_is_told(server: Server) -> None:
    assert "arrived" in complaint(server, "dy-5", store_and_forget)
    assert "25 items at most" in complaint(server, "dy-5", store_at_once)


def test_the_checks_leave_no_table_behind(server: Server) -> None:
    exercises.check("dy-5", store, server=server)
    exercises.check("dy-4", always, server=server)
    db = server.connect()
    assert "kit_exercise" not in db.meta.client.list_tables()["TableNames"]
    db.meta.client.close()

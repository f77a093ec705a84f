"""A learner's tables on a shared DynamoDB: the client knows them by the names that were written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit import databases
from kit.databases.rooms import dynamodb as rooms
from kit.errors import Unsupported
from kit.labs import dynamodb
from kit.launch import sharing
from kit.launch.server import Server
from kit.launch.start import start

OTHERS = ("aaa", "kit_zzz.epochs", "zzz")


@pytest.fixture(scope="module")
def shared(home: Path) -> Iterator[Server]:
    with start("dynamodb", name="shared") as running:
        db = running.connect()
        for name in OTHERS:
            make(db, name)
        db.meta.client.close()
        yield running


@pytest.fixture
def mine(shared: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv(sharing.LEARNER, "Learner.One")
    kind = databases.get("dynamodb")
    with start("dynamodb", url=kind.url(replace(shared.endpoint, named=False))) as server:
        yield server


@pytest.fixture
def db(mine: Server) -> Iterator[Any]:
    opened = mine.connect()
    yield opened
    opened.meta.client.close()


def make(db: Any, name: str, **options: Any) -> Any:
    return db.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "run", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "run", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **options,
    )


def everything(server: Server) -> set[str]:
    db = server.connect()
    names = {table.name for table in db.tables.all()}
    db.meta.client.close()
    return names


def test_a_table_bears_the_name_that_was_written_and_another_on_the_server(
    shared: Server, mine: Server, db: Any
) -> None:
    table = make(db, "epochs")
    assert table.name == table.table_name == "epochs"
    assert db.Table("epochs").item_count == 0
    assert everything(mine) == {"epochs"}
    assert everything(shared) == {*OTHERS, f"{mine.catalog}epochs"}


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_a_listing_in_pages_shows_ones_own_tables_alone(limit: int, db: Any) -> None:
    for name in ("bbb", "a-first", "zzz"):
        make(db, name)
    pages = db.meta.client.get_paginator("list_tables").paginate(
        PaginationConfig={"PageSize": limit}
    )
    assert sorted(name for page in pages for name in page["TableNames"]) == [
        "a-first",
        "bbb",
        "zzz",
    ]


def test_names_are_changed_in_batches_and_transactions_and_nowhere_in_what_is_stored(
    db: Any,
) -> None:
    make(db, "epochs")
    client = db.meta.client
    item = {"run": "epochs", "TableName": "epochs", "inside": {"TableArn": "epochs"}}
    client.batch_write_item(RequestItems={"epochs": [{"PutRequest": {"Item": item}}]})
    client.transact_write_items(
        TransactItems=[{"Put": {"TableName": "epochs", "Item": {"run": "second"}}}]
    )
    keys = [{"run": "epochs"}, {"run": "second"}]
    answer = client.batch_get_item(RequestItems={"epochs": {"Keys": keys}})
    assert list(answer["Responses"]) == ["epochs"]
    assert item in answer["Responses"]["epochs"]
    one = client.transact_get_items(
        TransactItems=[{"Get": {"TableName": "epochs", "Key": {"run": "epochs"}}}]
    )
    assert one["Responses"][0]["Item"] == item


def test_what_listens_to_the_client_hears_the_names_that_were_written(db: Any) -> None:
    table = make(db, "epochs")
    with dynamodb.metering(db) as bill:
        table.put_item(Item={"run": "one"})
        table.get_item(Key={"run": "one"})
    assert [line.where for line in bill.lines] == ["epochs", "epochs"]
    puts = [{"PutRequest": {"Item": {"run": f"run {n}"}}} for n in range(3)]
    with dynamodb.busy(db, takes=1):
        left = db.meta.client.batch_write_item(RequestItems={"epochs": puts})["UnprocessedItems"]
    assert {name: len(items) for name, items in left.items()} == {"epochs": 2}


def test_a_stream_is_found_by_the_name_of_its_table(mine: Server, db: Any) -> None:
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    table = make(db, "epochs", StreamSpecification=stream)
    table.put_item(Item={"run": "one"})
    client = mine.connect(service="dynamodbstreams")
    assert [one["TableName"] for one in client.list_streams(TableName="epochs")["Streams"]] == [
        "epochs"
    ]
    client.close()
    assert [change[0] for change in dynamodb.changes(mine, table)] == ["INSERT"]


def test_a_statement_that_names_tables_in_its_text_is_refused(db: Any) -> None:
    make(db, "epochs")
    with pytest.raises(Unsupported, match="PartiQL"):
        db.meta.client.execute_statement(Statement='SELECT * FROM "epochs"')


def test_a_name_of_somebody_elses_cannot_be_reached_by_accident(db: Any) -> None:
    with pytest.raises(db.meta.client.exceptions.ResourceNotFoundException):
        db.Table("zzz").load()


def test_no_learners_prefix_begins_with_anothers() -> None:
    names = ("a", "a.b", "a_b", "a-b", "A", "kit_a", "a.")
    made = [rooms.prefix(name) for name in names]
    assert len(set(made)) == len(names)
    assert not [(x, y) for x in made for y in made if x != y and y.startswith(x)]

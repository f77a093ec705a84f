"""Streams, pages and batches on a real server: every change and every item comes once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kit.errors import UsageError
from kit.labs import dynamodb
from kit.labs.dynamodb.design import Design
from kit.labs.dynamodb.layout import create, pages
from kit.labs.dynamodb.paging import Page, pager, scan
from kit.launch.server import Server


@pytest.fixture
def table(server: Server) -> Iterator[Any]:
    definition = Design(partition="run", sort="epoch").definition([{"run": "a", "epoch": 1}])
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    made = create(server.connect(), "epochs", definition | {"StreamSpecification": stream})
    yield made
    made.delete()
    made.meta.client.close()


def test_a_stream_tells_every_change_with_what_was_before_and_after(
    server: Server, table: Any
) -> None:
    table.put_item(Item={"run": "a", "epoch": 1, "loss": 2})
    table.put_item(Item={"run": "a", "epoch": 1, "loss": 1})
    table.delete_item(Key={"run": "a", "epoch": 1})
    found = list(dynamodb.changes(server, table))
    first, second = ({"run": "a", "epoch": 1, "loss": loss} for loss in (2, 1))
    assert found == [("INSERT", {}, first), ("MODIFY", first, second), ("REMOVE", second, {})]


def test_a_table_without_a_stream_says_how_to_get_one(server: Server) -> None:
    db = server.connect()
    made = db.create_table(
        TableName="silent",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    with pytest.raises(UsageError, match="StreamEnabled"):
        list(dynamodb.changes(server, made))
    made.delete()


def fill(table: Any, count: int, size: int = 10) -> None:
    with table.batch_writer() as batch:
        for number in range(count):
            item = {"run": f"run-{number % 13}", "epoch": number, "p": "x" * size}
            batch.put_item(Item=item)


@pytest.mark.parametrize(("segments", "limit"), [(1, None), (1, 7), (4, None), (3, 5)])
def test_pages_of_all_segments_hold_every_item_once(
    server: Server, table: Any, segments: int, limit: int | None
) -> None:
    fill(table, 60)
    found = scan(server, "epochs", segments=segments, limit=limit)
    assert len(found) == segments
    assert sum(page.items for part in found for page in part) == 60
    for part in found:
        assert all(page.more for page in part[:-1])
        assert not part[-1].more
        assert limit is None or all(page.items <= limit for page in part)


def test_a_page_ends_at_one_megabyte(server: Server, table: Any) -> None:
    fill(table, 30, size=100_000)
    (found,) = scan(server, "epochs")
    assert len(found) > 1
    assert all(page.size <= 1_100_000 for page in found)
    assert sum(page.items for page in found) == 30


def test_the_pager_shows_its_pages_and_survives_a_bad_table(server: Server, table: Any) -> None:
    fill(table, 20)
    panel = pager(server, "epochs", limit=8)
    assert panel.pages[0][0].items == 8
    assert "8 →" in panel.static_text()
    panel.segments.value = 2
    panel.run()
    assert [shelf.label for shelf in panel.shelves.shelves] == ["segment 0", "segment 1"]
    panel.name = "nope"
    panel.run()
    assert panel.status.state == "failed"
    assert "ResourceNotFoundException" in panel.notice.static_text()
    panel.close()


def test_a_scan_that_is_cancelled_stops_between_two_pages(server: Server, table: Any) -> None:
    import threading

    fill(table, 20)
    end = threading.Event()
    end.set()
    assert scan(server, "epochs", limit=1, end=end) == [[]]
    assert Page(1, 2, more=True).more


def test_what_a_busy_table_did_not_take_comes_back_and_is_really_not_there(
    server: Server, table: Any
) -> None:
    client = table.meta.client
    puts = [{"PutRequest": {"Item": {"run": "a", "epoch": n}}} for n in range(25)]
    with dynamodb.busy(table, takes=10):
        answer = client.batch_write_item(RequestItems={"epochs": puts})
        left = answer["UnprocessedItems"]["epochs"]
        assert [one["PutRequest"]["Item"]["epoch"] for one in left] == list(range(10, 25))
        assert len(list(pages(table, "scan"))) == 10
        while left:
            answer = client.batch_write_item(RequestItems={"epochs": left})
            left = answer["UnprocessedItems"].get("epochs", [])
    assert len(list(pages(table, "scan"))) == 25
    answer = client.batch_write_item(RequestItems={"epochs": puts})
    assert answer["UnprocessedItems"] == {}


def test_boto3_s_own_batch_writer_gets_through_a_busy_table(table: Any) -> None:
    with dynamodb.busy(table, takes=3), table.batch_writer() as batch:
        for n in range(30):
            batch.put_item(Item={"run": "a", "epoch": n})
    assert len(list(pages(table, "scan"))) == 30
    with pytest.raises(UsageError), dynamodb.busy(table, takes=0):
        pass

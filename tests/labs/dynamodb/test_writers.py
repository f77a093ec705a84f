"""Writers, regions, streams, pages and batches on real servers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kit.errors import UnknownName, Unsupported, UsageError
from kit.labs import dynamodb
from kit.labs.dynamodb import global_tables, locking
from kit.labs.dynamodb.design import Design
from kit.labs.dynamodb.layout import create, pages
from kit.labs.dynamodb.paging import Page, pager, scan
from kit.labs.dynamodb.replication import Region, replicate
from kit.labs.dynamodb.story import Story, Theatre
from kit.launch.server import Server
from kit.launch.start import start

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("dynamodb", name="one") as running:
        yield running


@pytest.fixture(scope="module")
def other(home: Path) -> Iterator[Server]:
    with start("dynamodb", name="two") as running:
        yield running


@pytest.fixture
def table(server: Server) -> Iterator[Any]:
    definition = Design(partition="run", sort="epoch").definition([{"run": "a", "epoch": 1}])
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    made = create(server.connect(), "epochs", definition | {"StreamSpecification": stream})
    yield made
    made.delete()
    made.meta.client.close()


def played(theatre: Theatre, story: Story) -> list[tuple[int | None, str, str]]:
    theatre.story.value = story
    theatre.begin()
    theatre.play()
    return [(one.lane, one.state, one.said) for one in theatre.lanes.course.entries]


def story_of(stories: tuple[Story, ...], name: str) -> Story:
    return next(one for one in stories if one.name == name)


@pytest.fixture
def writers(server: Server) -> Iterator[locking.Writers]:
    opened = locking.writers(server)
    yield opened
    opened.close()


def card(server: Server) -> dict[str, Any]:
    found = server.connect().Table("kit_writers").get_item(Key={"model": "digits"})["Item"]
    return dict(found)


def test_without_a_condition_one_of_two_writes_is_lost(
    writers: locking.Writers, server: Server
) -> None:
    found = played(writers, story_of(locking.STORIES, "two writers, no condition"))
    assert [state for _, state, _ in found] == ["done"] * 6
    assert card(server)["trainings"] == 11
    assert writers.ended is not None
    assert not writers.ended[0]


def test_with_a_version_the_second_writer_is_refused_and_then_nothing_is_lost(
    writers: locking.Writers, server: Server
) -> None:
    found = played(writers, story_of(locking.STORIES, "optimistic locking"))
    refused = [(lane, said) for lane, state, said in found if state == "refused"]
    assert [lane for lane, _ in refused] == [1]
    assert refused[0][1].startswith("ConditionalCheckFailedException")
    assert (card(server)["trainings"], card(server)["version"]) == (12, 3)


def test_the_server_can_add_without_anybody_reading(
    writers: locking.Writers, server: Server
) -> None:
    played(writers, story_of(locking.STORIES, "let the server add"))
    assert card(server)["trainings"] == 12


def test_a_cancelled_transaction_gives_its_reasons_and_changes_nothing(
    writers: locking.Writers, server: Server
) -> None:
    found = played(writers, story_of(locking.STORIES, "two transactions"))
    assert [state for _, state, _ in found] == ["done", "refused"]
    assert "TransactionCanceledException" in found[1][2]
    assert "[ConditionalCheckFailed, None]" in found[1][2]
    items = {one["model"]: one for one in pages(server.connect().Table("kit_writers"), "scan")}
    assert (items["old"]["stage"], items["first"]["stage"]) == ("retired", "champion")
    assert "stage" not in items["second"]


def test_a_story_waits_for_its_reader_and_its_saved_picture_tells_the_end(
    writers: locking.Writers,
) -> None:
    assert writers.ended is None
    assert writers.lanes.course.entries[0].state == "next"
    assert "one of the two was lost" in writers.static_text()
    assert writers.step()
    states = [one.state for one in writers.lanes.course.entries]
    assert states[:3] == ["done", "next", "later"]
    writers.play()
    assert not writers.step()
    assert writers.step_button.disabled
    writers.begin()
    assert not writers.step_button.disabled


def test_the_strip_holds_the_scene_and_every_line_of_the_story(
    writers: locking.Writers, server: Server
) -> None:
    from boto3.dynamodb.conditions import Attr

    writers.story.value = story_of(locking.STORIES, "let the server add")
    assert writers.strip is not None
    shown = writers.strip.text
    assert shown.count("ADD trainings") == 2
    exec(shown, {"server": server, "Attr": Attr, "Any": Any})  # noqa: S102
    assert card(server)["trainings"] == 12


def test_a_story_may_be_chosen_by_name_and_an_unknown_name_is_refused(server: Server) -> None:
    panel = locking.writers(server, "two transactions")
    assert "Champion: first" in panel.static_text()
    panel.close()
    with pytest.raises(UnknownName, match="optimistic locking"):
        locking.writers(server, "optimistic lock")


def test_a_server_lost_in_the_middle_of_a_story_is_told_and_the_story_can_be_begun_anew(
    home: Path,
) -> None:
    with start("dynamodb", name="gone") as lost:
        panel = locking.writers(lost)
        panel.step()
        lost.kill()
        panel.play()
        assert panel.status.state == "failed"
        assert "restart()" in panel.notice.static_text()
        lost.restart()
        panel.begin()
        panel.play()
        assert panel.ended is not None
        panel.close()


@pytest.fixture
def pair(server: Server, other: Server) -> Iterator[tuple[Region, Region]]:
    made = (
        global_tables.region(server, "us-east-1"),
        global_tables.region(other, "eu-west-1"),
    )
    yield made
    for one in made:
        one.table.meta.client.close()
        one.streams.close()


KEY = {"model": "digits"}


def test_a_change_travels_once_and_does_not_come_back(pair: tuple[Region, Region]) -> None:
    here, there = pair
    here.write({**KEY, "stage": "champion"})
    assert there.read(KEY) == {}
    assert replicate(here, there) == "eu-west-1 took 1 of 1, us-east-1 took 0 of 0"
    assert there.read(KEY) == {**KEY, "stage": "champion"}
    assert replicate(here, there) == "eu-west-1 took 0 of 0, us-east-1 took 0 of 0"


@pytest.mark.parametrize("last", [0, 1])
def test_the_last_writer_wins_in_both_regions(pair: tuple[Region, Region], last: int) -> None:
    pair[1 - last].write({**KEY, "stage": "earlier"})
    pair[last].write({**KEY, "stage": "later"})
    replicate(*pair)
    assert [one.read(KEY) for one in pair] == [{**KEY, "stage": "later"}] * 2


def test_a_tie_is_decided_alike_in_both_regions(
    pair: tuple[Region, Region], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 7)
    pair[0].write({**KEY, "stage": "first"})
    pair[1].write({**KEY, "stage": "second"})
    monkeypatch.undo()
    replicate(*pair)
    assert pair[0].read(KEY) == pair[1].read(KEY)


def test_many_changes_in_both_regions_end_in_the_same_tables(pair: tuple[Region, Region]) -> None:
    for number in range(20):
        pair[number % 2].write({"model": f"m{number % 7}", "n": number})
        if number % 5 == 4:
            replicate(*pair)
    replicate(*pair)
    found = [
        sorted((one["model"], one["n"]) for one in pages(region.table, "scan")) for region in pair
    ]
    last = {f"m{number % 7}": Decimal(number) for number in range(20)}
    assert found == [sorted(last.items())] * 2


def test_each_story_of_two_regions_plays_to_its_end(server: Server, other: Server) -> None:
    panel = global_tables.regions([server, other])
    for story in global_tables.STORIES:
        found = played(panel, story)
        assert "failed" not in panel.status.state
        assert any(lane is None and "took" in said for lane, _, said in found)
    assert panel.ended is not None
    assert "is gone" in panel.ended[1]
    assert "model" in panel.note
    assert panel.strip is not None
    assert "def apply" in panel.strip.text
    panel.close()


def test_two_regions_want_two_servers_and_streams_want_a_server_that_has_them(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="two servers"):
        global_tables.regions([server])
    monkeypatch.setattr(type(server), "supports", lambda _self, _feature: False)
    with pytest.raises(Unsupported, match="streams"):
        global_tables.region(server, "us-east-1")


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


_LOOPBACK_ONLY = """
import ipaddress, sys

def hook(event, args):
    if event in ("socket.connect", "socket.sendto"):
        address = args[1]
        if isinstance(address, tuple) and not ipaddress.ip_address(address[0]).is_loopback:
            raise SystemExit(f"it called {address[0]}")
    if event == "socket.getaddrinfo" and args[0] not in ("127.0.0.1", "localhost", "::1"):
        raise SystemExit(f"it looked up {args[0]!r}")

sys.addaudithook(hook)
import kit
from kit.labs import dynamodb

with kit.start("dynamodb", name="home") as server:
    dynamodb.writers(server).close()
    dynamodb.calculator().close()
    dynamodb.scaling().close()
    event = {"id": "1", "model": "m"}
    dynamodb.hotkeys(server, [event], [dynamodb.KeyChoice(("model",))]).close()
    question = dynamodb.Pattern("all of a model", {"model": "m"})
    dynamodb.designer(server, [event], [question], partition="id").close()
    dynamodb.meter(server, "kit_designer").close()
    kit.start("dynamodb", url=server.url).connect().meta.client.list_tables()
print("stayed at home")
"""


def test_no_call_leaves_the_machine_without_an_address(home: Path) -> None:
    # Credentials from the environment would spare boto3 the search that could leave the machine.
    kept = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-c", _LOOPBACK_ONLY],
        cwd=ROOT,
        env=kept | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stayed at home" in done.stdout

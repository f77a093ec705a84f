"""Regions on two real servers: a change travels once, and both end with the same tables."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from kit.errors import Unsupported, UsageError
from kit.labs.dynamodb import global_tables
from kit.labs.dynamodb.layout import pages
from kit.labs.dynamodb.replication import Region, replicate
from kit.launch.server import Server
from kit.launch.start import start
from tests.labs.dynamodb.stories import played


@pytest.fixture(scope="module")
def other(home: Path) -> Iterator[Server]:
    with start("dynamodb", name="two") as running:
        yield running


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

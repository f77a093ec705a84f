"""Writes on a real server: who sees them when, how long they take, and what survives a kill."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import WriteConcern

from kit.errors import UnknownName
from kit.labs import mongodb
from kit.labs.mongodb import throughput
from kit.labs.mongodb.crash import crash
from kit.labs.mongodb.lanes import Transactions
from kit.labs.mongodb.sessions import SCRIPTS
from kit.launch.server import Server
from kit.launch.start import start


def said(lab: Transactions) -> list[tuple[str, str]]:
    return [(entry.state, entry.said) for entry in lab.play.entries] if lab.play else []


@pytest.fixture
def lab(server: Server) -> Iterator[Transactions]:
    opened = mongodb.transactions(server, "commit")
    yield opened
    opened.close()


def test_what_is_under_way_is_seen_by_nobody_else_until_it_is_committed(lab: Transactions) -> None:
    told = [words for _, words in said(lab)]
    assert told[3:5] == ["knn is champion", "forest is candidate"]
    assert told[6:] == ["knn is retired", "forest is champion"]


def test_an_abort_takes_everything_back(lab: Transactions) -> None:
    lab.scripts.value = "abort"
    assert [words for _, words in said(lab)][6:] == ["knn is champion", "forest is candidate"]


def test_two_sessions_that_write_the_same_document_conflict_and_the_second_begins_again(
    lab: Transactions,
) -> None:
    lab.scripts.value = "write conflict"
    told = said(lab)
    assert [state for state, _ in told].count("refused") == 1
    assert told[3][0] == "refused"
    assert "conflict" in told[3][1].lower()
    assert told[-1] == ("done", "knn is candidate")


def test_a_transaction_goes_on_seeing_what_was_there_when_it_began(lab: Transactions) -> None:
    lab.scripts.value = "snapshot"
    told = [words for _, words in said(lab)]
    assert (told[1], told[3], told[5]) == ("knn is champion", "knn is champion", "knn is retired")


def test_stepping_makes_one_call_at_a_time_and_starting_over_makes_none(lab: Transactions) -> None:
    lab.restart()
    assert lab.play is None
    lab.step()
    assert len(said(lab)) == 1
    assert lab.play is not None
    assert lab.play.open("T1")
    lab.run()
    assert len(said(lab)) == len(SCRIPTS["commit"].steps)


def test_an_unknown_script_names_the_nearest(server: Server) -> None:
    with pytest.raises(UnknownName, match="write conflict"):
        mongodb.transactions(server, "write conflit")


def test_every_manner_writes_all_documents_and_is_measured_with_its_spread(
    server: Server, catalog: Any
) -> None:
    for manner in throughput.MANNERS:
        taken = throughput.measure(catalog.speed, manner, count=20, times=2)
        assert catalog.speed.count_documents({}) == 20
        assert 0 < taken.low <= taken.median <= taken.high
    shown = mongodb.writes(server, count=20, times=2)
    assert list(shown.measured) == [manner.name for manner in throughput.MANNERS]
    assert len(shown.bars.bars) == len(throughput.MANNERS)
    shown.close()


def test_what_is_acknowledged_after_a_sync_survives_a_kill(product: str) -> None:
    with start("mongodb", name="crash") as server:
        journal = server.supports("journal_per_write")
        found = crash(server, WriteConcern(w=1, j=journal or None), "w=1", after=60)
        assert found.acknowledged >= 50
        assert found.lost == 0
        assert found.sent >= found.found >= found.acknowledged
        majority = crash(server, WriteConcern("majority"), "majority", after=60)
        assert (majority.acknowledged > 50, majority.lost) == (True, 0)
        nothing = crash(server, WriteConcern(w=0), "w=0", after=60)
        assert (nothing.acknowledged, nothing.lost) == (0, 0)
        assert "nothing was acknowledged" in nothing.verdict


def test_what_is_acknowledged_before_it_is_in_the_journal_can_be_lost_and_is_counted(
    product: str,
) -> None:
    setting = {} if product == "MongoDB" else {"sync-on-commit": "off"}
    with start("mongodb", name="risky", settings=setting) as server:
        tries = (crash(server, WriteConcern(w=1, j=False), "w=1") for _ in range(10))
        loss = next((one for one in tries if one.lost), None)
        assert loss is not None, "ten kills in the middle of writing took nothing"
        assert loss.acknowledged <= loss.found + loss.lost
        assert "lost" in loss.verdict


def test_every_setting_that_a_server_has_is_tried(product: str) -> None:
    with start("mongodb", name="all") as server:
        shown = mongodb.losses(server)
        settings = [one.setting.partition(" · ")[2] for one in shown.losses]
        more = ["w=1, j=True", "majority"] if product == "MongoDB" else []
        assert settings == ["w=0", "w=1", *more], shown.static_text()
        assert all(one.lost == 0 for one in shown.losses[2:])
        shown.close()

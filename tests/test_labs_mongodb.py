"""MongoDB's labs on a real server: shapes, plans, transactions, writes, crashes and changes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import WriteConcern

from kit.data import trials
from kit.errors import UnknownName, UsageError
from kit.labs import mongodb
from kit.labs.mongodb import source as sources
from kit.labs.mongodb import throughput
from kit.labs.mongodb.crash import crash
from kit.labs.mongodb.explain import ways
from kit.labs.mongodb.lanes import Transactions
from kit.labs.mongodb.sessions import SCRIPTS
from kit.labs.mongodb.shape import bson_type
from kit.launch.server import Server
from kit.launch.start import start
from tests.traces import await_true

HOSTILE = "<img src=x onerror=alert(1)>"

Document = dict[str, Any]


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("mongodb", name="labs") as running:
        yield running


@pytest.fixture
def catalog(server: Server) -> Iterator[Any]:
    with sources.read(server).open() as opened:
        yield opened
        for name in opened.list_collection_names():
            opened.drop_collection(name)


@pytest.fixture(scope="module")
def weeks() -> tuple[list[Document], list[Document]]:
    first = [one.document for one in trials(5)]
    return first, [one.document for one in trials(5, seed=1, layout=2)]


def test_trials_are_the_same_for_the_same_seed_and_no_two_models_are_described_alike() -> None:
    first, again = (list(trials(5)) for _ in range(2))
    assert [one.document for one in first] == [one.document for one in again]
    assert len({frozenset(one.document["config"]) for one in first}) == 5
    for one in first:
        right = sum(p["label"] == p["predicted"] for p in one.predictions)
        assert round(right / len(one.predictions), 4) == one.document["metrics"]["accuracy"]
        assert one.artifact["run_id"] == one.document["_id"]
    with pytest.raises(UsageError):
        list(trials(1000))


def test_fields_count_documents_and_not_the_elements_of_their_lists() -> None:
    found = {
        one.path: one
        for one in mongodb.fields(
            [{"a": [{"b": 1}, {"b": "x"}]}, {"a": []}, {"c": None}, {"a": [{"b": 2.5}]}]
        )
    }
    assert (found["a"].count, found["a"].total) == (3, 4)
    assert (found["a[].b"].count, found["a[].b"].types) == (2, {"int": 1, "string": 1, "double": 1})
    assert found["c"].types == {"null": 1}
    assert found["a[]"].share == 0.5


@pytest.mark.parametrize("value", [True, 1, 2**40, 1.5, "x", None, {}, [], b"x"])
def test_types_are_called_as_the_server_calls_them(catalog: Any, value: object) -> None:
    catalog.types.insert_one({"v": value})
    (said,) = catalog.types.aggregate([{"$project": {"type": {"$type": "$v"}}}])
    assert bson_type(value) == said["type"]


def test_drift_names_what_came_what_went_and_what_changed_its_type(
    weeks: tuple[list[Document], list[Document]],
) -> None:
    old, new = (mongodb.fields(week) for week in weeks)
    kinds = {one.path: one.kind for one in mongodb.drift(old, new)}
    assert kinds == {
        "config.learning_rate": "another type",
        "config.epochs": "vanished",
        "config.seed": "vanished",
        "config.budget": "appeared",
        "config.budget.epochs": "appeared",
    } | {path: kind for path, kind in kinds.items() if path == "note"}
    assert mongodb.drift(old, old) == []


def test_the_explorer_shows_drift_and_hostile_names_as_text(
    server: Server, catalog: Any, weeks: tuple[list[Document], list[Document]]
) -> None:
    catalog.experiments.insert_many([*weeks[0], *weeks[1], {HOSTILE: HOSTILE}])
    shown = mongodb.documents(server, batch="batch")
    assert "another type" in shown.static_text()
    shown.batch.value = "(no batches)"
    await_true(lambda: "for example" in shown.table.html, "one table of all fields")
    assert HOSTILE not in shown.table.html
    assert HOSTILE not in shown.static_html()
    shown.close()


def test_a_validator_keeps_what_it_was_made_of_and_says_what_the_others_break(
    server: Server, catalog: Any, weeks: tuple[list[Document], list[Document]]
) -> None:
    rules = mongodb.validator(weeks[0])
    shown = mongodb.validate(server, rules, [*weeks[0], *weeks[1]])
    assert [bool(one.reasons) for one in shown.trials] == [False] * 5 + [True] * 5
    reasons = [reason for one in shown.trials for reason in one.reasons]
    assert "config.seed is missing" in reasons
    assert any(reason.startswith("config.learning_rate is string") for reason in reasons)
    assert catalog.checked.count_documents({}) == 5
    assert [one.key for one in shown.run()] == [one.key for one in shown.trials]
    shown.close()


def test_an_index_makes_documents_read_equal_to_documents_returned(
    server: Server, catalog: Any
) -> None:
    catalog.numbers.insert_many([{"n": n, "odd": n % 2, "tens": n // 10} for n in range(300)])
    shown = mongodb.indexes(server, {"tens": 7, "odd": 1}, collection="numbers")
    without = shown.ways[0]
    assert (without.examined, without.returned, without.steps) == (300, 5, ["COLLSCAN"])
    assert without.chosen
    catalog.numbers.create_index([("tens", 1), ("odd", 1)])
    chosen = next(way for way in shown.run() if way.chosen)
    assert (chosen.name, chosen.keys, chosen.examined, chosen.returned) == ("tens_1_odd_1", 5, 5, 5)
    assert chosen.steps[0] == "IXSCAN"
    assert "took" not in shown.static_text()
    shown.close()


def test_a_sort_without_an_index_is_told_as_a_step_of_its_own(catalog: Any) -> None:
    catalog.numbers.insert_many([{"n": n} for n in range(50)])
    (scan, *_) = ways(catalog.numbers, {"filter": {}, "sort": {"n": -1}}, hints=False)
    assert scan.sorts


def test_a_query_that_cannot_be_read_or_run_is_refused_and_kept(
    server: Server, catalog: Any
) -> None:
    catalog.numbers.insert_one({"n": 1})
    shown = mongodb.indexes(server, {"n": 1}, collection="numbers")
    for text, said in (("{filter: 1}", "double quotes"), ('{"filter": {"$no": 1}}', "$no")):
        shown.editor.value = text
        assert shown.run() == []
        assert said in shown.notice.static_text()
        assert shown.editor.value == text
    shown.editor.value = '{"filter": {"n": 1}}'
    assert shown.run()
    assert shown.notice.static_text() == ""
    shown.close()


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


def test_what_is_acknowledged_after_a_sync_survives_a_kill(home: Path) -> None:
    with start("mongodb", name="crash") as server:
        journal = server.supports("journal_per_write")
        found = crash(server, WriteConcern(w=1, j=journal or None), "w=1", after=60)
        assert found.acknowledged >= 50
        assert found.lost == 0
        assert found.sent >= found.found >= found.acknowledged
        nothing = crash(server, WriteConcern(w=0), "w=0", after=60)
        assert (nothing.acknowledged, nothing.lost) == (0, 0)
        assert "nothing was acknowledged" in nothing.verdict


def test_the_feed_hears_another_process_in_order_and_goes_on_after_a_crash(home: Path) -> None:
    program = (
        "import os, pymongo\n"
        "with pymongo.MongoClient(os.environ['MONGODB_URL']) as client:\n"
        "    live = client['mlops_db']['live']\n"
        "    for n in range(3): live.insert_one({'_id': n, 'x': os.getpid()})\n"
        "    live.update_one({'_id': 0}, {'$set': {'x': '" + HOSTILE + "'}})\n"
    )
    with start("mongodb", name="feeding") as server:
        feed = mongodb.feed(server, "live")
        assert "Nothing has changed yet" in feed.static_text()
        there = os.environ | {"MONGODB_URL": str(server.url)}
        subprocess.run([sys.executable, "-c", program], env=there, check=True)
        assert feed.wait_for(4) == 4
        assert [one.operation for one in feed.changes] == ["insert"] * 3 + ["update"]
        assert [one.key for one in feed.changes] == ["0", "1", "2", "0"]
        assert HOSTILE not in feed.static_html()
        server.kill()
        server.restart()
        subprocess.run(
            [sys.executable, "-c", program.replace("range(3)", "range(7, 9)")],
            env=there,
            check=True,
        )
        assert feed.wait_for(6, seconds=60) == 6
        feed.go.click()
        await_true(lambda: not feed.watch.running, "a click stops it")
        feed.go.click()
        await_true(lambda: feed.watch.running and feed.go.description == "Stop", "another goes on")
        feed.close()
        assert not feed.watch.running


def test_lost_servers_are_told_in_words_by_every_panel(home: Path) -> None:
    with start("mongodb", name="lost-labs") as server:
        panels = [
            mongodb.documents(server),
            mongodb.indexes(server, {}, collection="x"),
            mongodb.transactions(server),
        ]
        server.kill()
        panels[0].look()
        panels[1].run()
        panels[2].restart()
        panels[2].run()
        for panel in panels:
            assert "is not running" in panel.notice.static_text()
            assert panel.status.state == "failed"
        server.restart()
        panels[1].run()
        panels[2].run()
        assert [panel.status.state for panel in panels[1:]] == ["done", "done"]
        for panel in panels:
            panel.close()

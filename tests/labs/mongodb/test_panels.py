"""MongoDB's labs on a real server: shapes, plans, transactions, writes, crashes and changes."""

from __future__ import annotations

import datetime
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
from kit.labs.mongodb.explain import kind, ways
from kit.labs.mongodb.lanes import Transactions
from kit.labs.mongodb.sessions import SCRIPTS
from kit.labs.mongodb.shape import bson_type
from kit.labs.mongodb.shards import place
from kit.launch.server import Server
from kit.launch.start import start
from kit.launch.topology import topology
from tests.mongod import product as product
from tests.traces import await_true

HOSTILE = "<img src=x onerror=alert(1)>"

Document = dict[str, Any]


@pytest.fixture(scope="module")
def server(product: str) -> Iterator[Server]:
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


@pytest.fixture
def halves(catalog: Any) -> Any:
    """Give 200 numbers, an index on two fields in order, and one that holds the odd ones only."""
    catalog.numbers.insert_many([{"a": n // 20, "b": n % 20, "odd": n % 2} for n in range(200)])
    catalog.numbers.create_index([("a", 1), ("b", 1)])
    catalog.numbers.create_index("b", partialFilterExpression={"odd": 1})
    return catalog.numbers


def test_an_index_serves_its_first_fields_and_a_server_with_hints_shows_the_others_cost(
    server: Server, halves: Any
) -> None:
    hints = server.supports("hints")
    first = {way.name: way for way in ways(halves, {"filter": {"a": 3}}, hints=hints)}
    assert (first["a_1_b_1"].examined, first["a_1_b_1"].returned) == (20, 20)
    second = {way.name: way for way in ways(halves, {"filter": {"b": 3}}, hints=hints)}
    assert second["no index"].chosen
    assert (second["no index"].examined, second["no index"].returned) == (200, 10)
    if hints:
        assert second["a_1_b_1"].keys > 10
        assert second["a_1_b_1"].missing == 0


def test_a_partial_index_is_used_where_it_holds_all_that_is_asked_for_and_told_apart_where_not(
    server: Server, halves: Any
) -> None:
    odd = mongodb.indexes(server, {"b": 4, "odd": 1}, collection="numbers")
    assert [way.name for way in odd.ways if way.chosen] == ["b_1"]
    all_ = mongodb.indexes(server, {"b": {"$lt": 4}}, collection="numbers")
    assert "b_1" not in [way.name for way in all_.ways if way.chosen]
    if server.supports("hints"):
        (forced,) = [way for way in all_.ways if way.name == "b_1"]
        assert forced.missing == 20
        assert "misses 20" in all_.static_text()
    for panel in (odd, all_):
        panel.close()


def test_the_kind_of_an_index_is_told(server: Server, halves: Any) -> None:
    halves.create_index("seen", expireAfterSeconds=60)
    halves.create_index("odd", unique=True, partialFilterExpression={"a": 99})
    kinds = {name: kind(index) for name, index in halves.index_information().items()}
    assert kinds == {
        "_id_": "",
        "a_1_b_1": "compound",
        "b_1": "partial",
        "seen_1": "TTL",
        "odd_1": "unique, partial",
    }
    (chosen,) = [way for way in ways(halves, {"filter": {"b": 4, "odd": 1}}) if way.chosen]
    assert chosen.kind == "partial"


def test_the_picture_of_the_ways_has_what_each_read_and_what_was_returned(
    server: Server, halves: Any
) -> None:
    shown = mongodb.indexes(server, {"a": 3}, collection="numbers")
    bars = {bar.label: bar.value for bar in shown.bars.bars}
    assert (bars["returned"], bars["no index"], bars["a_1_b_1"]) == (20, 200, 20)
    shown.editor.value = "{"
    shown.run()
    assert not shown.bars.bars
    shown.close()


def test_words_are_found_by_stem_and_score_or_by_their_letters_alone(
    server: Server, catalog: Any
) -> None:
    notes = {"a": "overfits, a gap", "b": "a gap", "c": "learns well", "d": HOSTILE}
    catalog.experiments.insert_many([{"_id": key, "note": note} for key, note in notes.items()])
    shown = mongodb.search(server, "overfitting gap")
    found = [hit.key for hit in shown.hits]
    if server.supports("full_text"):
        assert found == ["a", "b"]
        assert shown.hits[0].score > shown.hits[1].score > 0  # type: ignore[operator]
        assert [bar.value for bar in shown.bars.bars] == [hit.score for hit in shown.hits]
        assert "textScore" in shown.static_text()
    else:
        assert sorted(found) == ["a", "b"]
        assert not shown.bars.bars
        assert "not the same" in shown.static_text()
    shown.words.value = "overfitting"
    await_true(lambda: shown.status.state == "done" and len(shown.hits) < 2, "another search")
    assert [hit.key for hit in shown.hits] == (["a"] if server.supports("full_text") else [])
    shown.words.value = "img"
    await_true(lambda: [hit.key for hit in shown.hits] == ["d"], "a hostile note")
    assert HOSTILE not in shown.static_html()
    shown.words.value = " "
    await_true(lambda: shown.status.state == "empty", "nothing to look for")
    shown.close()


def test_a_document_that_is_due_is_removed_by_the_server_itself(product: str) -> None:
    if product != "MongoDB":
        pytest.skip("its sweep comes once a minute")
    often = {"setParameter": "ttlMonitorSleepSecs=1"}
    with start("mongodb", name="due", settings=often) as due, due.connect() as client:
        cache = client.mlops_db.cache
        cache.create_index("computed", expireAfterSeconds=3600)
        now = datetime.datetime.now(datetime.UTC)
        old = now - datetime.timedelta(hours=2)
        cache.insert_many([{"_id": "old", "computed": old}, {"_id": "new", "computed": now}])
        await_true(lambda: cache.count_documents({}) == 1, "the server's own sweep")
        assert cache.find_one()["_id"] == "new"


def test_documents_are_spread_by_a_keys_hash_and_every_server_counts_its_own(home: Path) -> None:
    documents = [{"n": n, "odd": n % 2, "s": HOSTILE} for n in range(300)]
    with topology("mongodb", "ring", nodes=3) as ring:
        shown = mongodb.shards(ring, documents, ["n", "odd"], questions=[{"n": 7}, {"odd": 1}])
        good, bad = shown.spreads.values()
        wanted = [[place(one, [key], 3) for one in documents] for key in ("n", "odd")]
        for found, places in zip((good, bad), wanted, strict=True):
            assert list(found.counts) == [places.count(number) for number in range(3)]
        assert min(good.counts) > 80
        assert 0 in bad.counts
        assert good.asked == [(1, 1), (3, 150)]
        assert bad.asked == [(3, 1), (1, 150)]
        assert "no mongos routes" in shown.static_text()
        assert [bar.value for bar in shown.bars.bars] == [*good.counts, *bad.counts]
        assert shown.spread("nothing") is None
        assert "No document has a field nothing" in shown.notice.static_text()
        ring[1].kill()
        assert shown.spread("s") is None
        assert "is not running" in shown.notice.static_text()
        ring[1].restart()
        assert shown.spread("s") is not None
        assert HOSTILE not in shown.static_html()
        shown.close()
    with pytest.raises(UsageError):
        mongodb.shards([], documents, ["n"])


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


def test_the_feed_hears_another_process_in_order_and_goes_on_after_a_crash(product: str) -> None:
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


def test_lost_servers_are_told_in_words_by_every_panel(product: str) -> None:
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

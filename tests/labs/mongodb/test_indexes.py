"""Queries on a real server: which index serves them, what that costs, and what else it does."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from kit.labs import mongodb
from kit.labs.mongodb.explain import kind, ways
from kit.launch.server import Server
from kit.launch.start import start
from tests.labs.mongodb.documents import HOSTILE
from tests.traces import await_true


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

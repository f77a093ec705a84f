"""Documents on a real server: their fields, their drift, and what a validator lets in."""

from __future__ import annotations

from typing import Any

import pytest

from kit.data import trials
from kit.errors import UsageError
from kit.labs import mongodb
from kit.labs.mongodb.shape import bson_type
from kit.launch.server import Server
from tests.labs.mongodb.documents import HOSTILE, Document
from tests.traces import await_true


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

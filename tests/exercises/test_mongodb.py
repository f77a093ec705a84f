"""MongoDB's exercises: any right way counts, and each wrong one is told what is off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import kit
from kit.data import trials
from kit.labs.mongodb import source as sources
from kit.launch.server import Server
from kit.launch.start import start
from tests.mongod import product as product


@pytest.fixture(scope="module")
def server(product: str) -> Iterator[Server]:
    with start("mongodb", name="exercises") as running:
        with sources.read(running).open() as catalog:
            for trial in trials(5):
                catalog.experiments.insert_one(trial.document)
                catalog.predictions.insert_many(trial.predictions)
        yield running


@pytest.fixture
def catalog(server: Server) -> Iterator[Any]:
    with sources.read(server).open() as opened:
        yield opened


def test_a_list_of_runs_is_right_in_any_order_and_wrong_with_one_too_many(server: Server) -> None:
    assert kit.check("mg-1", {"mlp-11"}, server=server)
    assert not kit.check("mg-1", ["mlp-11", "sgd-11"], server=server)


def test_counts_by_model_may_come_as_documents_or_as_a_mapping(
    server: Server, catalog: Any
) -> None:
    good = [run for run in catalog.experiments.find() if run["metrics"]["accuracy"] >= 0.95]
    counts = {run["model"]: 1 for run in good}
    rows = [{"_id": model, "runs": count} for model, count in counts.items()]
    assert kit.check("mg-2", rows, server=server)
    assert kit.check("mg-2", counts, server=server)
    assert not kit.check("mg-2", [{"_id": run["_id"], "runs": 1} for run in good], server=server)


def test_the_lowest_loss_is_not_the_first(server: Server, catalog: Any) -> None:
    curves = {
        run["_id"]: run["curve"] for run in catalog.experiments.find({"curve": {"$exists": 1}})
    }
    lowest = {run: min(point["loss"] for point in curve) for run, curve in curves.items()}
    assert kit.check("mg-3", lowest, server=server)
    first = {run: curve[0]["loss"] for run, curve in curves.items()}
    assert not kit.check("mg-3", first, server=server)


def test_an_index_on_one_field_reads_too_much_and_one_on_both_does_not(
    server: Server, catalog: Any
) -> None:
    one = catalog.predictions.create_index("run_id")
    assert "still reads" in kit.check("mg-4", one, server=server).message
    assert "no index of that name" in kit.check("mg-4", "no such", server=server).message
    both = catalog.predictions.create_index([("predicted", 1), ("run_id", 1)])
    assert kit.check("mg-4", both, server=server)


def test_a_validator_is_tried_with_good_and_bad_values(server: Server, catalog: Any) -> None:
    def schema(**rules: Any) -> dict[str, Any]:
        return {"$jsonSchema": {"properties": {"accuracy": rules}}}

    assert "no collection" in kit.check("mg-5", "scores", server=server).message
    catalog.create_collection("scores", validator=schema(maximum=1, minimum=0))
    assert "'0.9'" in kit.check("mg-5", "scores", server=server).message
    catalog.command("collMod", "scores", validator=schema(bsonType="double", maximum=1))
    assert "-0.1" in kit.check("mg-5", "scores", server=server).message
    catalog.command("collMod", "scores", validator=schema(bsonType="double", minimum=1))
    assert "0.5" in kit.check("mg-5", "scores", server=server).message
    number = schema(bsonType="number", minimum=0, maximum=1)
    catalog.command("collMod", "scores", validator=number)
    assert kit.check("mg-5", "scores", server=server)
    assert catalog.scores.count_documents({}) == 0

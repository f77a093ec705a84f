"""The stages of a pipeline on a real server: their counts are those that plain Python makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from kit.labs import mongodb
from kit.labs.mongodb import source as sources
from kit.labs.mongodb.aggregation import Stage, examine, stages
from kit.labs.mongodb.builder import Builder
from kit.labs.mongodb.questions import QUESTIONS
from kit.labs.mongodb.stages import KINDS
from kit.launch.server import Server
from tests.labs.mongodb.documents import Document
from tests.labs.mongodb.experiments import server as server


def accuracy(run: Document) -> float:
    return float(run["metrics"]["accuracy"])


def curves(runs: list[Document]) -> list[Document]:
    return [point for run in runs for point in run.get("curve", [])]


# Each pipeline, and how many documents plain Python lets through after each of its stages.
PIPELINES: dict[str, tuple[list[Document], Callable[[list[Document]], list[int]]]] = {
    "all": ([{"$match": {}}], lambda r: [len(r)]),
    "none": ([{"$match": {"model": "none"}}], lambda _: [0]),
    "equality": ([{"$match": {"model": "knn"}}], lambda r: [sum(x["model"] == "knn" for x in r)]),
    "range inside": (
        [{"$match": {"metrics.accuracy": {"$gte": 0.95}}}],
        lambda r: [sum(accuracy(x) >= 0.95 for x in r)],
    ),
    "absent field": (
        [{"$match": {"note": {"$exists": False}}}],
        lambda r: [sum("note" not in x for x in r)],
    ),
    "in an array": (
        [{"$match": {"tags": "baseline"}}],
        lambda r: [sum("baseline" in x["tags"] for x in r)],
    ),
    "regular expression": (
        [{"$match": {"note": {"$regex": "FITS", "$options": "i"}}}],
        lambda r: [sum("fits" in x.get("note", "").lower() for x in r)],
    ),
    "group": (
        [{"$group": {"_id": "$model", "runs": {"$sum": 1}}}, {"$match": {"runs": {"$gt": 1}}}],
        lambda r: [
            len({x["model"] for x in r}),
            sum(n > 1 for n in Counter(x["model"] for x in r).values()),
        ],
    ),
    "unwind": (
        [{"$unwind": "$curve"}, {"$match": {"curve.epoch": {"$lte": 3}}}],
        lambda r: [len(curves(r)), sum(p["epoch"] <= 3 for p in curves(r))],
    ),
    "unwind, keeping": (
        [{"$unwind": {"path": "$curve", "preserveNullAndEmptyArrays": True}}],
        lambda r: [sum(max(1, len(x.get("curve", []))) for x in r)],
    ),
    "skip and limit": (
        [{"$sort": {"_id": 1}}, {"$skip": 3}, {"$limit": 4}],
        lambda r: [len(r), len(r) - 3, min(4, len(r) - 3)],
    ),
    "limit first": (
        [{"$limit": 4}, {"$match": {"model": "sgd"}}],
        lambda r: [4, sum(x["model"] == "sgd" for x in r[:4])],
    ),
    "lookup": (
        [
            {
                "$lookup": {
                    "from": "artifacts",
                    "localField": "_id",
                    "foreignField": "run_id",
                    "as": "artifact",
                }
            },
            {"$match": {"artifact.bytes": {"$gt": 0}}},
        ],
        lambda r: [len(r), len(r)],
    ),
    "facet": (
        [{"$facet": {"a": [{"$count": "n"}]}}, {"$unwind": "$a"}, {"$match": {"a.n": 10}}],
        lambda _: [1, 1, 1],
    ),
    "sort by count": ([{"$sortByCount": "$model"}], lambda r: [len({x["model"] for x in r})]),
    "bucket": (
        [
            {
                "$bucket": {
                    "groupBy": "$metrics.accuracy",
                    "boundaries": [0, 0.9, 0.95, 1.01],
                }
            }
        ],
        lambda r: [len({sum(accuracy(x) >= edge for edge in (0, 0.9, 0.95)) for x in r})],
    ),
    "count": ([{"$match": {"model": "mlp"}}, {"$count": "runs"}], lambda _: [2, 1]),
    "group nothing": (
        [{"$match": {"model": "none"}}, {"$group": {"_id": None, "runs": {"$sum": 1}}}],
        lambda _: [0, 0],
    ),
    "union": ([{"$unionWith": "artifacts"}], lambda r: [2 * len(r)]),
    "expression": (
        [
            {"$set": {"gap": {"$subtract": ["$metrics.train_accuracy", "$metrics.accuracy"]}}},
            {"$match": {"gap": {"$gt": 0.01}}},
        ],
        lambda r: [
            len(r),
            sum(x["metrics"]["train_accuracy"] - accuracy(x) > 0.01 for x in r),
        ],
    ),
    "rank": (
        [
            {
                "$setWindowFields": {
                    "partitionBy": "$model",
                    "sortBy": {"metrics.accuracy": -1},
                    "output": {"place": {"$documentNumber": {}}},
                }
            },
            {"$match": {"place": 1}},
        ],
        lambda r: [len(r), len({x["model"] for x in r})],
    ),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_the_documents_in_and_out_of_each_stage_are_those_that_python_counts(
    server: Server, runs: list[Document], name: str
) -> None:
    pipeline, counted = PIPELINES[name]
    reports = [r for _, r in examine(sources.read(server), "experiments", stages(pipeline))]
    left = counted(runs)
    assert [report.left for report in reports] == left
    assert [report.entered for report in reports] == [len(runs), *left[:-1]]
    assert [len(report.sample) for report in reports] == [min(3, n) for n in left]


def test_a_ready_question_answers_as_plain_python_does(
    server: Server, runs: list[Document]
) -> None:
    made = mongodb.pipeline(server, "Best run of each model")
    wanted: dict[str, float] = {}
    for run in runs:
        wanted[run["model"]] = max(accuracy(run), wanted.get(run["model"], 0))
    reports = made.run()
    assert {d["_id"]: d["accuracy"] for d in reports[-1].sample} == dict(
        sorted(wanted.items(), key=lambda item: -item[1])[:3]
    )
    made.close()


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_ready_question_runs_to_its_end(server: Server, question: str) -> None:
    made = mongodb.pipeline(server, question)
    assert {report.state for report in made.run()} == {"done"}
    made.close()


def test_a_stage_says_how_documents_are_found_where_it_decides_that(server: Server) -> None:
    made = mongodb.pipeline(
        server,
        [{"$match": {"n": {"$gt": 1990}}}, {"$group": {"_id": "$odd"}}],
        collection="numbers",
    )
    first, second = made.run()
    assert (first.access, second.access) == ("IXSCAN n_1", "")
    made.stages = stages([{"$match": {"odd": True}}])
    assert made.run()[0].access == "COLLSCAN"
    made.close()


def test_a_stage_that_is_switched_off_takes_no_part(builder: Builder) -> None:
    builder.stages = [Stage("$match", '{"model": "none"}', on=False), Stage("$count", '"runs"')]
    off, last = builder.run()
    assert off.state == "off"
    assert (last.entered, last.left) == (10, 1)
    assert "none" not in builder.python.text


def test_every_stage_brings_an_example_that_the_server_takes(server: Server) -> None:
    source = sources.read(server)
    for kind in KINDS:
        ((_, report),) = examine(source, "experiments", [Stage(kind.name, kind.example)])
        assert report.state in ("done", "held"), (kind.name, report.message)

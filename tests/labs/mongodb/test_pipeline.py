"""The pipeline builder on a real server: its counts are right, and its refusals stand where due."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kit.data import trials
from kit.errors import UnknownName, UsageError
from kit.labs import mongodb
from kit.labs.mongodb import source as sources
from kit.labs.mongodb import spelling
from kit.labs.mongodb.aggregation import Stage, examine, python, stages
from kit.labs.mongodb.builder import Builder
from kit.labs.mongodb.questions import QUESTIONS
from kit.labs.mongodb.stages import KINDS
from kit.launch.server import Server
from kit.launch.start import start
from tests.mongod import product as product

HOSTILE = "<script>alert(1)</script>"

Document = dict[str, Any]


@pytest.fixture(scope="module")
def runs() -> list[Document]:
    return [trial.document for trial in trials(10)]


@pytest.fixture(scope="module")
def server(product: str, runs: list[Document]) -> Iterator[Server]:
    with start("mongodb", name="pipelines") as running:
        client = running.connect()
        catalog = client.mlops_db
        catalog.experiments.insert_many(runs)
        catalog.artifacts.insert_many([trial.artifact for trial in trials(10)])
        catalog.numbers.insert_many([{"_id": n, "n": n, "odd": bool(n % 2)} for n in range(2000)])
        catalog.numbers.create_index("n")
        client.close()
        yield running


@pytest.fixture
def builder(server: Server) -> Iterator[Builder]:
    made = mongodb.pipeline(server, [{"$match": {}}])
    yield made
    made.close()


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


def bad(builder: Builder, kind: str, text: str) -> Any:
    """Put a stage between a good one and another, run, and return its report."""
    builder.stages = [Stage("$match", "{}"), Stage(kind, text), Stage("$limit", "1")]
    first, report, last = builder.run()
    assert (first.state, report.state, last.state) == ("done", "failed", "later")
    assert first.left == report.entered == 10
    assert builder.stages[1].text == text, "what was typed must be kept"
    assert "stage 2 of 3 failed" in builder.status.value
    assert "Traceback" not in builder.static_text()
    return report


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "ends too early"),
        ("{model: 1}", "double quotes"),
        ("{'model': 1}", "double quotes"),
        ('{"a": 1,}', "comma before the closing"),
        ('{"a": 1 "b": 2}', "comma missing"),
        ("", "Nothing is there"),
        ('{"a": 1, "a": 2}', "Only the last would count"),
        ('{"a": {"$oid": "zz"}}', "$oid"),
    ],
)
def test_malformed_json_is_told_at_its_stage_and_nothing_typed_is_lost(
    builder: Builder, text: str, said: str
) -> None:
    assert said in bad(builder, "$match", text).hint


def test_an_unknown_stage_is_told_in_the_servers_words_with_the_nearest_name(
    builder: Builder,
) -> None:
    report = bad(builder, "$mach", "{}")
    assert "Unrecognized pipeline stage name" in report.message
    assert report.hint == "Did you mean `$match`?"


def test_a_stage_that_fails_half_way_is_told_at_its_own_place(builder: Builder) -> None:
    report = bad(builder, "$set", '{"x": {"$divide": [1, {"$subtract": ["$config.seed", 0]}]}}')
    assert "by zero" in report.message
    assert "$cond" in report.hint


def test_a_document_that_grows_beyond_16_mb_is_told_at_the_stage_that_makes_it(
    builder: Builder,
) -> None:
    builder.stages = [
        Stage("$project", '{"x": {"$range": [0, 200000]}}'),
        Stage("$group", '{"_id": null, "all": {"$push": "$x"}}'),
        Stage("$limit", "1"),
    ]
    states, messages = zip(*((r.state, r.message) for r in builder.run()), strict=True)
    assert states == ("done", "failed", "later")
    assert "too large" in messages[1].lower() or "BSONObj" in messages[1]


def test_stages_that_write_are_held_back_until_they_are_let(
    server: Server, builder: Builder
) -> None:
    builder.stages = [Stage("$sortByCount", '"$model"'), Stage("$out", '"written"')]
    with sources.read(server).open() as catalog:
        assert builder.run()[-1].state == "held"
        assert catalog.written.count_documents({}) == 0
        builder.write.value = True
        assert builder.run()[-1].message == "Written into written."
        assert catalog.written.count_documents({}) == 5


def test_a_lost_server_is_told_once_and_the_builder_goes_on_after_a_restart(product: str) -> None:
    with start("mongodb", name="lost-pipelines") as server:
        with sources.read(server).open() as catalog:
            catalog.experiments.insert_one({"n": 1})
        made = mongodb.pipeline(server, [{"$match": {"n": 1}}])
        server.kill()
        made.run()
        assert "is not running" in made.notice.static_text()
        assert made.stages[0].text == '{"n": 1}'
        server.restart()
        assert [report.left for report in made.run()] == [1]
        assert made.notice.static_text() == ""
        made.close()


def test_the_python_that_is_shown_runs_and_gives_the_same(server: Server, builder: Builder) -> None:
    given = stages([{"$match": {"model": {"$in": ["knn"]}}}, {"$count": "runs"}])
    code = python("experiments", given, catalog="mlops_db")
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"MONGODB_URL": str(server.url)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "{'runs': 2}"
    assert server.password not in code


def test_the_json_that_is_shown_is_the_pipeline_again(builder: Builder) -> None:
    wanted = '{"d": {"$date": "2026-01-01T00:00:00Z"}, "r": {"$in": [1, 2.5, null]}}'
    builder.stages = [Stage("$match", wanted)]
    builder.run()
    assert builder.strip is not None
    assert spelling.parse(builder.strip.text) == [{"$match": spelling.parse(wanted)}]


def test_another_question_leaves_what_was_typed_for_this_one_in_its_place(server: Server) -> None:
    made = mongodb.pipeline(server, "Leaderboard")
    made.stages = [Stage("$match", '{"typed": "by hand')]
    made.question.value = "Learning curves"
    assert [one.kind for one in made.stages][1] == "$unwind"
    made.question.value = "Leaderboard"
    assert made.stages[0].text == '{"typed": "by hand'
    made.close()


def test_hostile_values_are_text_and_the_saved_picture_holds_no_times(
    server: Server, builder: Builder
) -> None:
    builder.stages = [Stage("$match", '{"model": "hostile"}')]
    with sources.read(server).open() as catalog:
        catalog.experiments.insert_one({"_id": HOSTILE, "model": "hostile"})
        builder.run()
        catalog.experiments.delete_one({"_id": HOSTILE})
    assert HOSTILE not in builder.static_html()
    assert HOSTILE in builder.static_text()
    assert "up to here" not in builder.static_text()
    assert "1 document" in builder.static_text()


def test_every_stage_brings_an_example_that_the_server_takes(server: Server) -> None:
    source = sources.read(server)
    for kind in KINDS:
        ((_, report),) = examine(source, "experiments", [Stage(kind.name, kind.example)])
        assert report.state in ("done", "held"), (kind.name, report.message)


def test_what_cannot_be_right_is_refused_with_a_hint(server: Server) -> None:
    with pytest.raises(UsageError, match="Stage 1"):
        mongodb.pipeline(server, [{"$match": {}, "$limit": 1}])
    with pytest.raises(UnknownName, match="Leaderboard"):
        mongodb.pipeline(server, "leaderbord")
    with pytest.raises(UsageError, match=r"kit\.start"):
        mongodb.pipeline("postgresql://x")

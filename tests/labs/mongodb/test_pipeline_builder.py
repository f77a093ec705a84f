"""The pipeline builder on a real server: it refuses where due, and what it shows is what runs."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from kit.errors import UnknownName, UsageError
from kit.labs import mongodb
from kit.labs.mongodb import source as sources
from kit.labs.mongodb import spelling
from kit.labs.mongodb.aggregation import Stage, python, stages
from kit.labs.mongodb.builder import Builder
from kit.launch.server import Server
from kit.launch.start import start
from tests.labs.mongodb.experiments import server as server

HOSTILE = "<script>alert(1)</script>"


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
    assert builder.cancel.layout.display == "none"


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


def test_what_cannot_be_right_is_refused_with_a_hint(server: Server) -> None:
    with pytest.raises(UsageError, match="Stage 1"):
        mongodb.pipeline(server, [{"$match": {}, "$limit": 1}])
    with pytest.raises(UnknownName, match="Leaderboard"):
        mongodb.pipeline(server, "leaderbord")
    with pytest.raises(UsageError, match=r"kit\.start"):
        mongodb.pipeline("postgresql://x")

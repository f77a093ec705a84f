"""The MLflow explorer shows MLflow's own numbers, and those of what is chosen."""

from __future__ import annotations

import math
import re
from typing import Any

from kit import data
from kit.labs import sql
from kit.labs.tracking import Explorer
from kit.launch.server import Server
from tests.panels import said

HOSTILE = "<script>alert(1)</script> 100% :x"


def drawn(explorer: Explorer) -> list[str]:
    return [line.label for line in explorer.chart.lines]


def test_the_numbers_are_those_of_mlflows_own_client(
    target: Server | str, logged: tuple[str, list[str]], explore: Any
) -> None:
    name, runs = logged
    client = data.tracking(target)
    explorer = explore(experiment=name)
    assert [run.id for run in explorer.found.runs] == list(reversed(runs))
    for run in explorer.found.runs:
        theirs = client.get_run(run.id)
        assert run.params == theirs.data.params
        assert run.metrics == theirs.data.metrics
        assert run.status == theirs.info.status
        assert (run.started, run.ended) == (theirs.info.start_time, theirs.info.end_time)
        assert run.tags == {"dataset": "digits"}
    for metric in ("loss", "accuracy", "train_accuracy"):
        explorer.metric.value = metric
        explorer._choose_runs(runs)
        for run_id in runs:
            history = client.get_metric_history(run_id, metric)
            assert explorer.found.curves[run_id] == [(m.step, m.value) for m in history]


def test_the_table_and_the_curve_show_the_chosen_experiment_metric_and_runs(
    target: Server | str, logged: tuple[str, list[str]], explore: Any
) -> None:
    name, runs = logged
    explorer = explore(experiment=name, metric="accuracy")
    assert drawn(explorer) == ["sgd-lr0.1-seed0"]
    assert explorer.chart.y == "accuracy"
    explorer.table._hear(explorer.table, {"event": "chosen", "value": runs}, [])
    assert drawn(explorer) == ["sgd-lr0.01-seed0", "sgd-lr0.1-seed0"]
    assert list(explorer.table.colours) == runs
    explorer.metric.value = "loss"
    assert explorer.chart.y == "loss"
    explorer._choose_runs([])
    assert drawn(explorer) == []
    data.train(target, experiment="another", epochs=1)
    explorer.refresh()
    assert explorer.found.experiment == next(
        value for label, value in explorer.experiment.options if label.startswith(name)
    )


def test_a_newest_run_without_the_metric_does_not_leave_the_chart_empty(
    target: Server | str, explore: Any
) -> None:
    data.train(target, experiment="gap", run_name="with", epochs=2)
    client = data.tracking(target)
    place = client.get_experiment_by_name("gap").experiment_id
    client.set_terminated(client.create_run(place, run_name="without").info.run_id, "FAILED")
    explorer = explore(experiment="gap", metric="accuracy")
    assert drawn(explorer) == ["with"]
    client.create_run(client.create_experiment("metricless"), run_name="nothing yet")
    assert explore(experiment="metricless").table.grids[0].total is None


def test_the_sql_in_the_strip_brings_what_the_panel_shows(
    target: Server | str, logged: tuple[str, list[str]], explore: Any
) -> None:
    name, _ = logged
    explorer = explore(experiment=name)
    console = sql.console(target, explorer.strip.text, tree=False, limit=1000)
    assert [result.refusal for result in console.results] == [None] * 6
    *_, latest, curve = console.results
    newest = explorer.found.runs[0]
    assert {row[1]: row[2] for row in latest.rows if row[0] == newest.id} == newest.metrics
    assert [(row[1], row[2]) for row in curve.rows] == explorer.found.curves[newest.id]
    console.close()


def test_what_a_run_brings_along_is_data_and_a_value_that_is_no_number_is_named(
    target: Server | str, explore: Any
) -> None:
    run = data.train(
        target, experiment=HOSTILE, run_name=HOSTILE, epochs=1, tags={HOSTILE: HOSTILE}
    )
    client = data.tracking(target)
    client.log_metric(run.id, "lost", math.nan)
    client.log_param(run.id, "param", HOSTILE)
    explorer = explore(experiment=HOSTILE, metric="lost")
    shown = explorer.table.html + explorer.static_html() + explorer.strip.html
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert "NaN" in explorer.table.html
    assert explorer.experiment.label == f"{HOSTILE} (1 run)"
    assert explorer.chart.lines == []


def test_an_experiment_without_runs_says_so(target: Server | str, explore: Any) -> None:
    client = data.tracking(target)
    if client.get_experiment_by_name("bare") is None:
        client.create_experiment("bare")
    explorer = explore(experiment="bare")
    assert said(explorer) == "○ nothing yet"
    assert "no runs yet" in explorer.static_text()


def test_a_saved_explorer_is_the_same_for_the_same_training(
    target: Server | str, explore: Any
) -> None:
    saved = []
    for name in ("twice-a", "twice-b"):
        data.train(target, experiment=name, epochs=2)
        explorer = explore(experiment=name)
        bundle = explorer._repr_mimebundle_()
        text = bundle["text/html"] + bundle["text/plain"]
        saved.append(re.sub(r"experiment_id = \d+", "", text))
    assert saved[0] == saved[1]
    assert "<img alt=" in saved[0]
    assert "FROM metrics" in saved[0]

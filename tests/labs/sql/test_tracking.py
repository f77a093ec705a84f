"""The MLflow explorer shows MLflow's own numbers, follows a run, and stops when it is told."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Metric

from kit import data
from kit.labs import sql, tracking
from kit.labs.tracking import Explorer
from kit.launch.server import Server
from kit.launch.start import start
from kit.widgets.parts import VIEW
from tests.traces import await_true

HOSTILE = "<script>alert(1)</script> 100% :x"


@pytest.fixture(scope="module", params=["postgresql", "mysql", "sqlite"])
def target(
    request: pytest.FixtureRequest, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server | str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'runs.db'}"
        return
    with start(request.param, name="explored") as server:
        yield server


@pytest.fixture(scope="module")
def logged(target: Server | str) -> tuple[str, list[str]]:
    """Log two runs into an experiment that no test adds to."""
    rates = (0.01, 0.1)
    runs = [data.train(target, experiment="two", epochs=3, learning_rate=r).id for r in rates]
    return "two", runs


@pytest.fixture
def explore(target: Server | str) -> Iterator[Any]:
    opened: list[Explorer] = []

    def open_one(**options: Any) -> Explorer:
        opened.append(tracking.explorer(target, **{"watch": False, "refresh": 0.05, **options}))
        return opened[-1]

    yield open_one
    for explorer in opened:
        explorer.close()


def said(explorer: Explorer) -> str:
    return re.sub("<[^>]+>", "", explorer.status.value).strip()


def drawn(explorer: Explorer) -> list[str]:
    return [line.label for line in explorer.chart.lines]


def watching() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "kit-watch"]


def test_a_database_without_mlflow_says_what_would_fill_it_and_fills_by_itself(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    explorer = tracking.explorer(url, refresh=0.05)
    try:
        assert said(explorer) == "○ nothing yet"
        assert "data.train(server)" in explorer.static_text()
        assert VIEW in explorer._repr_mimebundle_()
        data.train(url, epochs=1)
        await_true(lambda: said(explorer) == "✓ 1 run", "the run is there")
    finally:
        explorer.close()


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


def test_a_run_appears_and_grows_while_the_explorer_watches(
    target: Server | str, explore: Any
) -> None:
    data.train(target, experiment="grows", epochs=1)
    explorer = explore(experiment="grows", watch=True)
    explorer.watch.stop()
    explorer.interval = 0.02
    steps: list[int] = []
    client = data.tracking(target)
    place = client.get_experiment_by_name("grows").experiment_id
    run = client.create_run(place, run_name="growing").info.run_id
    explorer.watch.start()
    for step in range(1, 4):
        client.log_batch(run, [Metric("loss", 1 / step, step, step)])
        await_true(
            lambda step=step: len(explorer.found.curves.get(run, ())) == step,  # type: ignore[misc]
            "the new point is drawn",
        )
        steps.append(len(explorer.chart.lines[0].points))
    assert said(explorer) == "◐ 2 runs · 1 logging"
    client.set_terminated(run)
    await_true(lambda: said(explorer) == "✓ 2 runs", "the run has ended")
    assert steps == [1, 2, 3]


def test_closing_the_explorer_ends_its_thread_and_its_connection(
    target: Server | str, logged: tuple[str, list[str]]
) -> None:
    before = len(watching())
    explorer = tracking.explorer(target, experiment=logged[0], refresh=0.02)
    assert len(watching()) == before + 1
    explorer.close()
    assert len(watching()) == before
    assert explorer._engine is None


def test_an_explorer_that_nobody_sees_any_more_stops_looking_until_it_is_seen_again(
    logged: tuple[str, list[str]], explore: Any
) -> None:
    explorer = explore(experiment=logged[0], watch=True)
    rule = explorer.rule
    for view in ("one", "two"):
        rule._hear(rule, {"event": "shown", "value": view}, [])
    rule._hear(rule, {"event": "gone", "value": "one"}, [])
    assert explorer.watch.running
    rule._hear(rule, {"event": "gone", "value": "two"}, [])
    await_true(lambda: not explorer.watch.running, "it looks no more")
    rule._hear(rule, {"event": "shown", "value": "three"}, [])
    assert explorer.watch.running


def test_an_interrupt_stops_the_looking_and_refresh_takes_it_up_again(
    logged: tuple[str, list[str]], explore: Any
) -> None:
    explorer = explore(experiment=logged[0], watch=True)
    explorer.watch.interrupt()
    assert not explorer.watch.running
    assert "interrupted" in said(explorer)
    explorer.again.click()
    assert explorer.watch.running
    assert said(explorer) == "✓ 2 runs"


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


def test_a_server_that_goes_and_comes_is_told_and_taken_up_again(home: Path) -> None:
    with start("postgresql", name="restless", durable=True) as server:
        data.train(server, epochs=1)
        explorer = tracking.explorer(server, refresh=0.02)
        explorer.watch.stop()
        server.kill()
        explorer.refresh()
        assert said(explorer) == "✗ failed"
        assert "restart()" in explorer.notice.static_text()
        assert server.password not in explorer.static_html()
        server.restart()
        explorer.refresh()
        assert said(explorer) == "✓ 1 run"
        assert explorer.notice.value == ""
        explorer.close()

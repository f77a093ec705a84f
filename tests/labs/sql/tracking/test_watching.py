"""The MLflow explorer follows a run, a database and a server, and stops when it is told."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from mlflow.entities import Metric

from kit import data
from kit.labs import tracking
from kit.launch.server import Server
from kit.launch.start import start
from kit.widgets.parts import VIEW
from tests.panels import said
from tests.traces import await_true


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

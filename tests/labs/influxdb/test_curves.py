"""Training curves are the numbers that training computed; they follow it, and stop when told."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import Any

import pytest

from kit.labs.influxdb import machine, training
from kit.labs.influxdb.curves import Curves, curves
from kit.labs.influxdb.session import Session
from kit.widgets.parts import VIEW
from tests.labs.influxdb.panels import labels
from tests.panels import said
from tests.traces import await_true


def test_the_curves_are_the_numbers_that_training_computed(
    session: Session, trained: dict[str, list[float]], shown: Any
) -> None:
    panel: Curves = shown(curves(session.server, watch=False))
    drawn = {line.label: [y for _, y in line.points] for line in panel.chart.lines}
    assert drawn == trained
    assert [x for x, _ in panel.chart.lines[0].points] == [1, 2, 3, 4]
    assert [row[:2] for row in panel.table.grids[0].rows] == [["slow", 4], ["fast", 4]]


def test_without_a_run_the_panel_says_what_would_fill_it(session: Session, shown: Any) -> None:
    panel = shown(curves(session.server, watch=False))
    assert said(panel).startswith("○")
    assert "`Train` starts one" in panel.static_text()
    assert VIEW in panel._repr_mimebundle_()


def test_a_run_appears_and_grows_while_the_panel_watches(session: Session, shown: Any) -> None:
    panel = shown(curves(session.server, refresh=0.02))
    stop = threading.Event()

    def train() -> None:
        training.train(session.server, run_id="live", epochs=500, pause=0.05, stop=stop)

    thread = threading.Thread(target=train)
    thread.start()
    try:
        await_true(lambda: labels(panel) == ["live"], "the run is drawn")
        seen = len(panel.chart.lines[0].points)
        await_true(lambda: len(panel.chart.lines[0].points) > seen, "the curve grows")
        assert "1 writing" in said(panel)
    finally:
        stop.set()
        thread.join()
    assert not panel.static_text().count("nan")


def test_the_button_trains_a_real_run_beside_the_machines_own_figures(
    session: Session, shown: Any
) -> None:
    panel = shown(curves(session.server, watch=False))
    run = panel.train(0.1)
    assert labels(panel) == [run]
    assert len(panel.chart.lines[0].points) == 20
    assert {line.label for line in panel.machine.lines} >= {"cpu", "memory"}
    assert all(0 <= y <= 100 for line in panel.machine.lines for _, y in line.known)
    assert said(panel).startswith(f"✓ {run} done")
    assert panel.train(0.1) == f"{run} (2)"


def test_training_can_be_cancelled_and_keeps_what_it_wrote(session: Session, shown: Any) -> None:
    panel = shown(curves(session.server, watch=False))
    thread = panel.background(panel.train)
    await_true(lambda: session.value("SELECT count(loss) FROM training_metrics", "count") > 1, "")
    panel.cancel.click()
    thread.join(20)
    assert "stopped" in said(panel)
    assert 1 < session.value("SELECT count(loss) FROM training_metrics", "count") < 20


def test_runs_are_compared_by_epoch_or_by_the_clock(
    session: Session, trained: dict[str, list[float]], shown: Any
) -> None:
    panel = shown(curves(session.server, watch=False))
    panel.across.value = "time"
    across = panel.chart.figure.axes[0]
    assert "UTC" in across.label
    panel.across.value = "epoch"
    assert across.label == "epoch"
    assert list(across.tick_values) == [1, 2, 3, 4]


def test_chosen_runs_alone_are_drawn_and_keep_their_colours(
    session: Session, trained: dict[str, list[float]], shown: Any
) -> None:
    panel = shown(curves(session.server, watch=False))
    panel._choose(["fast"])
    assert labels(panel) == ["fast"]
    panel.metric.value = "accuracy"
    assert labels(panel) == ["fast"]
    assert panel.chart.y == "accuracy"


def test_a_saved_picture_of_curves_holds_no_reading_of_the_machine(
    session: Session, trained: dict[str, list[float]], shown: Any
) -> None:
    panel = shown(curves(session.server, watch=False))
    panel.machine.show([])
    before = panel.static_text()
    machine.record(session.server, seconds=1.2)
    panel.refresh()
    assert panel.machine.lines
    reading = panel.machine.lines[0].last
    after = panel.static_text().replace(before, "")
    assert reading not in after or reading in before


def test_a_loss_that_is_no_number_leaves_its_field_out_and_the_run_goes_on() -> None:
    metrics = {"loss": math.nan, "accuracy": 0.1, "train_accuracy": math.inf}
    text = training.line("a run", "sgd", metrics, 5)
    assert text == r"training_metrics,model=sgd,run_id=a\ run accuracy=0.1 5"
    assert training.line("a", "sgd", {"loss": math.nan}, 5) == ""


def test_a_gpu_is_read_where_there_is_one_and_nothing_is_invented_where_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.gpu() == {}
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho '37, 1024, 4096'\n")
    program.chmod(0o755)
    assert machine.gpu() == {"gpu": 37.0, "gpu_memory": 25.0}
    program.write_text("#!/bin/sh\necho 'No devices were found'\n")
    assert machine.gpu() == {}
    assert set(machine.sample()) == {"cpu", "memory"}


def test_a_machine_without_a_gpu_says_so_and_one_with_it_has_a_line(
    session: Session,
    trained: dict[str, list[float]],
    shown: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    panel = shown(curves(session.server, watch=False))
    assert "GPU" not in panel.static_text()
    machine.record(session.server, seconds=1.2)
    panel.refresh()
    assert {line.label for line in panel.machine.lines} == {"cpu", "memory"}
    assert "No GPU" in panel.static_text()
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho '37, 1024, 4096'\n")
    program.chmod(0o755)
    machine.record(session.server, seconds=1.2)
    panel.refresh()
    assert {line.label for line in panel.machine.lines} == {"cpu", "memory", "gpu", "gpu_memory"}
    assert "No GPU" not in panel.static_text()


def test_a_closed_panel_leaves_no_thread(session: Session) -> None:
    before = threading.active_count()
    panel = curves(session.server, refresh=0.02)
    panel.background(panel.train)
    await_true(lambda: panel.go.disabled, "training runs")
    panel.close()
    await_true(lambda: threading.active_count() <= before, "its threads are gone")

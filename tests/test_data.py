"""The training run that the lessons log: real, repeatable, and leaving nothing about."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from kit import data
from kit.data import runs
from kit.errors import TrackingError, UsageError
from kit.launch.server import Server
from kit.launch.start import start
from tests.targets import target as target


def test_a_run_is_logged_whole_by_mlflow_itself(target: Server | str) -> None:
    done = data.train(target, experiment="whole", epochs=4, seed=3, tags={"note": "100% <b>"})
    client = data.tracking(target)
    logged = client.get_run(done.id)
    assert logged.info.status == "FINISHED"
    assert logged.info.run_name == done.name
    assert logged.data.params["epochs"] == "4"
    assert logged.data.tags["note"] == "100% <b>"
    assert logged.data.tags["dataset"] == "digits"
    assert logged.data.metrics == done.metrics
    history = client.get_metric_history(done.id, "loss")
    assert [metric.step for metric in history] == [1, 2, 3, 4]
    assert history[0].value > history[-1].value > 0


def test_the_same_seed_gives_the_same_metrics_and_another_seed_others(target: Server | str) -> None:
    first, second = (data.train(target, epochs=2, seed=5).metrics for _ in range(2))
    assert first == second
    assert data.train(target, epochs=2, seed=6).metrics != first


def test_training_teaches_the_model_something(target: Server | str) -> None:
    metrics = data.train(target, epochs=8).metrics
    assert metrics["accuracy"] > 0.9
    assert not math.isnan(metrics["loss"])


def test_training_leaves_no_directory_and_no_word_behind(
    target: Server | str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    run = data.train(target, experiment="tidy", epochs=1)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    place = data.tracking(target).get_run(run.id).info.artifact_uri
    assert str(tmp_path) not in place


def test_an_interrupted_run_is_logged_as_killed_and_a_failed_one_as_failed(
    target: Server | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    def fail(_seconds: float) -> None:
        raise ZeroDivisionError

    client = data.tracking(target)
    for rest, error, status in (
        (interrupt, KeyboardInterrupt, "KILLED"),
        (fail, ZeroDivisionError, "FAILED"),
    ):
        monkeypatch.setattr("kit.data.runs.time.sleep", rest)
        with pytest.raises(error):
            data.train(target, experiment=status, epochs=3)
        (run,) = client.search_runs([client.get_experiment_by_name(status).experiment_id])
        assert run.info.status == status
        assert "loss" in run.data.metrics


def test_an_interrupt_that_a_driver_reports_as_its_own_error_is_still_an_interrupt() -> None:
    error = RuntimeError("can't change 'autocommit' now")
    error.__context__ = ValueError()
    error.__context__.__context__ = KeyboardInterrupt()
    assert runs._interrupted(error)
    assert not runs._interrupted(RuntimeError())


def test_a_dead_server_is_told_without_a_traceback_or_a_password(
    home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with start("postgresql", name="dead") as server:
        data.train(server, epochs=1)
        server.kill()
        with pytest.raises(TrackingError) as refused:
            data.train(server, epochs=1)
        said = str(refused.value) + "".join(capfd.readouterr())
        assert "restart()" in said
        assert "Traceback" not in said
        assert "sqlalche.me" not in said
        assert server.password not in said


@pytest.mark.parametrize("target", ["redis://:hunter2@h/0", "http://hunter2", "hunter2", 42])
def test_what_mlflow_cannot_log_to_is_refused_without_quoting_it(target: Any) -> None:
    with pytest.raises(UsageError) as refused:
        data.train(target)
    assert "hunter2" not in str(refused.value)


def test_the_digits_are_parted_the_same_way_for_the_same_seed() -> None:
    first, second = data.digits(1), data.digits(1)
    assert (first.train == second.train).all()
    assert (len(first.train), len(first.test)) == (1347, 450)
    assert first.train.min() == 0.0
    assert first.train.max() == 1.0


def test_the_epochs_of_a_training_run_are_the_same_for_the_same_seed() -> None:
    one, other = (list(data.epochs(epochs=3, learning_rate=0.01, seed=5)) for _ in range(2))
    assert one == other
    assert [epoch for epoch, _ in one] == [1, 2, 3]
    assert one[-1][1]["loss"] < one[0][1]["loss"]


def test_the_classifier_that_is_served_reads_most_digits_right() -> None:
    digits = data.digits(seed=0)
    assert data.classifier(seed=0).score(digits.test, digits.test_labels) > 0.9

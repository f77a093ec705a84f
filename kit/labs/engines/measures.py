"""What MLflow costs on an engine: runs, metrics one by one and in a batch, and a search."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from kit import data
from kit.data.runs import find_experiment, plain_errors
from kit.labs.source import Source
from kit.measure.spread import Spread, repeat

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

EXPERIMENT = "kit-comparison"
SINGLE, BATCH = 20, 200

_PARAMS = {"model": "SGDClassifier", "epochs": "8", "learning_rate": "0.01", "seed": "0"}


@dataclass(frozen=True)
class Measure:
    """Something that MLflow is asked to do; `count` things of the `noun` at a time.

    `code` is the same in Python, to be copied. Where `latency` is set, what matters is how long
    it takes, else how many there are per second.
    """

    title: str
    noun: str
    count: int
    work: Callable[[MlflowClient, str, str], object]
    code: str
    latency: bool = False


@dataclass(frozen=True)
class Measured:
    """How long a measure took, several times over, on one server."""

    measure: Measure
    times: Spread

    @property
    def median(self) -> float:
        """Return the median, in seconds for a latency, else in things per second."""
        return self._read(self.times.median)

    @property
    def low(self) -> float:
        """Return the lower quartile, in the same unit."""
        return self._read(self.times.low if self.measure.latency else self.times.high)

    @property
    def high(self) -> float:
        """Return the upper quartile, in the same unit."""
        return self._read(self.times.high if self.measure.latency else self.times.low)

    def _read(self, seconds: float) -> float:
        return seconds if self.measure.latency else self.measure.count / seconds


def measure(source: Source, which: str, *, times: int = 7) -> Measured:
    """Have MLflow do one of `MEASURES` on a server, `times` times after one that does not count.

    The experiment that it logs to is deleted afterwards, as MLflow deletes: marked, not removed.
    Raise TrackingError where the server refuses.
    """
    chosen = MEASURES[which]
    uri = source.url.render_as_string(hide_password=False)
    with plain_errors(uri):
        client = data.tracking(uri)
        name = f"{EXPERIMENT}-{os.getpid()}-{time.time_ns()}"
        where = find_experiment(client, name)
        try:
            run = client.create_run(where).info.run_id
            spread = repeat(partial(chosen.work, client, where, run), times=times)
            client.set_terminated(run)
        finally:
            client.delete_experiment(where)
    return Measured(chosen, spread)


def _a_run(client: MlflowClient, experiment: str, _run: str) -> None:
    from mlflow.entities import Param

    run = client.create_run(experiment).info.run_id
    params = [Param(key, value) for key, value in _PARAMS.items()]
    client.log_batch(run, params=params, metrics=_metrics(3))
    client.set_terminated(run)


def _one_by_one(client: MlflowClient, _experiment: str, run: str) -> None:
    for step in range(SINGLE):
        client.log_metric(run, "loss", 1.0 / (step + 1), step=step)


def _in_a_batch(client: MlflowClient, _experiment: str, run: str) -> None:
    client.log_batch(run, metrics=_metrics(BATCH))


def _a_search(client: MlflowClient, experiment: str, _run: str) -> None:
    client.search_runs([experiment], order_by=["metrics.loss ASC"], max_results=20)


def _metrics(count: int) -> list[Metric]:
    from mlflow.entities import Metric

    # MLflow takes the same name, step and moment for the same value, written once.
    now = time.time_ns() // 1000
    return [Metric("loss", 1.0 / (step + 1), now, step) for step in range(count)]


MEASURES: dict[str, Measure] = {
    "runs": Measure(
        "whole runs",
        "runs",
        1,
        _a_run,
        "run = client.create_run(experiment).info.run_id\n"
        "client.log_batch(run, params=params, metrics=metrics[:3])\n"
        "client.set_terminated(run)",
    ),
    "single": Measure(
        "metrics, one by one",
        "metrics",
        SINGLE,
        _one_by_one,
        f"for step in range({SINGLE}):\n"
        '    client.log_metric(run, "loss", 1 / (step + 1), step=step)',
    ),
    "batch": Measure(
        f"metrics, {BATCH} in a batch",
        "metrics",
        BATCH,
        _in_a_batch,
        f"client.log_batch(run, metrics=metrics)  # {BATCH} of them",
    ),
    "search": Measure(
        "a search for the best runs",
        "searches",
        1,
        _a_search,
        'client.search_runs([experiment], order_by=["metrics.loss ASC"], max_results=20)',
        latency=True,
    ),
}

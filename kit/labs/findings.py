"""One look at MLflow's tables, as far as the explorer shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from kit.labs.runs import Asked, Experiment, Reader, Run


@dataclass(frozen=True)
class Findings:
    """What one look at the database found."""

    ready: bool = False
    experiments: Sequence[Experiment] = ()
    experiment: str = ""
    runs: Sequence[Run] = ()
    metric: str = ""
    chosen: Sequence[str] = ()
    curves: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    asked: Sequence[Asked] = field(default=(), compare=False)

    @property
    def metrics(self) -> list[str]:
        """Name the metrics of all runs."""
        return sorted({name for run in self.runs for name in run.metrics})

    @property
    def logging(self) -> bool:
        """Tell whether a run is still at work."""
        return any(run.status == "RUNNING" for run in self.runs)


def look(
    connection: Connection,
    *,
    experiment: str | None = None,
    metric: str | None = None,
    picked: Sequence[str] | None = None,
    most: int = 6,
) -> Findings:
    """Read the experiments, the runs of one, and a metric's curves of `most` runs at most.

    An `experiment` is given by id or name, `picked` runs by id; without them the newest are taken.
    """
    reader = Reader(connection)
    if not reader.ready():
        return Findings()
    experiments = reader.experiments()
    chosen = _pick(experiments, experiment)
    runs = reader.runs(chosen) if chosen else []
    wanted = _prefer(sorted({name for run in runs for name in run.metrics}), metric)
    drawn = _drawn(runs, picked, wanted)[-most:]
    curves = reader.curve(wanted, drawn) if wanted else {}
    return Findings(
        ready=True,
        experiments=experiments,
        experiment=chosen,
        runs=runs,
        metric=wanted,
        chosen=drawn,
        curves=curves,
        asked=tuple(reader.asked),
    )


def _drawn(runs: Sequence[Run], picked: Sequence[str] | None, metric: str) -> list[str]:
    """Return the runs to draw: those picked that are still there, or the newest with the metric."""
    if picked is not None:
        there = {run.id for run in runs}
        return [run for run in picked if run in there]
    with_metric = [run for run in runs if metric in run.metrics]
    return [run.id for run in (with_metric or runs)[:1]]


def _pick(experiments: Sequence[Experiment], wanted: str | None) -> str:
    for one in experiments:
        if wanted in (one.id, one.name):
            return one.id
    return experiments[0].id if experiments else ""


def _prefer(names: Sequence[str], wanted: str | None) -> str:
    for name in (wanted, "loss"):
        if name in names:
            return str(name)
    return names[0] if names else ""

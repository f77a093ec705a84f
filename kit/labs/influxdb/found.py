"""One look at the training runs and at the machine, as far as the panel of curves shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kit.labs.influxdb.answers import broken
from kit.labs.influxdb.influxql import identifier, literal
from kit.labs.influxdb.machine import EVERY
from kit.labs.influxdb.session import Series, Session

METRICS = ("loss", "accuracy", "train_accuracy")
LOGGING = 3.0
"""Seconds after its last point for which a run counts as being at work."""

SUMMARY = (
    "SELECT count(loss) AS epochs, last(loss) AS loss, max(accuracy) AS accuracy "
    "FROM training_metrics GROUP BY run_id, model"
)
NEWEST = "SELECT last(loss) FROM training_metrics GROUP BY run_id, model"
MACHINE = "SELECT * FROM machine ORDER BY time DESC LIMIT 120"


@dataclass(frozen=True)
class Run:
    """A run as its points tell of it; `newest` is the Unix time of its last one."""

    id: str
    model: str
    epochs: int
    loss: float | None
    accuracy: float | None
    newest: float


@dataclass(frozen=True)
class Found:
    """What one look found: curves hold Unix times and values, by run."""

    runs: Sequence[Run] = ()
    metric: str = METRICS[0]
    chosen: Sequence[str] = ()
    curves: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    used: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    asked: Sequence[str] = field(default=(), compare=False)


def look(
    session: Session, *, metric: str, picked: Sequence[str] | None = None, most: int = 6
) -> Found:
    """Read all runs, the curves of those picked (else of the newest `most`), and the machine."""
    runs = _runs(session)
    there = [run.id for run in runs]
    chosen = [run for run in (there if picked is None else picked) if run in there][-most:]
    asked = [SUMMARY, NEWEST, MACHINE]
    curves: dict[str, list[tuple[float, float]]] = {}
    if chosen:
        wanted = curve_query(metric, chosen)
        asked.insert(2, wanted)
        curves = {one.tags["run_id"]: one.points(metric) for one in session.one(wanted)}
    return Found(runs, metric, chosen, curves, _used(session), asked)


def curve_query(metric: str, runs: Sequence[str]) -> str:
    """Write the query for one metric of some runs."""
    which = " OR ".join(f"run_id = {literal(run)}" for run in runs)
    clauses = ["SELECT", identifier(metric), "FROM training_metrics"]
    return " ".join([*clauses, "WHERE", which, "GROUP BY run_id"])


def _runs(session: Session) -> list[Run]:
    newest = {_key(one): one.rows[0][0] / 1e9 for one in session.one(NEWEST)}
    found = [
        Run(*_key(one), epochs or 0, loss, accuracy, newest.get(_key(one), 0.0))
        for one in session.one(SUMMARY)
        for _, epochs, loss, accuracy in one.rows[:1]
    ]
    return sorted(found, key=lambda run: (run.newest, run.id))


def _key(series: Series) -> tuple[str, str]:
    return series.tags.get("run_id", ""), series.tags.get("model", "")


def _used(session: Session) -> dict[str, list[tuple[float, float]]]:
    """Return what of the machine was in use, over its last minute of samples."""
    series = session.one(MACHINE)
    names = series[0].columns if series else []
    return {
        name: broken(series[0].points(name)[::-1], 2 * EVERY)
        for name in names
        if name not in ("time", "host")
    }

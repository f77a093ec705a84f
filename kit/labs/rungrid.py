"""MLflow's runs as one table: parameters, last metrics and tags side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from kit.labs.runs import Run
from kit.widgets import units
from kit.widgets.table import Grid
from kit.widgets.values import Shown

_ICONS = {"RUNNING": "◐", "FINISHED": "✓", "FAILED": "✗", "KILLED": "■", "SCHEDULED": "◌"}


def run_grid(runs: Sequence[Run]) -> Grid:
    """Lay out runs, one row each, chosen by their id."""
    params = _differing([run.params for run in runs])
    metrics = sorted({key for run in runs for key in run.metrics})
    tags = _differing([run.tags for run in runs])
    return Grid(
        columns=["run", "status", "took", *params, *metrics, *tags],
        rows=[
            [
                run.name,
                Shown(run.status.lower(), run.status, _ICONS.get(run.status, "")),
                _took(run),
                *(_number(run.params.get(key)) for key in params),
                *(_measured(run.metrics.get(key)) for key in metrics),
                *(run.tags.get(key) for key in tags),
            ]
            for run in runs
        ],
        note=_common(runs, {*params, *tags}),
        keys=[run.id for run in runs],
        volatile=frozenset({"took"}),
    )


def _differing(parts: Sequence[Mapping[str, str]]) -> list[str]:
    """Name the keys that tell the runs apart; what all share need not be a column."""
    keys = sorted({key for part in parts for key in part})
    return [key for key in keys if len({part.get(key) for part in parts}) > 1]


def _common(runs: Sequence[Run], apart: set[str]) -> str:
    shared = {**runs[0].params, **runs[0].tags} if runs else {}
    said = [f"{key} {value}" for key, value in shared.items() if key not in apart]
    return f"{'All runs' if len(runs) > 1 else 'This run'}: {' · '.join(said)}" if said else ""


def _took(run: Run) -> Shown | None:
    if run.ended is None:
        return None
    seconds = (run.ended - run.started) / 1000
    return Shown(units.duration(seconds), seconds)


def _measured(value: float | None) -> Shown | None:
    return None if value is None else Shown(units.figure(value), value)


def _number(value: str | None) -> Any:
    """Return a parameter as MLflow keeps it, text, but aligned like a number where it is one."""
    try:
        return (
            Shown(value, float(value))
            if value is not None and math.isfinite(float(value))
            else value
        )
    except ValueError:
        return value

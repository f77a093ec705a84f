"""MLflow's tables, read by plain SQL that means the same on every engine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, String, bindparam, text
from sqlalchemy.sql.elements import TextClause

EXPERIMENTS = """\
SELECT e.experiment_id, e.name, COUNT(r.run_uuid) AS runs
FROM experiments e
LEFT JOIN runs r ON r.experiment_id = e.experiment_id AND r.lifecycle_stage = 'active'
WHERE e.lifecycle_stage = 'active'
GROUP BY e.experiment_id, e.name
ORDER BY MAX(COALESCE(r.start_time, 0)) DESC, e.experiment_id"""

RUNS = """\
SELECT r.run_uuid, r.name, r.status, r.start_time, r.end_time
FROM runs r
WHERE r.experiment_id = :experiment AND r.lifecycle_stage = 'active'
ORDER BY r.start_time DESC, r.run_uuid
LIMIT :most"""

PARAMS = """\
SELECT p.run_uuid, p.key, p.value
FROM params p
WHERE p.run_uuid IN :runs
ORDER BY p.key"""

TAGS = """\
SELECT t.run_uuid, t.key, t.value
FROM tags t
WHERE t.run_uuid IN :runs
ORDER BY t.key"""

LATEST = """\
SELECT m.run_uuid, m.key, m.value, m.is_nan
FROM latest_metrics m
WHERE m.run_uuid IN :runs
ORDER BY m.key"""

CURVE = """\
SELECT m.run_uuid, m.step, m.value, m.is_nan
FROM metrics m
WHERE m.key = :metric AND m.run_uuid IN :runs
ORDER BY m.run_uuid, m.step, m.timestamp"""

TABLES = ("experiments", "runs", "params", "tags", "latest_metrics", "metrics")
MOST = 50
"""Runs that are read at most, the newest first."""


@dataclass(frozen=True)
class Experiment:
    """A named set of runs."""

    id: str
    name: str
    runs: int


@dataclass(frozen=True)
class Run:
    """A run with what it was given and what it last measured; times in ms since 1970."""

    id: str
    name: str
    status: str
    started: int
    ended: int | None
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A query with its values, kept so that it can be shown."""

    sql: str
    values: dict[str, Any]

    def clause(self) -> TextClause:
        """Return the query as SQLAlchemy runs it."""
        clause = text(self.sql)
        if "runs" in self.values:
            clause = clause.bindparams(bindparam("runs", type_=String, expanding=True))
        return clause.bindparams(**self.values)

    def written(self, dialect: Any) -> str:
        """Return the query with its values in place, ready to be run elsewhere."""
        plain = type(dialect)(paramstyle="named")
        options = {"literal_binds": True}
        return str(self.clause().compile(dialect=plain, compile_kwargs=options))


class Reader:
    """Ask MLflow's tables, and remember what was asked."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.asked: list[Asked] = []

    def ready(self) -> bool:
        """Tell whether MLflow has made its tables here."""
        names = {*sqlalchemy.inspect(self.connection).get_table_names()}
        return names.issuperset(TABLES)

    def experiments(self) -> list[Experiment]:
        """List the experiments, the one with the newest run first."""
        return [Experiment(str(row[0]), row[1], row[2]) for row in self._ask(EXPERIMENTS)]

    def runs(self, experiment: str) -> list[Run]:
        """List an experiment's newest runs, complete; tags that MLflow sets itself are left out."""
        found = self._ask(RUNS, experiment=int(experiment), most=MOST)
        runs = {row[0]: Run(row[0], row[1] or "", row[2], row[3], row[4]) for row in found}
        if not runs:
            return []
        ids = list(runs)
        for run, key, value in self._ask(PARAMS, runs=ids):
            runs[run].params[key] = value
        for run, key, value in self._ask(TAGS, runs=ids):
            if not key.startswith("mlflow."):
                runs[run].tags[key] = value
        for run, key, value, is_nan in self._ask(LATEST, runs=ids):
            runs[run].metrics[key] = math.nan if is_nan else float(value)
        return list(runs.values())

    def curve(self, metric: str, runs: Sequence[str]) -> dict[str, list[tuple[float, float]]]:
        """Return a metric's steps and values for each of the runs that has it."""
        curves: dict[str, list[tuple[float, float]]] = {}
        if runs:
            for run, step, value, is_nan in self._ask(CURVE, metric=metric, runs=list(runs)):
                point = (float(step), math.nan if is_nan else float(value))
                curves.setdefault(run, []).append(point)
        return curves

    def _ask(self, sql: str, **values: Any) -> Sequence[Any]:
        query = Asked(sql, values)
        self.asked.append(query)
        return self.connection.execute(query.clause()).all()

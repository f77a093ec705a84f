"""Two problems that MLflow's databases really had, rebuilt small, and what mends them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, NullPool

from kit.errors import SQLError, UsageError
from kit.labs import source as sources
from kit.labs.statements import connect

if TYPE_CHECKING:
    from kit.launch.server import Server

PATIENCE = 30.0  # seconds until InnoDB must have cleaned up

_KEYS = (
    "MLflow up to 1.23 had no index on the foreign keys that lead from metrics, params and tags to "
    "their run. PostgreSQL makes none by itself, so every look at a run read the whole table, and "
    "pages took longer with every run ever logged. Since March 2022 MLflow creates these indexes "
    "(github.com/mlflow/mlflow, issue 3785)."
)
_INNODB_KEYS = (
    " InnoDB creates an index for every foreign key that is declared; here the tables came over "
    "from another server without their constraints, which has the same effect."
)
_BLOAT = (
    "The metrics of a tracking server that has long been in use became slow to read; most runs had "
    "been deleted since, but their rows still took up the pages. VACUUM FULL resolved it "
    "(github.com/mlflow/mlflow, issue 12813)."
)
_INNODB_BLOAT = (
    "Nine of ten runs were deleted, but a notebook that somebody left open still holds a "
    "transaction from before. InnoDB must keep every row that it could ask for, so all reads walk "
    "over the remains. When that transaction ends, InnoDB cleans up by itself: it needs no VACUUM."
)

# MLflow's own columns and keys, without what the story does not need.
_RUNS = """CREATE TABLE {schema}.runs (
    run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250), experiment_id INT, status VARCHAR(9)
){quiet}"""
_METRICS = """CREATE TABLE {schema}.metrics (
    {key} VARCHAR(250), value DOUBLE PRECISION, timestamp BIGINT, run_uuid VARCHAR(32){refers},
    step BIGINT, is_nan BOOLEAN, PRIMARY KEY ({key}, timestamp, step, run_uuid, value, is_nan)
){quiet}"""
_FILL_RUNS = """INSERT INTO {schema}.runs
WITH RECURSIVE run (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM run WHERE n < 1000)
SELECT md5(concat('{seed}-', n)), concat('run ', n), n % 200, 'FINISHED' FROM run"""
_FILL_METRICS = """INSERT INTO {schema}.metrics
WITH RECURSIVE
    run (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM run WHERE n < 1000),
    epoch (s) AS (SELECT 1 UNION ALL SELECT s + 1 FROM epoch WHERE s < 10),
    name (k) AS (SELECT 'accuracy' UNION ALL SELECT 'f1' UNION ALL SELECT 'loss')
SELECT k, 1.0 / s + n / 1000.0, 1700000000000 + n * 100000 + s * 1000,
    md5(concat('{seed}-', n)), s, 1 = 0
FROM run, epoch, name ORDER BY {order}"""
_DELETE = """DELETE FROM {schema}.metrics
WHERE run_uuid NOT IN (SELECT run_uuid FROM {schema}.runs WHERE experiment_id % 10 = 0)"""


@dataclass(frozen=True)
class Case:
    """A prepared problem: its story, the query that suffers, and the SQL that cures it."""

    story: str
    query: str
    cure: str
    _server: Any = field(repr=False)
    _forgotten: Connection | None = field(default=None, repr=False)

    def mend(self) -> None:
        """Run the cure, and wait until it shows; on InnoDB that may take some seconds."""
        if self._forgotten is None:
            with _session(self._server) as connection:
                _run(connection, self.cure)
        elif not self._forgotten.closed:
            _run(self._forgotten, self.cure)
            _await_purge(self._forgotten)
            self._forgotten.close()


def foreign_keys(server: Server | str | URL, *, seed: int = 0) -> Case:
    """Build 1,000 runs with 30,000 metrics that no index leads to, in a schema `plan_keys`."""
    with _session(server) as connection:
        words = _words(connection, "plan_keys", seed)
        _build(connection, words, order="n, k, s")
        _run(connection, *_analyzed(connection, "plan_keys"))
    innodb = words["key"] == "`key`"
    return Case(
        story=_KEYS + (_INNODB_KEYS if innodb else ""),
        query="SELECT r.name, m.{key}, m.step, m.value\n"
        "FROM plan_keys.runs r JOIN plan_keys.metrics m ON m.run_uuid = r.run_uuid\n"
        "WHERE r.experiment_id = 7".format(**words),
        cure="CREATE INDEX index_metrics_run_uuid ON plan_keys.metrics (run_uuid)",
        _server=server,
    )


def bloated(server: Server | str | URL, *, seed: int = 0) -> Case:
    """Build a table of metrics, nine tenths of which are remains, in a schema `plan_bloat`."""
    connection = _session(server)
    words = _words(connection, "plan_bloat", seed)
    # As they come from runs that train side by side: every page holds rows of every run.
    _build(connection, words, order="s, n, k")
    innodb = words["key"] == "`key`"
    forgotten = _session(server) if innodb else None
    if forgotten is not None:
        _run(forgotten, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
    _run(connection, _DELETE.format(**words), *_analyzed(connection, "plan_bloat"))
    connection.close()
    return Case(
        story=_INNODB_BLOAT if innodb else _BLOAT,
        query="SELECT avg(value) FROM plan_bloat.metrics WHERE NOT is_nan",
        cure="ROLLBACK" if innodb else "VACUUM (FULL, ANALYZE) plan_bloat.metrics",
        _server=server,
        _forgotten=forgotten,
    )


def _words(connection: Connection, schema: str, seed: int) -> dict[str, str]:
    """Return what differs between the two servers."""
    name = connection.dialect.name
    if name == "postgresql":
        # Statistics and dead rows are to stay as they are until the learner acts.
        quiet, refers = " WITH (autovacuum_enabled = off)", f" REFERENCES {schema}.runs"
        return {
            "schema": schema,
            "seed": str(int(seed)),
            "key": "key",
            "quiet": quiet,
            "refers": refers,
        }
    if name in ("mysql", "mariadb"):
        quiet = " ENGINE = InnoDB STATS_AUTO_RECALC = 0 STATS_SAMPLE_PAGES = 1000"
        return {
            "schema": schema,
            "seed": str(int(seed)),
            "key": "`key`",
            "quiet": quiet,
            "refers": "",
        }
    raise UsageError(
        f"The cases are for PostgreSQL, MySQL and MariaDB, and this is {name}. "
        'Start one: kit.start("postgresql")'
    )


def _build(connection: Connection, words: dict[str, str], *, order: str) -> None:
    cascade = " CASCADE" if words["key"] == "key" else ""
    _run(
        connection,
        "DROP SCHEMA IF EXISTS {schema}{cascade}".format(cascade=cascade, **words),
        "CREATE SCHEMA {schema}".format(**words),
        _RUNS.format(**words),
        _METRICS.format(**words),
        _FILL_RUNS.format(**words),
        _FILL_METRICS.format(order=order, **words),
    )


def _analyzed(connection: Connection, schema: str) -> list[str]:
    word = "ANALYZE" if connection.dialect.name == "postgresql" else "ANALYZE TABLE"
    return [f"{word} {schema}.{table}" for table in ("runs", "metrics")]


def _session(server: Any) -> Connection:
    return connect(sources.read(server).engine(poolclass=NullPool))


def _run(connection: Connection, *statements: str) -> None:
    for statement in statements:
        answer = connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        answer.close()


def _await_purge(connection: Connection) -> None:
    """Wait until InnoDB has removed what no transaction can see any more."""
    end = time.monotonic() + PATIENCE
    query = "SELECT count FROM information_schema.innodb_metrics WHERE name = %s"
    while time.monotonic() < end:
        left = connection.exec_driver_sql(query, ("trx_rseg_history_len",)).scalar()
        if not left:
            return
        time.sleep(0.1)
    raise SQLError(
        f"InnoDB has not cleaned up within {PATIENCE:.0f} s: another transaction is still open. "
        "Look for it in information_schema.innodb_trx, and end it."
    )

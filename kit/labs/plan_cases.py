"""Two problems that MLflow's databases really had, rebuilt small, and what mends them."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, NullPool

from kit.errors import SQLError, UsageError
from kit.labs import source as sources
from kit.labs.statements import connect, split

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
_RUNS = """CREATE TABLE {at}runs (
    run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250), experiment_id INT, status VARCHAR(9)
){quiet}"""
_METRICS = """CREATE TABLE {at}metrics (
    {key} VARCHAR(250), value DOUBLE PRECISION, timestamp BIGINT, run_uuid VARCHAR(32){refers},
    step BIGINT, is_nan BOOLEAN, PRIMARY KEY ({key}, timestamp, step, run_uuid, value, is_nan)
){quiet}"""
_FILL_RUNS = """INSERT INTO {at}runs
WITH RECURSIVE run (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM run WHERE n < 1000)
SELECT {digest}, concat('run ', n), n % 200, 'FINISHED' FROM run"""
_FILL_METRICS = """INSERT INTO {at}metrics
WITH RECURSIVE
    run (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM run WHERE n < 1000),
    epoch (s) AS (SELECT 1 UNION ALL SELECT s + 1 FROM epoch WHERE s < 10),
    name (k) AS (SELECT 'accuracy' UNION ALL SELECT 'f1' UNION ALL SELECT 'loss')
SELECT k, 1.0 / s + n / 1000.0, 1700000000000 + n * 100000 + s * 1000,
    {digest}, s, 1 = 0
FROM run, epoch, name ORDER BY {order}"""
_AVERAGE = "SELECT avg(value) FROM {at}metrics WHERE NOT is_nan"
_DELETE = """DELETE FROM {at}metrics
WHERE run_uuid NOT IN (SELECT run_uuid FROM {at}runs WHERE experiment_id % 10 = 0)"""
_STATUS = re.compile(
    r"^Trx id counter (?P<next>\d+)\n"
    r"Purge done for trx's n:o < (?P<cleaned>\d+) .* state: (?P<state>.+)$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Case:
    """A prepared problem: its story, the query that suffers, and the SQL that cures it."""

    story: str
    query: str
    cure: str
    _server: Any = field(repr=False)
    _forgotten: Connection | None = field(default=None, repr=False)
    _deleted: int = field(default=0, repr=False)

    def mend(self) -> None:
        """Run the cure, and wait until it shows; on InnoDB that may take some seconds."""
        if self._forgotten is None:
            with _session(self._server) as connection:
                _run(connection, self.cure)
        elif not self._forgotten.closed:
            _run(self._forgotten, self.cure)
            _await_purge(self._forgotten, self._deleted)
            self._forgotten.close()


def foreign_keys(server: Server | str | URL, *, seed: int = 0) -> Case:
    """Build 1,000 runs with 30,000 metrics that no index leads to.

    They are in a schema `plan_keys`; in MySQL, where a schema is a database, their names begin so.
    """
    with _session(server) as connection:
        words = _words(connection, "plan_keys", seed)
        _build(connection, words, order="n, k, s")
        _run(connection, *_analyzed(words))
    innodb = words["key"] == "`key`"
    return Case(
        story=_KEYS + (_INNODB_KEYS if innodb else ""),
        query="SELECT r.name, m.{key}, m.step, m.value\n"
        "FROM {at}runs r JOIN {at}metrics m ON m.run_uuid = r.run_uuid\n"
        "WHERE r.experiment_id = 7".format(**words),
        cure="CREATE INDEX index_metrics_run_uuid ON {at}metrics (run_uuid)".format(**words),
        _server=server,
    )


def bloated(server: Server | str | URL, *, seed: int = 0) -> Case:
    """Build a table of metrics, nine tenths of which are remains, in a schema `plan_bloat`.

    In MySQL, where a schema is a database, its name begins so.
    """
    connection = _session(server)
    words = _words(connection, "plan_bloat", seed)
    # As they come from runs that train side by side: every page holds rows of every run.
    _build(connection, words, order="s, n, k")
    innodb = words["key"] == "`key`"
    forgotten = _session(server) if innodb else None
    if forgotten is not None:
        _run(forgotten, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
    _run(connection, _DELETE.format(**words))
    deleted = _innodb(connection)[0] if innodb else 0
    _run(connection, *_analyzed(words))
    connection.close()
    return Case(
        story=_INNODB_BLOAT if innodb else _BLOAT,
        query=_AVERAGE.format(**words),
        cure="ROLLBACK" if innodb else "VACUUM (FULL, ANALYZE) {at}metrics".format(**words),
        _server=server,
        _forgotten=forgotten,
        _deleted=deleted,
    )


def _words(connection: Connection, schema: str, seed: int) -> dict[str, str]:
    """Return what differs between the two servers."""
    name, numbered = connection.dialect.name, f"concat('{int(seed)}-', n)"
    if name == "postgresql":
        return {
            "at": f"{schema}.",
            "digest": f"md5({numbered})",
            "key": "key",
            # Statistics and dead rows are to stay as they are until the learner acts.
            "quiet": " WITH (autovacuum_enabled = off)",
            "refers": f" REFERENCES {schema}.runs",
            "clear": f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}",
            "analyze": "ANALYZE",
        }
    if name in ("mysql", "mariadb"):
        return {
            "at": f"{schema}_",
            # MySQL 9 has no md5() of its own any more.
            "digest": f"left(sha2({numbered}, 256), 32)",
            "key": "`key`",
            "quiet": " ENGINE = InnoDB STATS_AUTO_RECALC = 0 STATS_SAMPLE_PAGES = 1000",
            "refers": "",
            "clear": f"DROP TABLE IF EXISTS {schema}_metrics, {schema}_runs",
            "analyze": "ANALYZE TABLE",
        }
    raise UsageError(
        f"The cases are for PostgreSQL, MySQL and MariaDB, and this is {name}. "
        'Start one: kit.start("postgresql")'
    )


def _build(connection: Connection, words: dict[str, str], *, order: str) -> None:
    tables = (_RUNS, _METRICS, _FILL_RUNS, _FILL_METRICS)
    made = [statement.format(order=order, **words) for statement in tables]
    _run(connection, *split(words["clear"]), *made)


def _analyzed(words: dict[str, str]) -> list[str]:
    return ["{analyze} {at}{table}".format(table=table, **words) for table in ("runs", "metrics")]


def _session(server: Any) -> Connection:
    return connect(sources.read(server).engine(poolclass=NullPool))


def _run(connection: Connection, *statements: str) -> None:
    for statement in statements:
        answer = connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        answer.close()


def _await_purge(connection: Connection, deleted: int) -> None:
    """Wait until InnoDB has removed what no transaction can see any more.

    Its history list does not tell: MySQL shortens that only once in 128 rounds of cleaning
    (MySQL manual, innodb_purge_rseg_truncate_frequency).
    """
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        _, cleaned, idle = _innodb(connection)
        if cleaned >= deleted and idle:
            return
        time.sleep(0.1)
    raise SQLError(
        f"InnoDB has not cleaned up within {PATIENCE:.0f} s: another transaction is still open. "
        "Look for it in information_schema.innodb_trx, and end it."
    )


def _innodb(connection: Connection) -> tuple[int, int, bool]:
    """Return InnoDB's next transaction, up to which one it has cleaned up, and if it rests."""
    status = connection.exec_driver_sql("SHOW ENGINE INNODB STATUS").one()[-1]
    found = _STATUS.search(status)
    if found is None:
        raise SQLError("SHOW ENGINE INNODB STATUS does not say how far InnoDB has cleaned up.")
    return int(found["next"]), int(found["cleaned"]), found["state"] == "running but idle"

"""The tables that the explained statements read, and how tests fill and question them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from kit.labs import source as sources
from kit.labs.statements import connect
from kit.launch.server import Server

_RUNS = """INSERT INTO runs WITH RECURSIVE run (n) AS (
    SELECT 1 UNION ALL SELECT n + 1 FROM run WHERE n < 1000)
SELECT md5(concat('', n)), concat('Run ', n), n % 50 FROM run"""
_METRICS = """INSERT INTO metrics WITH RECURSIVE run (n) AS (
    SELECT 1 UNION ALL SELECT n + 1 FROM run WHERE n < 1000),
    epoch (s) AS (SELECT 1 UNION ALL SELECT s + 1 FROM epoch WHERE s < 20)
SELECT md5(concat('', n)), s, n + s / 100.0, 'ok' FROM run, epoch ORDER BY n, s"""
POSTGRESQL = (
    "CREATE TABLE runs (run_uuid varchar(32) PRIMARY KEY, name text, experiment int)"
    " WITH (autovacuum_enabled = off)",
    "CREATE TABLE metrics (run_uuid varchar(32), step int, value float8, note text)"
    " WITH (autovacuum_enabled = off)",
    _RUNS,
    _METRICS,
    "VACUUM ANALYZE runs",
    "VACUUM ANALYZE metrics",
)
MARIADB = (
    "CREATE TABLE runs (run_uuid varchar(32) PRIMARY KEY, name varchar(50), experiment int)",
    "CREATE TABLE metrics (run_uuid varchar(32), step int, value double, note varchar(20))",
    _RUNS,
    _METRICS,
    "ANALYZE TABLE runs, metrics",
)
PARALLEL = {
    "min_parallel_table_scan_size": 0,
    "parallel_setup_cost": 0,
    "parallel_tuple_cost": 0,
}


def fill(server: Server, statements: Sequence[str]) -> None:
    for statement in statements:
        run(server, statement)


def run(server: Server, *statements: str) -> Any:
    """Run statements as they stand, and return the first value of the last one that has rows."""
    engine = sources.read(server).engine()
    with connect(engine) as connection:
        answer = [_value(connection, statement) for statement in statements][-1]
    engine.dispose()
    return answer


def _value(connection: Connection, statement: str) -> Any:
    answer = connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    return answer.scalar() if answer.returns_rows else None

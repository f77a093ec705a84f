"""What is read: the predictions that a web application shows to its customers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy
from sqlalchemy import URL, Connection, NullPool

from kit.labs import source as sources
from kit.labs.source import Source

if TYPE_CHECKING:
    from kit.launch.server import Server

TABLE = "kit_predictions"
INDEX = "kit_predictions_by_customer"
ROWS = 100_000
CUSTOMERS = 5_000
QUERY = (
    f"SELECT id, model, score FROM {TABLE} WHERE customer = :customer "  # noqa: S608
    "ORDER BY id DESC LIMIT 10"
)
_CREATE = f"""\
CREATE TABLE {TABLE} (
    id INTEGER PRIMARY KEY,
    customer INTEGER NOT NULL,
    model VARCHAR(20) NOT NULL,
    score DOUBLE PRECISION NOT NULL
)"""
_DIGITS = " UNION ALL ".join(f"SELECT {n} AS n" for n in range(10))
# Primes scatter the customers over the table, the same way each time and on every engine.
_FILL = f"""\
INSERT INTO {TABLE} (id, customer, model, score)
SELECT n, MOD(n * 7919, {CUSTOMERS}), CONCAT('digits-', MOD(n, 7)), MOD(n * 541, 1000) / 1000.0
FROM (
    SELECT a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n + 1 AS n
    FROM ({_DIGITS}) a CROSS JOIN ({_DIGITS}) b CROSS JOIN ({_DIGITS}) c
    CROSS JOIN ({_DIGITS}) d CROSS JOIN ({_DIGITS}) e
) numbers"""  # noqa: S608
_STATISTICS = {"mysql": "ANALYZE TABLE", "mariadb": "ANALYZE TABLE", "postgresql": "ANALYZE"}


def prepare(server: Server | Source | str | URL) -> int:
    """Make the table of 100,000 predictions where there is none, and return its rows.

    It has no index but its primary key.
    """
    with _session(server) as connection:
        if not sqlalchemy.inspect(connection).has_table(TABLE):
            connection.exec_driver_sql(_CREATE)
        if not _count(connection):
            connection.exec_driver_sql(_FILL)
            _analyze(connection)
        return _count(connection)


def index(server: Server | Source | str | URL, *, wanted: bool = True) -> list[str]:
    """Make or drop the index on the customer; return the statements that it took, if any."""
    with _session(server) as connection:
        if _indexed(connection) == wanted:
            return []
        mysql = connection.dialect.name != "postgresql"
        on = f" ON {TABLE}" if mysql else ""
        # InnoDB appends the primary key by itself; PostgreSQL does not, and would have to sort.
        make = f"CREATE INDEX {INDEX} ON {TABLE} (customer, id)"
        statement = make if wanted else f"DROP INDEX {INDEX}{on}"
        connection.exec_driver_sql(statement)
        _analyze(connection)
        return [statement]


def has_index(server: Server | Source | str | URL) -> bool:
    """Tell whether the customers are indexed."""
    with _session(server) as connection:
        return _indexed(connection)


def drop(server: Server | Source | str | URL) -> None:
    """Remove the table."""
    with _session(server) as connection:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {TABLE}")


@contextmanager
def _session(server: Server | Source | str | URL) -> Iterator[Connection]:
    source = server if isinstance(server, Source) else sources.read(server)
    engine = source.engine(poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def _indexed(connection: Connection) -> bool:
    inspector = sqlalchemy.inspect(connection)
    return any(found["name"] == INDEX for found in inspector.get_indexes(TABLE))


def _count(connection: Connection) -> int:
    count = connection.exec_driver_sql(f"SELECT COUNT(*) FROM {TABLE}")  # noqa: S608
    return int(count.scalar_one())


def _analyze(connection: Connection) -> None:
    """Have the server count anew, as it would do by itself a while later."""
    connection.exec_driver_sql(f"{_STATISTICS[connection.dialect.name]} {TABLE}")

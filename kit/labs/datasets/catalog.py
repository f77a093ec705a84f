"""Training sets in a database: one table for the rows of each, two for what is known of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy import (
    URL,
    Connection,
    Double,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    NullPool,
    String,
    Table,
    Text,
    select,
)
from sqlalchemy import (
    Column as SQLColumn,
)

from kit.errors import UnknownName, UsageError
from kit.labs import source as sources
from kit.labs.datasets.trainingset import Column, Kind, TrainingSet
from kit.labs.source import Source

if TYPE_CHECKING:
    from kit.launch.server import Server

ROW = "row_no"
"""The key of each set's own table: a table has no order of its own."""

_TYPES: dict[Kind, type[Any]] = {"whole number": Integer, "number": Double, "text": Text}
_CATALOG = MetaData()
SETS = Table(
    "training_sets",
    _CATALOG,
    SQLColumn("name", String(40), primary_key=True),
    SQLColumn("version", Integer, primary_key=True, autoincrement=False),
    SQLColumn("source", String(200), nullable=False),
    SQLColumn("target", String(64), nullable=False),
    SQLColumn("row_count", Integer, nullable=False),
    SQLColumn("checksum", String(64), nullable=False),
)
COLUMNS = Table(
    "training_columns",
    _CATALOG,
    SQLColumn("name", String(40), primary_key=True),
    SQLColumn("version", Integer, primary_key=True, autoincrement=False),
    SQLColumn("place", Integer, primary_key=True, autoincrement=False),
    SQLColumn("column_name", String(64), nullable=False),
    SQLColumn("kind", String(20), nullable=False),
    SQLColumn("low", Double),
    SQLColumn("high", Double),
    SQLColumn("mean", Double),
    SQLColumn("missing", Integer, nullable=False),
    ForeignKeyConstraint(["name", "version"], ["training_sets.name", "training_sets.version"]),
)


@dataclass(frozen=True)
class Stored:
    """A training set as the database knows it."""

    name: str
    version: int
    source: str
    target: str
    row_count: int
    checksum: str

    @property
    def table(self) -> str:
        """Return the name of the table with its rows."""
        return f"training_{self.name}_v{self.version}"


def store(server: Server | Source | str | URL, training: TrainingSet) -> Stored:
    """Keep a set's rows and what is known of them; the same rows are kept once.

    Other rows under the same name become the next version. Rows and metadata are committed
    together. Raise UsageError for column names that a table cannot have.
    """
    _check(training)
    with _session(server) as connection:
        _CATALOG.create_all(connection)
        before = _versions(connection, training.name)
        for one in before:
            if one.checksum == training.checksum:
                return one
        kept = _described(training, before[-1].version + 1 if before else 1)
        table = rows_table(training, kept.table)
        # MySQL commits at each CREATE TABLE: what an interrupted attempt left is made anew.
        table.drop(connection, checkfirst=True)
        table.create(connection)
        with _together(connection):
            connection.execute(SETS.insert(), vars(kept))
            connection.execute(COLUMNS.insert(), _column_rows(training, kept.version))
            connection.execute(table.insert(), _numbered(training))
        return kept


def stored(server: Server | Source | str | URL) -> list[Stored]:
    """List the sets that are kept, by name and version."""
    with _session(server) as connection:
        return _versions(connection)


def fetch(
    server: Server | Source | str | URL, name: str, version: int | None = None
) -> TrainingSet:
    """Read a set back, its newest version by default, and make sure that no row has changed.

    Raise UnknownName where it is not kept, UsageError where the rows are not those that were kept.
    """
    with _session(server) as connection:
        known = _versions(connection)
        found = [one for one in known if one.name == name and version in (None, one.version)]
        if not found:
            kept = [f"{one.name}, version {one.version}" for one in known]
            wanted = name if version is None else f"{name}, version {version}"
            raise UnknownName.among("training set", wanted, kept or ["none yet: store(…) one"])
        chosen = found[-1]
        training = _fetched(connection, chosen)
    if training.checksum != chosen.checksum:
        raise UsageError(
            f"The rows in {chosen.table} are not those that were stored: their checksum differs. "
            "Store the changed rows as a new version, so that each model's data can be named."
        )
    return training


def rows_table(training: TrainingSet, name: str) -> Table:
    """Describe the table for a set's rows."""
    columns = [SQLColumn(one.name, _TYPES[one.kind]()) for one in training.columns]
    key = SQLColumn(ROW, Integer, primary_key=True, autoincrement=False)
    return Table(name, MetaData(), key, *columns)


def _check(training: TrainingSet) -> None:
    for one in training.columns:
        if one.name.lower() == ROW or not 0 < len(one.name) <= 60:
            raise UsageError(
                f"A column cannot be called {one.name[:80]!r} here: {ROW} is the table's own key, "
                "and a name has 1 to 60 characters."
            )


def _described(training: TrainingSet, version: int) -> Stored:
    return Stored(
        training.name,
        version,
        training.source,
        training.target,
        len(training.rows),
        training.checksum,
    )


def _column_rows(training: TrainingSet, version: int) -> list[dict[str, Any]]:
    return [
        {
            "name": training.name,
            "version": version,
            "place": place,
            "column_name": one.name,
            "kind": one.kind,
            "low": one.low,
            "high": one.high,
            "mean": one.mean,
            "missing": one.missing,
        }
        for place, one in enumerate(training.columns)
    ]


def _numbered(training: TrainingSet) -> list[dict[str, Any]]:
    names = [ROW, *(one.name for one in training.columns)]
    return [dict(zip(names, (n, *row), strict=True)) for n, row in enumerate(training.rows)]


def _versions(connection: Connection, name: str | None = None) -> list[Stored]:
    if not sqlalchemy.inspect(connection).has_table(SETS.name):
        return []
    query = select(SETS).order_by(SETS.c.name, SETS.c.version)
    if name is not None:
        query = query.where(SETS.c.name == name)
    return [Stored(*row) for row in connection.execute(query)]


def _fetched(connection: Connection, kept: Stored) -> TrainingSet:
    about = select(COLUMNS).where(COLUMNS.c.name == kept.name, COLUMNS.c.version == kept.version)
    columns = tuple(
        Column(row.column_name, row.kind, row.low, row.high, row.mean, row.missing)
        for row in connection.execute(about.order_by(COLUMNS.c.place))
    )
    empty = TrainingSet(kept.name, kept.target, kept.source, columns, ())
    table = rows_table(empty, kept.table)
    asked = select(*(table.c[one.name] for one in columns)).order_by(table.c[ROW])
    rows = [tuple(row) for row in connection.execute(asked)]
    return TrainingSet(kept.name, kept.target, kept.source, columns, rows)


@contextmanager
def _together(connection: Connection) -> Iterator[None]:
    """Commit all or nothing on a session that otherwise commits each statement."""
    connection.exec_driver_sql("BEGIN")
    try:
        yield
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")


@contextmanager
def _session(server: Server | Source | str | URL) -> Iterator[Connection]:
    source = server if isinstance(server, Source) else sources.read(server)
    with source.engine(poolclass=NullPool).connect() as connection:
        yield connection

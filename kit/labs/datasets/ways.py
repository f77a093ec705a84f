"""Ways to get rows into a table, from the slowest to the fastest, each measured."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Dialect, Engine, NullPool

from kit.errors import UnknownName, Unsupported
from kit.labs import source as sources
from kit.labs.datasets.catalog import rows_table
from kit.labs.datasets.trainingset import TrainingSet, Value
from kit.labs.source import Source
from kit.measure.spread import Spread, repeat

if TYPE_CHECKING:
    from kit.launch.server import Server

BATCH = 100
"""Rows in each INSERT that holds many."""

_SCRATCH = "kit_loading"

Row = tuple[Value, ...]


class Target:
    """The table to be loaded, and what SQL for it looks like on this engine."""

    def __init__(self, training: TrainingSet, dialect: Dialect) -> None:
        self.table = rows_table(training, _SCRATCH)
        self.postgresql = dialect.name == "postgresql"
        # With a driver's own marks, SQLAlchemy would double each % in a name.
        plain: Any = type(dialect)
        quote = plain(paramstyle="named").identifier_preparer.quote
        self.name = quote(_SCRATCH)
        self.columns = ", ".join(quote(column.name) for column in self.table.columns)
        self._marks = f"({', '.join(['%s'] * len(self.table.columns))})"

    def insert(self, rows: int = 1) -> str:
        """Return an INSERT of so many rows, with marks for the driver to put values in."""
        values = ", ".join([self._marks] * rows)
        columns = self.columns.replace("%", "%%")
        return f"INSERT INTO {self.name} ({columns}) VALUES {values}"  # noqa: S608

    @property
    def from_file(self) -> str:
        """Return the statement that takes rows from a file of the client's."""
        if self.postgresql:
            return f"COPY {self.name} FROM STDIN (FORMAT csv)"
        return (
            f"LOAD DATA LOCAL INFILE %s INTO TABLE {self.name} CHARACTER SET utf8mb4 "
            "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY ''"
        )


@dataclass(frozen=True)
class Way:
    """One way to load rows; `load(connection, target, rows)` takes the driver's own connection.

    `sketch` is the SQL as one would type it.
    """

    label: str
    load: Callable[[Any, Target, Sequence[Row]], None]
    sketch: Callable[[Target], str]


def measure(
    server: Server | Source | str | URL,
    training: TrainingSet,
    way: str,
    *,
    rows: int = 500,
    times: int = 5,
) -> Spread:
    """Load the first `rows` rows into an empty table, `times` times; return the seconds it took.

    `way` is a key of `WAYS`. Connecting and emptying the table do not count; writing a file does,
    where the way takes one. Afterwards the table is gone. Raise Unsupported where the server takes
    no files from its clients.
    """
    if way not in WAYS:
        raise UnknownName.among("way to load", way, WAYS)
    engine = _engine(server if isinstance(server, Source) else sources.read(server))
    if way == "file":
        _require_files(engine)
    target = Target(training, engine.dialect)
    part = [(n, *row) for n, row in enumerate(training.rows[:rows])]
    load = WAYS[way].load
    with closing(engine.raw_connection()) as connection:
        try:
            return repeat(
                lambda: load(connection, target, part),
                times=times,
                before=partial(_empty, engine, target),
            )
        finally:
            target.table.drop(engine, checkfirst=True)


def _engine(source: Source) -> Engine:
    options: dict[str, Any] = {"poolclass": NullPool, "pool_reset_on_return": None}
    if source.url.get_driver_name() == "pymysql":
        # Elsewhere in the kit it stays off: a server could ask for any file of the client's.
        options["connect_args"] = {"local_infile": True}
    return source.engine(**options)


def _require_files(engine: Engine) -> None:
    if engine.dialect.name == "postgresql":
        return
    with engine.connect() as connection:
        allowed = connection.exec_driver_sql("SELECT @@GLOBAL.local_infile").scalar_one()
    if not int(allowed):
        raise Unsupported(
            "This server takes no files from its clients: local_infile is OFF, as MySQL comes. "
            'A server of your own takes them: kit.start(…, settings={"local-infile": "ON"}).'
        )


def waits_for_disk(source: Source) -> bool:
    """Tell whether a commit on this server returns only when the disk has it."""
    engine = source.engine(poolclass=NullPool)
    postgresql = engine.dialect.name == "postgresql"
    with engine.connect() as connection:
        if postgresql:
            asked = "SELECT current_setting('fsync'), current_setting('synchronous_commit')"
            return "off" not in connection.exec_driver_sql(asked).one()
        asked = "SELECT @@GLOBAL.innodb_flush_log_at_trx_commit"
        return int(connection.exec_driver_sql(asked).scalar_one()) == 1


def _empty(engine: Engine, target: Target) -> None:
    target.table.drop(engine, checkfirst=True)
    target.table.create(engine)


def _one_by_one(connection: Any, target: Target, rows: Sequence[Row]) -> None:
    sql = target.insert()
    with closing(connection.cursor()) as cursor:
        for row in rows:
            cursor.execute(sql, row)


def _in_one_transaction(connection: Any, target: Target, rows: Sequence[Row]) -> None:
    with closing(connection.cursor()) as cursor:
        cursor.execute("BEGIN")
        _one_by_one(connection, target, rows)
        cursor.execute("COMMIT")


def _many_in_each(connection: Any, target: Target, rows: Sequence[Row]) -> None:
    with closing(connection.cursor()) as cursor:
        cursor.execute("BEGIN")
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            values = [value for row in batch for value in row]
            cursor.execute(target.insert(len(batch)), values)
        cursor.execute("COMMIT")


def _from_a_file(connection: Any, target: Target, rows: Sequence[Row]) -> None:
    with closing(connection.cursor()) as cursor:
        if target.postgresql:
            with cursor.copy(target.from_file) as copy:
                copy.write(_written(rows, ""))
            return
        with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8") as file:
            file.write(_written(rows, "NULL"))
            file.flush()
            cursor.execute(target.from_file, [file.name])


def _written(rows: Sequence[Row], null: str) -> str:
    """Write rows as CSV in which text stands in quotes, and what is missing does not."""
    return "".join(",".join(_field(value, null) for value in row) + "\n" for row in rows)


def _field(value: Value, null: str) -> str:
    if value is None:
        return null
    if isinstance(value, str):
        doubled = value.replace('"', '""')
        return f'"{doubled}"'
    return repr(value)


def _short(target: Target) -> str:
    first = ", ".join(target.columns.split(", ")[:3])
    return f"INSERT INTO {target.name} ({first}, …) VALUES (0, …)"  # noqa: S608


WAYS: dict[str, Way] = {
    "single": Way(
        "one by one, each committed",
        _one_by_one,
        lambda target: f"{_short(target)};  -- and so on, row by row",
    ),
    "transaction": Way(
        "one by one, one commit",
        _in_one_transaction,
        lambda target: f"BEGIN;\n{_short(target)};  -- and so on, row by row\nCOMMIT;",
    ),
    "bulk": Way(
        f"{BATCH} in each INSERT, one commit",
        _many_in_each,
        lambda target: f"BEGIN;\n{_short(target)}, (1, …), (2, …);  -- {BATCH} rows\nCOMMIT;",
    ),
    "file": Way(
        "a file", _from_a_file, lambda target: f"{target.from_file};".replace("%s", "'rows.csv'")
    ),
}
"""From the slowest to the fastest, as a rule."""

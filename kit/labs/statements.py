"""Running SQL as it stands: statement by statement, each with its rows, its time or its refusal."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy import Connection, Engine, exc

from kit.labs import beyond
from kit.labs.arrival import Arrival
from kit.magics import refusal
from kit.magics.statements import Request

if TYPE_CHECKING:
    from sqlalchemy import CursorResult

LIMIT = 100
# What Python cannot hold (infinity, the year 4713 BC, digits of JSON) is shown as it was sent.
_AS_TEXT = ("date", "timestamp", "timestamptz", "interval", "json", "jsonb")

_LOST = "The connection is gone, and with it this session. The next run opens a new one."
_ABORTED = "The transaction is aborted by this error: run ROLLBACK, then begin again."
_AGAIN = "The server undid the transaction to solve a conflict: run it again from BEGIN."
_TABLES = "The tree lists the tables there are; a name may want its schema in front of it."
_COLUMNS = "Open the table in the tree to see the names of its columns."
_SYNTAX = "The mistake stands at the place shown, or just before it."
_DUPLICATE = "A row with this key is there already: choose another key, or update that row."
_DENIED = "This user may not do that. Ask for the right with GRANT, or connect as another user."
_STOPPED = "The statement was cancelled; the session goes on."

# PostgreSQL's are SQLSTATEs (manual, appendix A), MySQL's and MariaDB's their error numbers.
_HINTS: dict[object, str] = {
    "25001": "This cannot run inside a transaction: run COMMIT or ROLLBACK first.",
    "25006": "This session only reads: connect as a user, or to a server, that may write.",
    "25P02": "An earlier statement failed inside this transaction: run ROLLBACK, then begin again.",
    "23505": _DUPLICATE,
    "40001": _AGAIN,
    "40P01": _AGAIN,
    "42501": _DENIED,
    "42601": _SYNTAX,
    "42703": _COLUMNS,
    "42883": "No such function for these types: a cast such as value::integer may help.",
    "42P01": _TABLES,
    "57014": _STOPPED,
    1044: _DENIED,
    1054: _COLUMNS,
    1062: _DUPLICATE,
    1064: _SYNTAX,
    1142: _DENIED,
    1146: _TABLES,
    1205: "Another transaction holds the lock: end it there, then run this statement again.",
    1213: _AGAIN,
    1290: "The server only reads at the moment: connect to one that may write.",
    1317: _STOPPED,
}


@dataclass(frozen=True)
class Refusal:
    """Why a statement was refused: the server's own words, and what to do next."""

    message: str
    hint: str = ""
    code: object = None
    lost: bool = False


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one statement brought: rows, or a message, or a refusal.

    `count` is the number of rows there are, of which `rows` holds `limit` at most; None where
    there are so many that the rest was left with the server, or a driver does not tell. `seconds`
    runs from sending until the last row came; `server` is its part until the answer began to come,
    None where the driver does not tell. A server may send its first rows while it still works on
    the others.
    """

    statement: str
    seconds: float
    server: float | None = None
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    count: int | None = None
    more: bool = False
    message: str = ""
    refusal: Refusal | None = None


def split(script: str) -> list[str]:
    """Part a script into its statements; comments and quotes may hold semicolons."""
    return Request(script).statements


def connect(engine: Engine) -> Connection:
    """Open a session in which the learner alone begins and commits."""
    connection = engine.connect()
    sqlalchemy.event.listen(connection, "after_cursor_execute", _remember)
    driver: Any = connection.connection.driver_connection
    if engine.dialect.name == "postgresql" and hasattr(driver, "adapters"):
        from psycopg.types.string import TextLoader

        for name in _AS_TEXT:
            driver.adapters.register_loader(name, TextLoader)
        connection.info["arrival"] = Arrival(driver)
    return connection


def run(connection: Connection, script: str, limit: int = LIMIT) -> list[Result]:
    """Run a script up to its end or its first refused statement; hold `limit` rows of each.

    A plain question that has thousands more is stopped there, but for PostgreSQL inside a
    transaction, which would be aborted by that: there the rest is read and dropped.
    """
    results: list[Result] = []
    for statement in split(script):
        results.append(_execute(connection, statement, limit))
        if results[-1].refusal is not None:
            break
    return results


def transaction(connection: Connection) -> str | None:
    """Tell whether a transaction is "open", "aborted" or (None) neither."""
    if connection.closed or connection.invalidated:
        return None
    driver: Any = connection.connection.driver_connection
    if getattr(driver, "in_transaction", None) is True:
        return refusal.OPEN
    return refusal.transaction(driver)


def cancel(engine: Engine, connection: Connection) -> None:
    """Have the server stop what runs on `connection`; it then answers with its own error."""
    driver: Any = connection.connection.driver_connection
    with suppress(Exception):
        if hasattr(driver, "cancel_safe"):
            driver.cancel_safe()
        else:
            with engine.connect() as other:
                other.exec_driver_sql(f"KILL QUERY {int(driver.thread_id())}")


def alive(connection: Connection) -> bool:
    """Ask the server for a sign of life on this very session."""
    if connection.closed or connection.invalidated:
        return False
    try:
        return bool(connection.dialect.do_ping(connection.connection.dbapi_connection))  # type: ignore[arg-type]
    except Exception:
        return False


def refused(error: Exception, state: str | None = None) -> Refusal:
    """Read a driver's error; `state` is that of the transaction, after it."""
    cause: BaseException = getattr(error, "orig", None) or error
    code = _code(cause)
    if getattr(error, "connection_invalidated", False):
        return Refusal(refusal.words(cause), _LOST, code, lost=True)
    hint = _HINTS.get(code, "")
    if state == refusal.ABORTED and code != "25P02":
        hint = f"{hint} {_ABORTED}".strip()
    return Refusal(refusal.words(cause), hint, code)


def _execute(connection: Connection, statement: str, limit: int) -> Result:
    stop = _stop(connection, statement)
    begun = time.perf_counter()
    try:
        answer, arrived = _send(connection, statement)
        rows = _fetch(answer, limit + 1) if answer.returns_rows else []
        total = beyond.count(connection, answer, len(rows), stop) if answer.returns_rows else None
        seconds = time.perf_counter() - begun
    except exc.SQLAlchemyError as error:
        seconds = time.perf_counter() - begun
        why = refused(error, transaction(connection))
        return Result(statement=statement, seconds=seconds, refusal=why)
    server = None if arrived is None else arrived - begun
    if not answer.returns_rows:
        message = _message(connection, answer)
        return Result(statement=statement, seconds=seconds, server=server, message=message)
    columns = tuple(answer.keys())
    answer.close()
    return Result(
        statement=statement,
        seconds=seconds,
        server=server,
        columns=columns,
        rows=rows[:limit],
        count=total,
        more=len(rows) > limit,
    )


def _fetch(answer: CursorResult[Any], most: int) -> Sequence[tuple[Any, ...]]:
    """Return the driver's own rows: to make SQLAlchemy's of a million takes a second more."""
    rows: Sequence[tuple[Any, ...]]
    rows = answer.cursor_strategy.fetchmany(answer, answer.cursor, most)
    return rows


def _send(connection: Connection, statement: str) -> tuple[CursorResult[Any], float | None]:
    """Run a statement; return its answer, and the moment at which that began to come, if known."""
    arrival: Arrival | None = connection.info.get("arrival")
    if arrival is not None:
        arrival.at = None
    # Without parameters the driver leaves %, :name and braces alone.
    options = {"no_parameters": True, "stream_results": _streams(connection)}
    with beyond.row_by_row(connection):
        answer = connection.exec_driver_sql(statement, execution_options=options)
    if _streams(connection):
        return answer, time.perf_counter()
    return answer, None if arrival is None else arrival.at


def _streams(connection: Connection) -> bool:
    """Tell whether rows are read one by one: only so PyMySQL returns when the answer begins."""
    return connection.dialect.name in ("mysql", "mariadb")


def _stop(connection: Connection, statement: str) -> Callable[[], object] | None:
    """Return how to stop a statement whose rows are too many; None where it must run to its end."""
    aborts = connection.dialect.name == "postgresql" and transaction(connection) is not None
    if aborts or not beyond.reads(statement):
        return None
    return lambda: cancel(connection.engine, connection)


def _remember(connection: Connection, cursor: Any, *_: Any) -> None:
    """Keep the server's command tag, which only the cursor knows."""
    connection.info["tag"] = getattr(cursor, "statusmessage", None)


def _message(connection: Connection, answer: CursorResult[Any]) -> str:
    """Return the server's command tag; MySQL sends none, so count what was touched."""
    if tag := connection.info.get("tag"):
        return str(tag)
    count = answer.rowcount
    return f"OK, {count:,} {'row' if count == 1 else 'rows'} affected" if count >= 0 else "OK"


def _code(error: BaseException) -> object:
    if len(error.args) > 1 and isinstance(error.args[0], int):
        return error.args[0]
    return getattr(error, "sqlstate", None)

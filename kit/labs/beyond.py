"""The rows beyond the limit: counted, or left with the server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, CursorResult, exc

COUNTED = 10_000
"""Rows beyond the limit that are read only to be counted; where there are more, nobody counts."""

_STEP = 1000
_ROW_BY_ROW = ("postgresql", "mysql", "mariadb")
_READS = re.compile(
    r"(?:[\s(]|--[^\n]*\n|/\*.*?\*/)*(?:select|with|table|values)\b", re.IGNORECASE | re.DOTALL
)
_WRITES = re.compile(r"\b(?:insert|update|delete|merge|into)\b", re.IGNORECASE)


def reads(statement: str) -> bool:
    """Tell whether a statement is plainly a question: nothing is lost where it stops half-way."""
    return bool(_READS.match(statement)) and not _WRITES.search(statement)


@contextmanager
def row_by_row(connection: Connection) -> Iterator[None]:
    """Have psycopg read rows as they are asked for, in statements that begin within.

    Such an answer must be read or closed before the next statement, which not everybody does.
    """
    driver: Any = connection.connection.driver_connection
    if not hasattr(driver, "cursor_factory"):
        yield
        return
    from kit.labs.flow import Flow

    usual, driver.cursor_factory = driver.cursor_factory, Flow
    try:
        yield
    finally:
        driver.cursor_factory = usual


def count(
    connection: Connection, answer: CursorResult[Any], seen: int, stop: Callable[[], object] | None
) -> int | None:
    """Return how many rows there are, `seen` of which were read; None if nobody counted them.

    The others are dropped as they come. After COUNTED of them `stop` is called, if there is one,
    and the server need not send the rest.
    """
    if connection.dialect.name not in _ROW_BY_ROW:
        return answer.rowcount if answer.rowcount >= 0 else None
    beyond = 0
    for part in answer.partitions(_STEP):
        beyond += len(part)
        if stop is not None and beyond >= COUNTED:
            leave(connection, answer, stop)
            return None
    return seen + beyond


def leave(connection: Connection, answer: CursorResult[Any], stop: Callable[[], object]) -> None:
    """Have the server stop, and drop what is on its way, so that the session can go on."""
    cursor: Any = answer.cursor
    if hasattr(cursor, "leave"):
        cursor.leave()
        return
    stop()
    driver: Any = connection.connection.driver_connection
    _drain(driver)
    with suppress(exc.SQLAlchemyError):
        # A request to stop that came too late strikes here, and not the learner's next statement.
        connection.exec_driver_sql("DO 0")


def _drain(driver: Any) -> None:
    """Read PyMySQL's answer to its end, packet by packet: no row of it is decoded any more."""
    answer = driver._result
    with suppress(driver.Error):
        while not driver._read_packet().is_eof_packet():
            pass
    # PyMySQL would read on from an answer that it does not know to be over.
    answer.unbuffered_active = False

"""Having a server carry a statement out and say how, without keeping what it changed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy
import sqlparse
from sqlalchemy import URL, Connection, NullPool, exc
from sqlparse import tokens

from kit.errors import SQLError, UsageError
from kit.labs import source as sources
from kit.labs.plan import document
from kit.labs.plan.node import Plan
from kit.labs.source import Source
from kit.labs.statements import Refusal, connect, refused, split

if TYPE_CHECKING:
    from kit.launch.server import Server

Settings = Mapping[str, str | int]

ESTIMATED = "This server cannot measure this statement: the figures are what it expects."
_SYNTAX = ("42601", 1064)
_NO_PLAN = re.compile(
    r"\s*(?:explain|analy[sz]e|desc(?:ribe)?|create|alter|drop|truncate|vacuum|set|show|begin|start"
    r"|commit|rollback|grant|revoke|call|use|lock|copy)\b",
    re.IGNORECASE,
)
_ALONE = (
    "Give the statement alone, without EXPLAIN: a SELECT, INSERT, UPDATE or DELETE. "
    "Other statements have no plan; run them in a console."
)
_READING = ("SELECT", "UNKNOWN")
_MYSQL_MEASURES = (8, 3)
_SETTING = re.compile(r"[a-z_][a-z0-9_.]*")
_UNMEASURABLE = 1235  # MySQL's number for "not supported yet", of EXPLAIN ANALYZE
_KEPT = 1196  # MariaDB's and MySQL's warning that a table could not be rolled back


def measure(connection: Connection, sql: str, *, settings: Settings | None = None) -> Plan:
    """Run one statement in a transaction that is rolled back; return its plan and its times.

    `connection` is in autocommit. `settings` hold for this one run. Raise UsageError for anything
    but one statement, SQLAlchemyError where the server refuses.
    """
    statement = single(sql)
    product = _product(connection)
    before = ["BEGIN", *_settings(connection, settings or {})]
    *first, last = _ways(connection, product, statement)
    for way in first:
        try:
            return _plan(connection, [*before, *way, "ROLLBACK"], statement, product)
        except exc.SQLAlchemyError as error:
            if _number(error) != _UNMEASURABLE:
                raise
    return _plan(connection, [*before, *last, "ROLLBACK"], statement, product)


def explain(server: Server | str | URL, sql: str, *, settings: Settings | None = None) -> Plan:
    """Carry one statement out and return its plan, with times, rows and pages for each step.

    What it changes is rolled back. `settings` are server settings for this one run, such as
    {"work_mem": "64kB"}. Raise SQLError where the server refuses, UsageError where there is not
    one statement or the server has no plans.
    """
    source = sources.read(server)
    try:
        with connect(source.engine(poolclass=NullPool)) as connection:
            return measure(connection, sql, settings=settings)
    except exc.SQLAlchemyError as error:
        why = refusal(error, source, sql)
        raise SQLError("\n".join(filter(None, [why.message, why.hint]))) from None


def refusal(error: exc.SQLAlchemyError, source: Source, sql: str) -> Refusal:
    """Say why there is no plan, in the server's words, and what to do."""
    why = refused(error)
    hint = _ALONE if why.code in _SYNTAX and _NO_PLAN.match(sql) else why.hint
    unreachable = isinstance(error, exc.OperationalError) and error.statement is None
    hint = source.remedy if why.lost or unreachable else hint
    return replace(why, message=source.safe(why.message), hint=hint)


def single(sql: str) -> str:
    """Return the one statement that a text holds, without its semicolon."""
    found = split(sql)
    if not found:
        raise UsageError("There is no statement to explain. Write a SELECT.")
    statement = found[0].rstrip().rstrip(";").rstrip()
    flat = [token for part in sqlparse.parse(statement) for token in part.flatten()]  # type: ignore[no-untyped-call]
    if len(found) > 1 or any(t.ttype is tokens.Punctuation and t.value == ";" for t in flat):
        raise UsageError("A plan belongs to one statement, and here are several: explain each.")
    return statement


def _product(connection: Connection) -> str:
    name = connection.dialect.name
    if name == "postgresql":
        return "PostgreSQL"
    if name in ("mysql", "mariadb"):
        return "MariaDB" if getattr(connection.dialect, "is_mariadb", False) else "MySQL"
    raise UsageError(
        f"Plans are read on PostgreSQL, MySQL and MariaDB, and this is {name}. "
        'Start one: kit.start("postgresql")'
    )


def _ways(connection: Connection, product: str, statement: str) -> list[list[str]]:
    """Return the ways to ask for a plan, each as its statements, the most telling first."""
    if product == "PostgreSQL":
        return [[f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"]]
    if product == "MariaDB":
        return [[f"ANALYZE FORMAT=JSON {statement}"]]
    ways = [[f"EXPLAIN FORMAT=JSON {statement}"]]
    if (connection.dialect.server_version_info or ()) >= _MYSQL_MEASURES:
        shape = "SET SESSION explain_json_format_version = 2"
        ways.insert(0, [shape, f"EXPLAIN ANALYZE FORMAT=JSON {statement}"])
    return ways


def _settings(connection: Connection, settings: Settings) -> list[str]:
    word = "LOCAL" if connection.dialect.name == "postgresql" else "SESSION"
    wrong = [name for name in settings if not _SETTING.fullmatch(name)]
    if wrong:
        raise UsageError(f"{wrong[0]!r} is not the name of a setting, such as work_mem.")
    return [f"SET {word} {k} = {_literal(connection, v)}" for k, v in settings.items()]


def _literal(connection: Connection, value: str | int) -> str:
    clause = sqlalchemy.literal(value)
    return str(clause.compile(connection, compile_kwargs={"literal_binds": True}))


def _plan(connection: Connection, ran: Sequence[str], statement: str, product: str) -> Plan:
    answer = _run(connection, ran)
    plan = document.read(answer, sql=statement)
    verb = sqlparse.parse(statement)[0].get_type()  # type: ignore[no-untyped-call]
    changes = plan.changes or verb not in _READING
    return replace(
        plan,
        product=product,
        ran=ran,
        changes=changes,
        kept=changes and product != "PostgreSQL" and _kept(connection),
        note="" if plan.measured else ESTIMATED,
    )


def _run(connection: Connection, statements: Sequence[str]) -> Any:
    """Run the statements, the last of which is ROLLBACK, and return the one answer that came."""
    answer: Any = None
    try:
        for statement in statements:
            # Without parameters the driver leaves %, :name and braces alone.
            result = connection.exec_driver_sql(
                statement, execution_options={"no_parameters": True}
            )
            answer = result.scalar() if result.returns_rows else answer
    except BaseException:
        with suppress(exc.SQLAlchemyError):
            connection.exec_driver_sql("ROLLBACK")
        raise
    return answer


def _kept(connection: Connection) -> bool:
    warnings = connection.exec_driver_sql("SHOW WARNINGS").all()
    return any(row[1] == _KEPT for row in warnings)


def _number(error: exc.SQLAlchemyError) -> object:
    cause = getattr(error, "orig", None)
    return cause.args[0] if cause is not None and cause.args else None

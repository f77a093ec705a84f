"""PostgreSQL: names of schemas, tables, columns, types and runs; rows; errors; the log."""

from __future__ import annotations

from typing import Any

from psycopg import sql as quoting
from psycopg.sql import SQL, Identifier, Literal

from kit import notebook
from kit.labs import plans, search, sql, tracking, types
from kit.labs.stepper import Stepper
from kit.widgets.card import Card
from kit.widgets.panel import Panel
from tests.browser.hostile import relational
from tests.browser.hostile.content import IMAGE, NAMES, QUOTED, SCRIPT, VALUES, Case, start

TABLE, COLUMN, KIND = Identifier(SCRIPT), Identifier(IMAGE), Identifier(QUOTED)


def begin() -> Any:
    """Start a server, and make a schema, a type and a table, all hostile."""
    server = start("postgresql")
    with server.connect() as connection:
        for name in (SCRIPT, QUOTED):
            connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(name)))
        labels = SQL(", ").join(map(Literal, NAMES))
        connection.execute(SQL("CREATE TYPE {} AS ENUM ({})").format(KIND, labels))
        made = SQL("CREATE TABLE {} ({} {}, note text)").format(TABLE, COLUMN, KIND)
        connection.execute(made)
        for name, note in zip(NAMES, VALUES, strict=False):
            filled = SQL("INSERT INTO {} VALUES ({}, {})").format(
                TABLE, Literal(name), Literal(note)
            )
            connection.execute(filled)
    relational.log_runs(server)
    return server


def _card(server: Any) -> Panel:
    relational.console(server, '"').close()  # its error goes to the log
    card = notebook.card(server)
    card.buttons["Logs"].click()
    return card


def _search(server: Any) -> Panel:
    shown = search.search(server, question=2)
    hit = quoting.SQL("SELECT ts_headline({}, to_tsquery('script | img'))")
    texts = SQL(" UNION ALL ").join(hit.format(Literal(one)) for one in VALUES)
    shown.editor.value = texts.as_string()
    shown.run()
    return shown


def _types(server: Any) -> Panel:
    shown = types.types(server)
    for value in VALUES:
        shown.offer(shown.kinds[0].name, value)
    return shown


def _tracking(server: Any) -> Panel:
    return tracking.explorer(server, experiment=SCRIPT, watch=False)


CASES = [
    Case(Card, _card),
    Case(sql.Console, lambda at: relational.console(at, '"')),
    Case(tracking.Explorer, _tracking),
    Case(plans.Explorer, lambda at: relational.plan(at, TABLE.as_string(), COLUMN.as_string())),
    Case(
        plans.Difference,
        lambda at: relational.difference(at, TABLE.as_string(), COLUMN.as_string()),
    ),
    Case(search.Search, _search),
    Case(Stepper, relational.steps),
    Case(types.Lab, _types),
]

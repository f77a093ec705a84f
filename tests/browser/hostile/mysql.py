"""MySQL: names of databases, tables, columns and runs; rows; errors."""

from __future__ import annotations

from typing import Any

from kit.labs import engines, plans, sql
from kit.labs.stepper import Stepper
from kit.widgets.panel import Panel
from tests.browser.hostile import relational
from tests.browser.hostile.content import IMAGE, SCRIPT, VALUES, Case, start

# A slash or a dot in a name, and a blank at its end, are all that these servers refuse.
TABLE, COLUMN = (relational.named(name, "`") for name in (SCRIPT, IMAGE))


def begin() -> Any:
    """Start a server, and make a table of hostile names and values."""
    server = start("mysql")
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {TABLE} ({COLUMN} varchar(500), KEY ({COLUMN}(20)))")
        cursor.executemany(f"INSERT INTO {TABLE} VALUES (%s)", [[value] for value in VALUES])
        connection.commit()
    relational.log_runs(server)
    return server


def _explorer(server: Any) -> Panel:
    return engines.explorer(server, experiment=SCRIPT, watch=False)


CASES = [
    Case(sql.Console, lambda at: relational.console(at, "`")),
    Case(engines.Switched, _explorer),
    Case(plans.Explorer, lambda at: relational.plan(at, TABLE, COLUMN)),
    Case(plans.Difference, lambda at: relational.difference(at, TABLE, COLUMN)),
    Case(Stepper, relational.steps),
]

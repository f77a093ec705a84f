"""The session that looks on: who waits for whom, as the server's own views have it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, exc

from kit import databases
from kit.errors import Unsupported
from kit.labs.stepper import views
from kit.labs.stepper.sessions import number

_SCHEMA = re.compile(r"`[^`]*`\.`([^`]*)`")


@dataclass(frozen=True)
class Wait:
    """A session that waits, the one it waits for (None: the view does not tell), and the lock.

    Sessions are numbered as the server numbers them.
    """

    waiter: int
    holder: int | None
    lock: str


class Observer:
    """A connection of its own, from which the sessions are watched, and freed when need be.

    Raise Unsupported where it is not known how to watch the server.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._turn = threading.Lock()
        self._looked = 0.0
        self.views = self._known(connection.dialect.name)
        self.id = number(connection)
        self._urging = bool(self.views.urge) and self._superuser()

    def waits(self, ours: Sequence[int]) -> list[Wait]:
        """Read who of `ours` waits now, and for whom."""
        rows = self.rows(self.views.waits)
        self._looked = time.monotonic()
        found = [
            Wait(row[0], row[1], _SCHEMA.sub(r"\1", str(row[2]))) for row in rows if row[0] in ours
        ]
        known = {wait.waiter for wait in found if wait.holder is not None}
        return [wait for wait in found if wait.holder is not None or wait.waiter not in known]

    def patience(self, looks: int) -> float:
        """Return how many seconds to leave until the next look, after so many looks in a row.

        InnoDB renews its views only when nobody looked for a while: who sees nothing looks less
        often, so that two observers do not keep each other from seeing anything.
        """
        pause = self.views.pause * (1, 2, 4, 8)[min(looks, 3)]
        return max(self.views.pause / 5, self._looked + pause - time.monotonic())

    def rows(self, statement: str) -> list[Any]:
        """Run one statement, and return its rows."""
        with self._turn:
            options = {"no_parameters": True}
            answer = self._connection.exec_driver_sql(statement, execution_options=options)
            return [tuple(row) for row in answer] if answer.returns_rows else []

    def identity(self) -> tuple[str, str]:
        """Return the product that answers, and its version."""
        with self._turn:
            driver = self._connection.connection.driver_connection
            return databases.get(self.views.database).identify(driver)

    def sweep(self, prefix: str) -> None:
        """Remove schemas of the form `prefix_observer_…` whose observer is no more."""
        found = self.rows("SELECT schema_name FROM information_schema.schemata")
        ours = [str(row[0]) for row in found if str(row[0]).startswith(f"{prefix}_")]
        alive = {str(row[0]) for row in self.rows(self.views.alive)} if ours else set()
        for schema in ours:
            if schema.removeprefix(f"{prefix}_").partition("_")[0] not in alive:
                with suppress(exc.SQLAlchemyError):
                    self._run(self.drop(schema))

    def enter(self, schema: str) -> str:
        """Return what takes a session into `schema`."""
        return self.views.enter.format(schema=schema)

    def drop(self, schema: str) -> list[str]:
        """Return what removes `schema`, giving up where somebody else holds on to it."""
        return [statement.format(schema=schema) for statement in self.views.drop]

    def isolate(self, level: str) -> str:
        """Return what sets the isolation level of a session's coming transactions."""
        return self.views.isolate.format(level=level)

    def usual(self) -> str:
        """Return the isolation level that the server starts with."""
        return str(self.rows(self.views.usual)[0][0])

    def urge(self, others_wait: bool) -> str:
        """Return what makes the session that closes a circle the one that is given up.

        PostgreSQL's victim is whose deadlock_timeout runs out first. Left alone, that depends on
        how long the learner thinks between two steps. Only a superuser may choose; else it is "".
        """
        patience = "50ms" if others_wait else "1h"
        return self.views.urge.format(patience=patience) if self._urging else ""

    def cancel(self, session: int) -> None:
        """Stop the statement that a session runs."""
        self.rows(self.views.cancel.format(session=session))

    def circle(self, message: str) -> views.Edges:
        """Return who waited for whom in the deadlock that was refused with `message`.

        InnoDB's report is for those with the PROCESS privilege; without it nothing is returned.
        """
        with suppress(exc.SQLAlchemyError):
            report = self.views.report
            return self.views.circle(str(self.rows(report)[0][2]) if report else message)
        return []

    def conflicts(self) -> bool | None:
        """Tell whether innodb_snapshot_isolation is on, None where there is no such setting."""
        if self.views.database != "mysql":
            return None
        found = self.rows("SHOW VARIABLES LIKE 'innodb_snapshot_isolation'")
        return str(found[0][1]) == "ON" if found else None

    def close(self) -> None:
        """End this session."""
        with self._turn:
            self._connection.close()

    def _known(self, dialect: str) -> views.Views:
        if dialect == "postgresql":
            return views.POSTGRESQL
        if dialect in ("mysql", "mariadb"):
            version = str(self.rows("SELECT VERSION()")[0][0])
            return views.MARIADB if "mariadb" in version.lower() else views.MYSQL
        raise Unsupported(
            f"The stepper does not know who waits for whom on {dialect}. Give it a PostgreSQL, "
            'MySQL or MariaDB server: kit.start("postgresql").'
        )

    def _run(self, statements: Sequence[str]) -> None:
        for statement in statements:
            self.rows(statement)

    def _superuser(self) -> bool:
        return bool(self.rows("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")[0][0])

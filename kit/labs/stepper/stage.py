"""Where a script is played: real sessions, and a schema that nobody else uses."""

from __future__ import annotations

import secrets
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress

from sqlalchemy import Connection, NullPool, exc

from kit.labs import statements
from kit.labs.source import Source
from kit.labs.statements import Result
from kit.labs.stepper.observer import Observer, Wait
from kit.labs.stepper.scripts import Script
from kit.labs.stepper.sessions import Session

SCHEMA = "kit_stepper"
_CLOSING_SECONDS = 5.0
_MOST = 4
"""Stages that are open at most: a forgotten panel must not use up the server's connections."""

_open: list[weakref.ref[Stage]] = []


class Stage:
    """Hold the sessions T1, T2 … and one that looks on; raise SQLAlchemyError if the server won't.

    `returned(session, result)` is called from the session's thread when a statement comes back;
    `left()` when the stage is closed to make room for another.
    """

    def __init__(
        self,
        source: Source,
        sessions: Sequence[str],
        *,
        left: Callable[[], None] = lambda: None,
    ) -> None:
        self.source = source
        self.left = left
        self.returned: Callable[[Session, Result], None] = lambda session, result: None
        self.bell = threading.Condition()
        self.sessions: dict[str, Session] = {}
        self.closed = self._made = False
        self._engine = source.engine(poolclass=NullPool)
        self.observer = self._observer()
        # The number in the name tells whose schema it is, should its owner die without removing it.
        self.schema = f"{SCHEMA}_{self.observer.id}_{secrets.token_hex(2)}"
        try:
            self._furnish(sessions)
        except BaseException:
            self.close()
            raise
        _make_room()
        _open.append(weakref.ref(self))

    @property
    def entrance(self) -> list[str]:
        """Return what every session ran before the script."""
        return [self.observer.enter(self.schema)]

    def prepare(self, script: Script, level: str) -> None:
        """Make the script's tables anew, and have every session work at `level`.

        What a session has left open is rolled back, or it would keep the tables for ever.
        """
        first, *others = self.sessions.values()
        for session in (first, *others):
            session.roll_back()
        for statement in ("DROP TABLE IF EXISTS quota", *script.setup):
            first.quietly(statement)
        for session in (first, *others):
            session.quietly(self.observer.isolate(level))
            session.state = "idle"

    def submit(self, session: Session, statement: str) -> None:
        """Send a statement to a session, and do not wait for its answer."""
        urge = self.observer.urge(any(other.busy for other in self.sessions.values()))
        if urge and session.state == "open":
            session.quietly(urge)
        session.submit(statement)

    def waits(self) -> list[Wait]:
        """Read which of the sessions wait, and for whom."""
        return self.observer.waits([session.id for session in self.sessions.values()])

    def cancel(self) -> None:
        """Stop every statement that is running or waiting."""
        for session in self.sessions.values():
            if session.busy:
                self.observer.cancel(session.id)

    def close(self) -> None:
        """Roll back and end all sessions, and remove the schema."""
        if self.closed:
            return
        self.closed = True
        with suppress(exc.SQLAlchemyError):
            self.cancel()
        for session in self.sessions.values():
            session.close()
        for session in self.sessions.values():
            session.join(_CLOSING_SECONDS)
        with suppress(exc.SQLAlchemyError):
            for statement in self.observer.drop(self.schema) if self._made else ():
                self.observer.rows(statement)
        with suppress(exc.SQLAlchemyError):
            self.observer.close()

    def _connect(self) -> Connection:
        return statements.connect(self._engine)

    def _observer(self) -> Observer:
        connection = self._connect()
        try:
            return Observer(connection)
        except BaseException:
            connection.close()
            raise

    def _furnish(self, sessions: Sequence[str]) -> None:
        self.observer.sweep(SCHEMA)
        self.observer.rows(f"CREATE SCHEMA {self.schema}")
        self._made = True
        for statement in self.entrance:
            self.observer.rows(statement)
        for name in sessions:
            made = Session(name, self._connect(), self.bell, self._back)
            self.sessions[name] = made
            for statement in self.entrance:
                made.quietly(statement)

    def _back(self, session: Session, result: Result) -> None:
        self.returned(session, result)


def _make_room() -> None:
    """Close the stages that were opened longest ago, beyond the number that may be open."""
    alive = [stage for ref in _open if (stage := ref()) is not None and not stage.closed]
    for stage in alive[: max(0, len(alive) - _MOST + 1)]:
        stage.close()
        stage.left()
    _open[:] = [weakref.ref(stage) for stage in alive if not stage.closed]

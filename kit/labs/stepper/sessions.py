"""One live session, in a thread of its own so that a statement may wait."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal

from sqlalchemy import Connection, exc

from kit.labs import statements
from kit.labs.statements import Result

ROWS = 10
"""Rows of an answer that are shown at most."""

State = Literal["idle", "open", "aborted", "committed", "rolled back", "given up", "lost"]


class Session:
    """Run statements one by one, and know how its transaction stands.

    `bell` rings whenever a statement returns. `returned(session, result)` is called from the
    session's thread before that.
    """

    def __init__(
        self,
        name: str,
        connection: Connection,
        bell: threading.Condition,
        returned: Callable[[Session, Result], None],
    ) -> None:
        self.name = name
        self.id = number(connection)
        self.state: State = "idle"
        self.busy = False
        self._connection = connection
        self._bell = bell
        self._returned = returned
        self._inbox: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=f"kit-{name}", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Tell whether the transaction came to an end that its script did not ask for."""
        return self.state in ("given up", "lost")

    def submit(self, statement: str) -> None:
        """Send a statement, and do not wait for its answer."""
        self.busy = True
        self._inbox.put(statement)

    def quietly(self, statement: str) -> None:
        """Run a statement here and now, outside of the script; the session must not be busy."""
        self._connection.exec_driver_sql(statement)

    def roll_back(self) -> None:
        """Undo what is open, here and now, outside of the script; the session must not be busy."""
        if self.state in ("open", "aborted"):
            self.quietly("ROLLBACK")

    def close(self) -> None:
        """Roll back, and close the connection, as soon as nothing runs on it any more."""
        self._inbox.put(None)

    def join(self, timeout: float) -> None:
        """Wait until the connection is closed, `timeout` seconds at most."""
        self._thread.join(timeout)

    def _work(self) -> None:
        while (statement := self._inbox.get()) is not None:
            results = statements.run(self._connection, statement, ROWS)
            result = results[-1] if results else Result(statement=statement, seconds=0)
            state = self._after(statement, result)
            with self._bell:
                self.state = state
                self._returned(self, result)
                self.busy = False
                self._bell.notify_all()
        with suppress(exc.SQLAlchemyError):
            self.roll_back()
        with suppress(exc.SQLAlchemyError):
            self._connection.close()

    def _after(self, statement: str, result: Result) -> State:
        refusal = result.refusal
        if refusal is not None and refusal.lost:
            return "lost"
        begun = self.state in ("open", "aborted")
        now = self._transaction(refused=refusal is not None)
        if now is not None:
            return "open" if now == "open" else "aborted"
        if refusal is not None:
            return "given up" if begun else self.state
        return self._ended(statement) if begun else self.state

    def _ended(self, statement: str) -> State:
        undone = self.state == "aborted" or statement.upper().startswith(("ROLLBACK", "ABORT"))
        return "rolled back" if undone else "committed"

    def _transaction(self, *, refused: bool) -> str | None:
        driver: Any = self._connection.connection.driver_connection
        if refused and not hasattr(driver, "pgconn"):
            # MySQL says with every answer but an error whether a transaction is open.
            with suppress(exc.SQLAlchemyError):
                self.quietly("DO 0")
        return statements.transaction(self._connection)


def number(connection: Connection) -> int:
    """Return the number by which the server knows a session."""
    driver: Any = connection.connection.driver_connection
    return int(driver.info.backend_pid if hasattr(driver, "pgconn") else driver.thread_id())

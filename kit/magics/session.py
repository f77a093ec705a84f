"""One session of `%sql`: a single connection on which transactions mean what they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy import exc

from kit.errors import ConnectionRefused, KitError, ServerGone, SQLError, UsageError
from kit.magics import refusal
from kit.magics.statements import streams

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, CursorResult, Engine

    from kit.launch.server import Server

# A server that is not there should say so before the learner gives up.
_CONNECT_SECONDS = 10
_REMEDY: dict[type[KitError], str] = {
    ConnectionRefused: "Make sure that the server runs and that address, user and password are "
    "right, then type kit.sql(server) again.",
    ServerGone: "Bring it back with its restart(); the next %sql then connects again.",
}


class Interrupted(KeyboardInterrupt):
    """Stop a statement from the Interrupt button, without the driver's frames."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


@dataclass(frozen=True)
class Answer:
    """Hold what the server answered to one statement; no columns means it returns no rows."""

    columns: Sequence[str]
    rows: Sequence[Any]
    feedback: str


class Session:
    """Hold one connection in autocommit, so that only the learner begins and commits."""

    def __init__(self, source: Server | str | URL, *, name: str) -> None:
        self.source = source
        self.name = name
        self._url = _address(source)
        self._tag = self._warning = ""
        self.connection = self._open(ConnectionRefused)

    def __repr__(self) -> str:
        # A password may also stand in the query.
        return self._url.set(query={}).render_as_string(hide_password=True)

    def leads_to(self, source: Server | str | URL) -> bool:
        """Tell whether the connection is up and goes where `source` now is."""
        return _address(source) == self._url and self._lost() is None

    def run(self, statement: str, *, limit: int = 0) -> Answer:
        """Run one statement as it stands and fetch its rows, `limit` at most if not 0."""
        if streams(statement):
            # psycopg would be left waiting for the data, and the session be lost.
            raise SQLError(
                "%sql has no data to send or to take for COPY ... STDIN or STDOUT. Use the driver: "
                "server.connect().cursor().copy(statement)"
            )
        with self._plain_errors():
            # Without parameters the driver leaves %, :name and braces alone.
            result = self.connection.exec_driver_sql(
                statement, execution_options={"no_parameters": True}
            )
            if not result.returns_rows:
                return Answer((), (), f"{self._tag or _affected(result)}{self._warning}")
            rows = result.fetchmany(limit) if limit else result.fetchall()
            result.close()
            return Answer(tuple(result.keys()), rows, self._warning.strip())

    def ensure(self) -> None:
        """Connect again if the connection was lost; raise if a transaction went with it."""
        state = refusal.transaction(self._driver)
        reason = self._lost()
        if reason is None:
            return
        self.reopen()
        lost = f"The connection to {self.name} was lost{reason}."
        if state is not None:
            raise SQLError(
                f"{lost}\nThe transaction that was open on it is rolled back. "
                "%sql is connected again: start over from BEGIN."
            )
        print(f"{lost} %sql is connected again, in a new session.")

    def reopen(self) -> None:
        """Replace the connection by a new one."""
        self.close()
        self._url = _address(self.source)
        self.connection = self._open(ServerGone)

    def close(self) -> None:
        """Close the connection; what was not committed is rolled back by the server."""
        if self._driver is not None:
            self.connection.invalidate()
        self.connection.close()

    def _open(self, failure: type[KitError]) -> Connection:
        try:
            connection = self._engine().connect()
        except exc.DBAPIError as error:
            reason = self._safe(error.orig or error)
            raise failure(f"%sql cannot reach {self.name}: {reason}\n{_REMEDY[failure]}") from None
        driver: Any = connection.connection.driver_connection
        self._thread = driver.thread_id() if hasattr(driver, "thread_id") else None
        if hasattr(driver, "add_notice_handler"):
            driver.add_notice_handler(
                lambda note: print(f"{note.severity}: {note.message_primary}")
            )
        return connection

    def _engine(self) -> Engine:
        # SQLAlchemy's and ipython-sql's own transactions would commit, or undo, the learner's.
        engine = sqlalchemy.create_engine(
            self._url,
            isolation_level="AUTOCOMMIT",
            poolclass=sqlalchemy.NullPool,
            connect_args=_arguments(self._url, self.name),
        )
        sqlalchemy.event.listen(engine, "after_cursor_execute", self._remember)
        return engine

    def _remember(self, _connection: Any, cursor: Any, *_: Any) -> None:
        """Keep what only the cursor knows, and SQLAlchemy closes it: command tag and warnings."""
        self._tag = getattr(cursor, "statusmessage", None) or ""
        count = getattr(cursor, "warning_count", 0)
        self._warning = f" Warnings: {count}; see %sql SHOW WARNINGS." if count else ""

    @property
    def _driver(self) -> Any:
        """The driver's own connection, None once it is known to be lost."""
        if self.connection.closed or self.connection.invalidated:
            return None
        return self.connection.connection.driver_connection

    def _lost(self) -> str | None:
        """Ask the server for a sign of life; if there is none, give what is known of the cause."""
        if self._driver is None:
            return ""
        try:
            self.connection.dialect.do_ping(self._driver)
        except Exception as error:  # drivers raise the socket's errors too
            return f" ({self._safe(error)})"
        return None

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except exc.DBAPIError as error:
            raise self._refused(error) from None
        except KeyboardInterrupt:
            self._cancel()
            raise Interrupted(
                f"Interrupted: {self.name} was told to stop the statement. The next %sql starts "
                "a new session; what was not committed is rolled back."
            ) from None

    def _refused(self, error: exc.DBAPIError) -> SQLError:
        cause = error.orig or error
        if error.connection_invalidated:
            return SQLError(
                f"The connection to {self.name} was lost while the statement ran "
                f"({self._safe(cause)}).\nWhether it was carried out is not known; a transaction "
                "that was open is rolled back. The next %sql connects again."
            )
        return refusal.refused(cause, session=self.name, state=refusal.transaction(self._driver))

    def _cancel(self) -> None:
        """End the session on the server: MySQL goes on with a statement nobody waits for.

        psycopg sends PostgreSQL the cancel request by itself.
        """
        if self._thread is not None:
            with suppress(exc.SQLAlchemyError), self._engine().connect() as other:
                other.exec_driver_sql(f"KILL {int(self._thread)}")

    def _safe(self, error: BaseException) -> str:
        text = refusal.words(error)
        password = self._url.password
        return text.replace(str(password), "***") if password else text


def called(source: Server | str | URL, name: str | None = None) -> str:
    """Name a session: as asked, as its server, or as its URL without the secrets in it."""
    if name := name or getattr(source, "name", None):
        return name
    return _address(source).set(password=None, query={}).render_as_string()


def _address(source: Server | str | URL) -> URL:
    try:
        url: Any = getattr(source, "url", source)
        parsed = sqlalchemy.make_url(url)
        parsed.get_dialect().import_dbapi()
    except (exc.NoSuchModuleError, ImportError):
        raise UsageError(
            f"%sql cannot speak {parsed.drivername}: it wants an SQL server and a driver that is "
            "installed, such as postgresql+psycopg:// or mysql+pymysql://. "
            "For other servers use server.connect()."
        ) from None
    except (exc.ArgumentError, ValueError):
        # The reason is not repeated: it may quote the password.
        raise UsageError(
            "This is not a database URL. It reads dialect+driver://user:password@host:port/database."
        ) from None
    return parsed


def _arguments(url: URL, name: str) -> dict[str, Any]:
    if url.get_driver_name() == "psycopg":
        # A statement prepared on one side of an ALTER TABLE in another session fails on the other.
        return {
            "application_name": f"%sql {name}",
            "connect_timeout": _CONNECT_SECONDS,
            "prepare_threshold": None,
        }
    return {"connect_timeout": _CONNECT_SECONDS} if url.get_driver_name() == "pymysql" else {}


def _affected(result: CursorResult[Any]) -> str:
    count = result.rowcount
    return "Done." if count < 0 else f"{count} {'row' if count == 1 else 'rows'} affected."

"""`%sql` and `%%sql` themselves."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from IPython.core.magic import (
    cell_magic,
    line_magic,
    magics_class,
    needs_local_scope,
    no_var_expand,
)
from sql import magic as ipython_sql
from sqlalchemy import exc
from traitlets import Bool, Int

from kit.errors import KitError, SQLError, UnknownName, UsageError
from kit.magics.result import Result
from kit.magics.session import Session, called
from kit.magics.statements import Request, read

if TYPE_CHECKING:
    from sqlalchemy import URL

    from kit.launch.server import Server


@magics_class
class SqlMagic(ipython_sql.SqlMagic):  # type: ignore[misc]
    """Hold the sessions of `%sql` by name.

    ipython-sql's `execute` is replaced as a whole, for none of this can be configured: it
    prints the traceback of a failed connection and lets the cell pass, refuses BEGIN, rolls
    back before and commits after each statement, reads `:name` in literals as a parameter,
    and opens a new connection for every URL with a password.
    Its options autolimit, autopandas, displaylimit, feedback and style work; the others have
    no effect.
    """

    displaycon = Bool(False, config=True, help="No effect: an address is never printed.")
    displaylimit = Int(
        50,
        config=True,
        allow_none=True,
        help="Rows shown of a result, 0 for all; all rows are kept.",
    )

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.sessions: dict[str, Session] = {}
        self.current: Session | None = None

    def connect(self, source: Server | str | URL, *, name: str | None = None) -> Session:
        """Make `source` the session that `%sql` uses, keeping its connection if it is up."""
        name = called(source, name)
        session = self.sessions.get(name)
        if session is None or not session.leads_to(source):
            session = self._replace(Session(source, name=name))
        session.source = source
        self.current = session
        return session

    @no_var_expand
    @needs_local_scope
    @line_magic("sql")
    @cell_magic("sql")  # type: ignore[arg-type]
    def execute(
        self, line: str = "", cell: str = "", local_ns: dict[str, Any] | None = None
    ) -> Any:
        """Run SQL on the server that `kit.sql(server)` connected last.

        %sql SELECT ...            one line; the result is the value: runs = %sql SELECT ...
        %%sql                      a whole cell, several statements: the last rows are shown
        %%sql runs <<              a whole cell, its rows kept in the variable `runs`
        %sql @name SELECT ...      on another session, for this cell
        %sql @name                 on another session, from now on
        %sql -l                    the sessions there are
        %sql -x name               close one
        %sql -f path               run a file
        %sql -p frame              make a table of a pandas frame (--append: add to one)

        Each statement is committed at once, unless a transaction was begun with BEGIN, in
        this cell or an earlier one. The text goes to the server as it stands: for values from
        Python take server.connect() or pandas.read_sql, with parameters.
        """
        request = read(line, cell)
        if request.action == "connections":
            return dict(sorted(self.sessions.items()))
        if request.action == "close":
            return self._close(request.argument)
        session = self._session(request)
        session.ensure()
        if request.action in ("persist", "append"):
            return self._persist(request, session, local_ns or {})
        return self._deliver(self._run(request, session), request.variable)

    def _session(self, request: Request) -> Session:
        if request.url is not None:
            return self.connect(request.url)
        session = self._named(request.session) if request.session else self.current
        if session is None:
            raise UsageError("%sql is connected to no server. Type: kit.sql(server)")
        if not request.sql:
            self.current = session
            print(f"%sql now speaks to {session.name}.")
        return session

    def _named(self, name: str) -> Session:
        if name not in self.sessions:
            raise UnknownName.among("%sql session", name, self.sessions)
        return self.sessions[name]

    def _replace(self, session: Session) -> Session:
        old = self.sessions.pop(session.name, None)
        if old is not None:
            old.close()
        self.sessions[session.name] = session
        return session

    def _close(self, name: str) -> None:
        session = self._named(name)
        del self.sessions[name]
        session.close()
        if self.current is session:
            self.current = None

    def _run(self, request: Request, session: Session) -> Result | None:
        """Run the statements in turn and give the last rows there were."""
        result = None
        statements = request.statements
        for number, statement in enumerate(statements, 1):
            try:
                answer = session.run(statement, limit=self.autolimit or 0)
            except SQLError as error:
                raise _placed(error, number, len(statements)) from None
            if answer.columns:
                result = Result(answer.columns, answer.rows, self)
            if self.feedback and answer.feedback:
                print(answer.feedback)
        return result

    def _deliver(self, result: Result | None, variable: str | None) -> Any:
        value = result.DataFrame() if result is not None and self.autopandas else result
        if variable is None:
            return value
        self.shell.user_ns[variable] = value
        return None

    def _persist(self, request: Request, session: Session, local_ns: dict[str, Any]) -> Any:
        # The learner's own connection, so that an open transaction holds the table too.
        target = SimpleNamespace(internal_connection=SimpleNamespace(engine=session.connection))
        names = {**self.shell.user_ns, **local_ns}
        try:
            return self._persist_dataframe(
                request.sql, target, names, append=request.action == "append"
            )
        except (exc.SQLAlchemyError, NameError, SyntaxError, TypeError, ValueError) as error:
            reason = getattr(error, "orig", None) or error
            raise SQLError(f"%sql could not make a table of it: {reason}") from None


def _placed(error: KitError, number: int, count: int) -> KitError:
    """Say which statement of several failed, and that those before it stand."""
    if count == 1:
        return error
    return type(error)(f"{error}\nThis was statement {number} of {count}; those before it ran.")

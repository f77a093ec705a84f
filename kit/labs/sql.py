"""The SQL console: a schema tree, a place to write, and what the server answers."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import ipywidgets
from sqlalchemy import URL, Connection, Engine, exc

from kit.errors import UsageError
from kit.labs import source as sources
from kit.labs.results import frame, free, held, parted, summary
from kit.labs.schema import schema
from kit.labs.source import Source
from kit.labs.statements import (
    LIMIT,
    Refusal,
    Result,
    alive,
    cancel,
    connect,
    refused,
    run,
    split,
    transaction,
)
from kit.widgets.code import Code
from kit.widgets.editor import Editor
from kit.widgets.history import History
from kit.widgets.panel import Panel
from kit.widgets.parts import Notice
from kit.widgets.sheet import Sheet
from kit.widgets.table import Grid, Table
from kit.widgets.tree import Tree
from kit.widgets.turn import Turn

if TYPE_CHECKING:
    import pandas as pd

    from kit.launch.server import Server

__all__ = ["Console", "Refusal", "Result", "connect", "console", "run", "schema", "split"]

LIMITS = (20, 100, 1000, 10_000, 100_000, 1_000_000)
_CHANGES = ("create", "drop", "alter", "rename", "truncate")


def console(
    server: Server | str | URL, script: str = "", *, limit: int = LIMIT, tree: bool = True
) -> Console:
    """Open a console on a server or a SQLAlchemy URL, and run `script` if there is one.

    `limit` is how many rows of each result are fetched; `tree` shows the schema.
    """
    return Console(sources.read(server), script, limit=limit, tree=tree)


class Console(Panel):
    """One session with a server, in which the learner alone begins and commits."""

    def __init__(self, source: Source, script: str, *, limit: int, tree: bool) -> None:
        self.source = source
        self.engine: Engine = source.engine(pool_size=2)
        self.results: list[Result] = []
        self._session: Connection | None = None
        self._state: str | None = None
        self._turn = Turn()
        self._build(script, limit)
        side = ipywidgets.VBox([self.tree])
        side.add_class("kit-side")
        notice = Notice()
        main = ipywidgets.VBox([self.editor, notice, self.table, self.sheet])
        main.add_class("kit-main")
        halves = ipywidgets.HBox([side, main] if tree else [main])
        halves.add_class("kit-console")
        super().__init__(
            "SQL console",
            note=source.title,
            accent=source.accent,
            controls=[self.go, self.limit, self.history, self.export, self.reload][: 4 + tree],
            body=[halves],
            strip=Code("SQL that ran"),
            notice=notice,
        )
        if tree:
            self.look()
        if script:
            self.run()

    def run(self, script: str | None = None) -> list[Result]:
        """Run a script, or what stands in the editor, show what came and return it."""
        if script is not None:
            self.editor.value = script
        text = self.editor.value
        with self._turn:
            self._begin(text)
            begun = time.perf_counter()
            try:
                self.results = self._answers(text)
                self._show(text, time.perf_counter() - begun)
            except KeyboardInterrupt:
                self._interrupted()
                raise
            finally:
                self.go.disabled = False
        return self.results

    def frame(self) -> pd.DataFrame:
        """Return the last rows as a pandas frame: those held, which the row limit may have cut.

        Raise UsageError where no statement has returned rows yet.
        """
        return frame(self._last())

    def look(self) -> None:
        """Read the schema anew."""
        try:
            self.tree.show(schema(self.engine))
        except exc.SQLAlchemyError as error:
            self._say(replace(refused(error), hint=self.source.remedy))

    def close(self) -> None:
        """End the session: what was not committed is rolled back."""
        self._turn.end()
        self._drop()
        self.engine.dispose()
        super().close()

    def _build(self, script: str, limit: int) -> None:
        self.tree = Tree("Schema", picked=lambda text: self.editor.insert(text))
        self.editor = Editor(script, "SQL", "SELECT …   (Ctrl+Enter runs it)", self._start)
        self.table = Table("Result")
        self.sheet = Sheet("Result")
        self.sheet.layout.display = "none"
        self.go = ipywidgets.Button(
            description="Run", tooltip="Run the SQL (Ctrl+Enter)", button_style="primary"
        )
        self.go.on_click(lambda _button: self._start())
        choices = sorted({*LIMITS, limit})
        self.limit = ipywidgets.Dropdown(
            options=[(f"{n:,}", n) for n in choices], value=limit, description="Row limit"
        )
        self.limit.layout.width = "auto"
        self.reload = ipywidgets.Button(
            description="Refresh schema", tooltip="Read the schema anew"
        )
        self.reload.on_click(lambda _button: self.background(self.look))
        self.history = History(lambda text: setattr(self.editor, "value", text))
        self.export = ipywidgets.Button(
            description="To DataFrame", tooltip="Put the rows into a pandas frame", disabled=True
        )
        self.export.on_click(lambda _button: self._export())

    def _start(self) -> None:
        self._turn.ask(self.background, self.run)

    def _begin(self, text: str) -> None:
        self.go.disabled = True
        self.history.remember(text)
        self.start(cancel=self._cancel_statement)

    def _cancel_statement(self) -> None:
        session = self._session
        if session is not None and not session.closed and not session.invalidated:
            self.background(lambda: cancel(self.engine, session))

    def _interrupted(self) -> None:
        """Give the session up: what it was asked last may still be on its way."""
        self._drop()
        self.halt("interrupted · the session is closed", state="failed")

    def _last(self) -> Result:
        found = next((one for one in reversed(self.results) if one.columns), None)
        if found is None:
            raise UsageError("There are no rows to hand over yet: run a SELECT first.")
        return found

    def _export(self) -> None:
        """Put the rows into the notebook's own variables, under a name that is free."""
        from IPython.core.getipython import get_ipython

        shell = get_ipython()
        if shell is None:
            return
        result = self._last()
        name = free(shell.user_ns, "frame")
        shell.user_ns[name] = frame(result)
        self.done(f"{held(result)} in the variable {name}")

    def _answers(self, text: str) -> list[Result]:
        try:
            connection = self._connection()
        except exc.SQLAlchemyError as error:
            why = replace(refused(error), hint=self.source.remedy)
            return [Result(statement=text, seconds=0, refusal=why)]
        if connection is None:
            return [Result(statement=text, seconds=0, refusal=_undone())]
        results = run(connection, text, int(self.limit.value))
        self._state = transaction(connection)
        if results and results[-1].refusal and results[-1].refusal.lost:
            self._drop()
        return results

    def _connection(self) -> Connection | None:
        """Return a live session; None if the one before was lost with a transaction open on it."""
        if self._session is not None and alive(self._session):
            return self._session
        pending = self._session is not None and self._state is not None
        self._drop()
        self.engine.dispose()
        self.engine = self.source.engine(pool_size=2)
        self._session = connect(self.engine)
        return None if pending else self._session

    def _drop(self) -> None:
        if self._session is not None:
            if not self._session.closed and not self._session.invalidated:
                self._session.invalidate()
            self._session.close()
        self._session, self._state = None, None

    def _show(self, text: str, seconds: float) -> None:
        whole, large = parted(self.results)
        self.table.show(*whole)
        self.sheet.show(large or Grid(columns=(), rows=()))
        self.sheet.layout.display = None if large else "none"
        self.export.disabled = not any(result.columns for result in self.results)
        if self.strip is not None:
            self.strip.show(text.strip())
        bad = next((r.refusal for r in self.results if r.refusal), None)
        if bad is not None:
            return self._say(bad, len(self.results), len(split(text)))
        self.done(summary(self.results, self._state), seconds=seconds)
        if any(r.statement.lower().startswith(_CHANGES) for r in self.results):
            self.look()
        return None

    def _say(self, why: Refusal, place: int = 1, count: int = 1) -> None:
        where = f"failed · statement {place} of {count}" if count > 1 else ""
        self.fail(self.source.safe(why.message), why.hint, text=where)


def _undone() -> Refusal:
    message = "The connection was lost, and the transaction that was open on it is rolled back."
    return Refusal(message, "Nothing was run. The console is connected again: start from BEGIN.")

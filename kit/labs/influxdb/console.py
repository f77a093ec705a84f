"""The InfluxQL console: a query clicked together or typed, its answer as a chart and a table."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import ipywidgets

from kit.errors import KitError, UsageError
from kit.labs.influxdb import answers, influxql
from kit.labs.influxdb.builder import Builder
from kit.labs.influxdb.controls import button
from kit.labs.influxdb.session import Answer, Series, Session, told
from kit.labs.influxdb.working import Working
from kit.labs.results import free
from kit.widgets import units
from kit.widgets.chart import PALETTE, Chart
from kit.widgets.code import Code
from kit.widgets.completing import Completing
from kit.widgets.history import History
from kit.widgets.parts import Notice
from kit.widgets.sheet import Sheet
from kit.widgets.table import Grid, Table

if TYPE_CHECKING:
    import pandas as pd

    from kit.launch.server import Server

_BEYOND = "The query says more than the controls can show: it runs as it is written."
_EMPTY = "Nothing answers to that."
_WIDER = "Is the time range wide enough, the policy the right one, and the tag's value spelled so?"
_BARE = "There is nothing to ask for in this database yet."
_FIRST = "Points appear here once something has written them: `Refresh` looks again."


def console(server: Server, text: str = "", *, database: str = "") -> Console:
    """Open a console on a server's database, and run `text` if there is one."""
    return Console(Session(server, database), text)


class Console(Working):
    """A builder beside an editor: each follows the other."""

    def __init__(self, session: Session, text: str) -> None:
        self.answers: list[Answer] = []
        self._build(session, text)
        side = ipywidgets.VBox([self.builder])
        side.add_class("kit-side")
        notice = Notice()
        main = ipywidgets.VBox([self.editor, self.aside, notice, *self._answer])
        main.add_class("kit-main")
        halves = ipywidgets.HBox([side, main])
        halves.add_class("kit-console")
        super().__init__(
            "InfluxQL console",
            session,
            note=f"{session.title} · database {session.database}",
            controls=[self.go, self.history, self.export, self.reload],
            body=[halves],
            strip=Code("InfluxQL that ran"),
            notice=notice,
        )
        self.look()
        if text:
            self.run()

    def run(self, text: str | None = None) -> list[Answer]:
        """Run the query given, or the one in the editor, show the answer and return it."""
        if text is not None:
            self.editor.value = text
        self.answers = []
        with self.turn(self.go):
            self._run(self.editor.value.strip())
        return self.answers

    def frame(self) -> pd.DataFrame:
        """Return the rows of the last answer as a pandas frame; raise UsageError without any."""
        if not self._series():
            raise UsageError("There are no rows to hand over yet: run a SELECT first.")
        return answers.frame(self._series())

    def look(self) -> None:
        """Read anew which measurements, fields and tags there are."""
        try:
            self.builder.look()
        except KitError as error:
            self.fail(*told(error))
            return
        self.editor.words = {"outside": self.builder.words()}
        query = self.builder.query()
        if query is None:
            self.empty(_BARE, _FIRST)
        elif not self.editor.value:
            self.editor.value = query.text()

    def _build(self, session: Session, text: str) -> None:
        self.builder = Builder(session, self._clicked)
        self.editor = Completing(text, "InfluxQL", "SELECT …   (Ctrl+Enter runs it)", self._start)
        self.aside = Notice()
        self.chart = Chart(x="time", y="value", time=True)
        self.table, self.sheet = Table("Answer"), Sheet("Answer")
        self._answer = [self.chart, self.table, self.sheet]
        self.history = History(lambda text: setattr(self.editor, "value", text))
        self.export = button("To DataFrame", "Put the rows into a pandas frame", self._export)
        self.go = button("Run", "Run the query (Ctrl+Enter)", self._start, primary=True)
        self.reload = button("Refresh", "Look again what there is to ask for", self._reload)

    def _start(self) -> None:
        self.begin(self.run)

    def _reload(self) -> None:
        self.background(self.look)

    def _clicked(self) -> None:
        """Write what the controls say, and run it."""
        try:
            query = self.builder.query()
        except KitError as error:
            self.fail(*told(error))
            return
        if query is not None:
            self.run(query.text())

    def _run(self, text: str) -> None:
        self.start(cancel=lambda: self.session.cancel(text))
        begun = time.perf_counter()
        self.history.remember(text)
        if self.strip is not None:
            self.strip.show(text)
        try:
            self.answers = self.session.ask(text) if text else []
            self._follow(text)
        finally:
            self._draw()
        self._say(time.perf_counter() - begun)

    def _follow(self, text: str) -> None:
        """Move the controls to where the text is, if they can show it."""
        query = influxql.read(text)
        select = text.lower().startswith("select")
        if select and (query is None or not self.builder.follow(query)):
            self.aside.say(_BEYOND)
        else:
            self.aside.hide()
        self.editor.words = {"outside": self.builder.words()}

    def _draw(self) -> None:
        series = self._series()
        query = influxql.read(self.editor.value)
        every = influxql.seconds(query.every) if query and query.every else math.inf
        lines = answers.lines(series, every=every)
        shown = query.aggregate if query and query.aggregate else "value"
        self.chart.show(lines[: len(PALETTE)], y=shown)
        whole, long = answers.parted(series)
        self.table.show(*whole)
        self.sheet.show(long or Grid(columns=(), rows=()))
        self.sheet.layout.display = None if long else "none"
        self.export.disabled = not series

    def _say(self, seconds: float) -> None:
        rows = sum(answer.count for answer in self.answers)
        if not rows:
            self.empty(*self._nothing())
            return
        series = self._series()
        said = [units.plural(rows, "row"), f"{len(series):,} series"]
        lines = len(answers.lines(series))
        if lines > len(PALETTE):
            said.append(f"{len(PALETTE)} of {lines} lines drawn")
        self.done(" · ".join([*said, *self._messages()]), seconds=seconds)

    def _series(self) -> list[Series]:
        return [one for answer in self.answers for one in answer.series]

    def _export(self) -> None:
        """Put the rows into the notebook's own variables, under a name that is free."""
        from IPython.core.getipython import get_ipython

        shell = get_ipython()
        if shell is not None:
            name = free(shell.user_ns, "frame")
            shell.user_ns[name] = made = self.frame()
            self.done(f"{units.plural(len(made), 'row')} in the variable {name}")

    def _nothing(self) -> tuple[str, str]:
        """Say of an empty answer whether that is as it should be."""
        text = self.editor.value.strip().lower()
        if not text:
            return "Nothing was asked.", "Choose something on the left, or write a query."
        if text.startswith(("select", "show")):
            return _EMPTY, _WIDER
        return "The server carried it out, and has nothing to show for it.", ""

    def _messages(self) -> Sequence[str]:
        return [message for answer in self.answers for message in answer.messages]

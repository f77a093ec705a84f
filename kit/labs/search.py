"""The JSONB and full-text lab: one question, asked with and without a GIN index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets
from sqlalchemy import URL, Connection, NullPool, exc

from kit.errors import KitError, Unsupported
from kit.labs import source as sources
from kit.labs.plan import difference, drawing, matching
from kit.labs.plan.measure import measure, refusal, single
from kit.labs.plan.node import Plan
from kit.labs.search_cases import QUESTIONS, Question, build, run
from kit.labs.source import Source
from kit.labs.statements import cancel, connect
from kit.measure.spread import Spread, repeat
from kit.widgets import units
from kit.widgets.bars import Bar, Bars
from kit.widgets.code import Code
from kit.widgets.editor import Editor
from kit.widgets.panel import Panel
from kit.widgets.parts import Notice
from kit.widgets.plan_tree import PlanDiff
from kit.widgets.table import Grid, Table
from kit.widgets.turn import Turn
from kit.widgets.values import Marked

if TYPE_CHECKING:
    from kit.launch.server import Server

__all__ = ["QUESTIONS", "Answer", "Question", "Search", "answer", "build", "search"]

SHOWN = 5
# No such table, no such schema, or no answer at all: the table is made anew next time.
_MISSING = ("42P01", "3F000", None)
_DROP = "DROP INDEX IF EXISTS lab_search.trials_index"


@dataclass(frozen=True)
class Answer:
    """What a question brought, and how it was carried out without and with the index."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    plans: tuple[Plan, Plan]
    times: tuple[Spread, Spread]

    @property
    def helped(self) -> bool:
        """Tell whether the server chose to use the index."""
        return any(node.index == "trials_index" for node in self.plans[1].nodes)


def search(server: Server | str | URL, question: int = 0) -> Search:
    """Open the lab on PostgreSQL: 20,000 trials in a schema `lab_search`, made anew.

    `question` is the place in QUESTIONS of the one asked first. Raise Unsupported for another
    database.
    """
    source = sources.read(server)
    if source.url.get_backend_name() != "postgresql":
        raise Unsupported(
            'JSONB and tsvector are PostgreSQL\'s own. Start one: kit.start("postgresql")'
        )
    return Search(source, question)


def answer(connection: Connection, question: Question, *, times: int = 7) -> Answer:
    """Ask without the index, create it, and ask again; each `times` times after a warm run."""
    sql = single(question.sql)
    run(connection, _DROP)
    measured = []
    for statement in ("", question.index):
        if statement:
            run(connection, statement)
        spread = repeat(lambda: run(connection, sql), times=times)
        measured.append((measure(connection, sql), spread))
    result = connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
    columns, rows = tuple(result.keys()), [tuple(row) for row in result]
    (before, slow), (after, fast) = measured
    return Answer(columns, rows, (before, after), (slow, fast))


class Search(Panel):
    """A query to choose or to change, its hits, and what a GIN index does for it."""

    def __init__(self, source: Source, question: int) -> None:
        self.source = source
        self.answer: Answer | None = None
        self._ready = False
        self._turn = Turn()
        self._build(question)
        notice = Notice()
        super().__init__(
            "With and without an index",
            note=source.title,
            accent=source.accent,
            controls=[self.question, self.go],
            body=[self.editor, notice, self.table, self.bars, self.diff],
            strip=Code("SQL that ran"),
            notice=notice,
        )
        self.run()

    def run(self) -> Answer | None:
        """Ask what stands in the editor; return None where it was refused."""
        chosen = QUESTIONS[self.question.value]
        asked = Question(chosen.title, self.editor.value, chosen.index, chosen.watch)
        with self._turn:
            self.go.disabled = True
            try:
                self._ask(asked)
            finally:
                self.go.disabled = False
        return self.answer

    def _build(self, question: int) -> None:
        options = [(one.title, place) for place, one in enumerate(QUESTIONS)]
        self.question = ipywidgets.Dropdown(options=options, value=question, description="Question")
        self.question.layout.width = "auto"
        self.question.observe(lambda _change: self._choose(), "value")
        self.editor = Editor(QUESTIONS[question].sql, "SQL", "SELECT …", self._start)
        self.table = Table("Hits")
        self.bars = Bars("s", of="time of the query, median and quartiles")
        self.diff = PlanDiff("Plan without and with the index", difference.COLUMNS)
        self.go = ipywidgets.Button(
            description="Ask", tooltip="Ask without and with the index (Ctrl+Enter)"
        )
        self.go.button_style = "primary"
        self.go.on_click(lambda _button: self._start())

    def _choose(self) -> None:
        self.editor.value = QUESTIONS[self.question.value].sql
        self._start()

    def _start(self) -> None:
        self._turn.ask(self.background, self.run)

    def _ask(self, question: Question) -> None:
        self.answer = None
        try:
            engine = self.source.engine(poolclass=NullPool)
            with connect(engine) as connection:
                self.start(
                    "" if self._ready else "making 20,000 trials",
                    cancel=lambda: cancel(engine, connection),
                )
                if not self._ready:
                    build(connection)
                self._ready = True
                self.answer = answer(connection, question)
        except exc.SQLAlchemyError as error:
            why = refusal(error, self.source, question.sql)
            self._ready = self._ready and why.code not in _MISSING
            return self._refuse(why.message, why.hint)
        except KitError as error:
            return self._refuse(str(error))
        return self._show(question, self.answer)

    def _refuse(self, message: str, hint: str = "") -> None:
        self._draw()
        self.fail(message, hint)

    def _show(self, question: Question, found: Answer) -> None:
        self._draw(found, question)
        if self.strip is not None:
            plans = [f"{plan.ran[-2]};" for plan in found.plans]
            self.strip.show("\n\n".join([f"{_DROP};", plans[0], f"{question.index};", plans[1]]))
        said = "the index was used" if found.helped else "the index was not used"
        self.done(f"{units.plural(len(found.rows), 'row')} · {said}")

    def _draw(self, found: Answer | None = None, question: Question | None = None) -> None:
        for part in (self.table, self.bars, self.diff):
            part.layout.display = None if found else "none"
        if found is None or question is None:
            self.table.show()
            self.bars.show([])
            self.diff.show([])
            return
        self.table.show(_hits(found, question))
        labels = ("without an index", "with a GIN index")
        pairs = zip(labels, found.times, strict=True)
        self.bars.show([Bar(name, s.median, s.low, s.high) for name, s in pairs])
        comparison = matching.compare(*found.plans)
        self.diff.show(difference.lines(comparison), note=drawing.LATER)


def _hits(found: Answer, question: Question) -> Grid:
    marked = [name == "found" for name in found.columns]
    rows = [
        [Marked(str(cell)) if mark else cell for cell, mark in zip(row, marked, strict=True)]
        for row in found.rows[:SHOWN]
    ]
    return Grid(columns=found.columns, rows=rows, total=len(found.rows), note=question.watch)

"""The plan explorer: how a server carried a statement out, and what changed since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets
from sqlalchemy import URL, NullPool, exc

from kit import databases
from kit.errors import KitError
from kit.labs import source as sources
from kit.labs.plan import difference, drawing, matching
from kit.labs.plan.advice import advise
from kit.labs.plan.document import read
from kit.labs.plan.matching import Comparison, Pair
from kit.labs.plan.measure import Settings, explain, measure, refusal
from kit.labs.plan.node import Node, Plan
from kit.labs.plan.remark import Advice
from kit.labs.source import Source
from kit.labs.statements import cancel, connect
from kit.widgets import units
from kit.widgets.code import Code
from kit.widgets.editor import Editor
from kit.widgets.panel import Panel
from kit.widgets.parts import Notice
from kit.widgets.plan_tree import PlanDiff, PlanTree
from kit.widgets.turn import Turn

if TYPE_CHECKING:
    from kit.launch.server import Server

__all__ = [
    "Advice",
    "Comparison",
    "Node",
    "Pair",
    "Plan",
    "advise",
    "compare",
    "explain",
    "explore",
    "read",
]

_EMPTY = "Write a statement and press `Explain`: the server runs it, and says how it went about it."
_QUIET = "Nothing stands out: no step reads much more than it keeps, and the estimates are close."
_BACK = "↺ The statement really ran. What it changed was rolled back: the data are as before."
_NUMBERS = " The numbers that new rows drew from a sequence or AUTO_INCREMENT stay used."
_KEPT = (
    "⚠ The statement really ran, and a table without transactions could not be rolled back: "
    "what it changed there stays."
)


def explore(
    server: Server | str | URL, sql: str = "", *, settings: Settings | None = None
) -> Explorer:
    """Open the plan explorer on a server or a SQLAlchemy URL, and explain `sql` if there is any.

    `settings` are server settings that hold for every statement explained in it.
    """
    return Explorer(sources.read(server), sql, settings or {})


def compare(before: Any, after: Any) -> Difference:
    """Show two plans side by side, matched step by step.

    Each is a Plan from `explain`, or a server's own JSON as text or as Python data.
    """
    plans = [plan if isinstance(plan, Plan) else read(plan) for plan in (before, after)]
    return Difference(matching.compare(*plans))


class Explorer(Panel):
    """A place to write a statement, and its plan as a tree."""

    def __init__(self, source: Source, sql: str, settings: Settings) -> None:
        self.source = source
        self.settings = dict(settings)
        self.plans: list[Plan] = []
        self._turn = Turn()
        self._build(sql)
        notice = Notice()
        super().__init__(
            "Plan explorer",
            note=source.title,
            accent=source.accent,
            controls=[self.go, self.both],
            body=[self.editor, notice, self.tree, self.diff],
            strip=Code("SQL that ran"),
            notice=notice,
        )
        self.empty(_EMPTY)
        if sql:
            self.run()

    @property
    def plan(self) -> Plan | None:
        """Return the plan that was explained last."""
        return self.plans[-1] if self.plans else None

    def run(self, sql: str | None = None) -> Plan | None:
        """Explain a statement, or the one in the editor; return None where it was refused."""
        if sql is not None:
            self.editor.value = sql
        with self._turn:
            self.go.disabled = True
            try:
                return self._explain(self.editor.value)
            finally:
                self.go.disabled = False

    def _build(self, sql: str) -> None:
        self.editor = Editor(sql, "SQL", "SELECT …   (Ctrl+Enter explains it)", self._start)
        self.tree = PlanTree("Plan", drawing.COLUMNS)
        self.diff = PlanDiff("Plan before and after", difference.COLUMNS)
        self.diff.layout.display = "none"
        self.go = ipywidgets.Button(
            description="Explain",
            tooltip="Run the statement, roll it back, show its plan (Ctrl+Enter)",
            button_style="primary",
        )
        self.go.on_click(lambda _button: self._start())
        self.both = ipywidgets.ToggleButton(
            description="Compare with the one before",
            tooltip="Show the last two plans side by side",
            disabled=True,
        )
        self.both.layout.width = "auto"
        self.both.observe(lambda _change: self._show(), "value")

    def _start(self) -> None:
        self._turn.ask(self.background, self.run)

    def _explain(self, sql: str) -> Plan | None:
        try:
            # A server may have come back at another address since the last time.
            engine = self.source.engine(poolclass=NullPool)
            with connect(engine) as connection:
                self.start(cancel=lambda: cancel(engine, connection))
                plan = measure(connection, sql, settings=self.settings)
        except exc.SQLAlchemyError as error:
            why = refusal(error, self.source, sql)
            return self._refuse(why.message, why.hint)
        except KitError as error:
            return self._refuse(str(error))
        self.plans = [*self.plans[-1:], plan]
        self.both.disabled = len(self.plans) < 2
        self._show()
        return plan

    def _refuse(self, message: str, hint: str = "") -> Plan | None:
        self.tree.show([])
        self.diff.show([])
        self.fail(message, hint)
        return None

    def _show(self) -> None:
        plan = self.plan
        if plan is None:
            return
        both = bool(self.both.value) and len(self.plans) > 1
        _draw(self.tree, None if both else plan)
        _draw_both(self.diff, matching.compare(*self.plans) if both else None)
        if self.strip is not None:
            self.strip.show(_script(*(self.plans if both else [plan])))
        self.done(drawing.summary(plan), seconds=plan.seconds)


class Difference(Panel):
    """Two plans side by side."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        before, after = comparison.before, comparison.after
        self.diff = PlanDiff("Plan before and after", difference.COLUMNS)
        kind = "postgresql" if after.product == "PostgreSQL" else "mysql"
        strip = Code("SQL that ran")
        strip.show(_script(before, after))
        super().__init__(
            "Plan before and after",
            note=" and ".join(dict.fromkeys([before.product, after.product])),
            accent=databases.get(kind).accent,
            body=[self.diff],
            strip=strip,
        )
        _draw_both(self.diff, comparison)
        self.done(_times(before, after))


def _draw(tree: PlanTree, plan: Plan | None) -> None:
    tree.layout.display = None if plan else "none"
    if plan is None:
        return tree.show([])
    found = advise(plan)
    return tree.show(
        drawing.steps(plan, found),
        remarks=drawing.remarks(plan, found),
        chosen=drawing.chosen(plan, found),
        caution=_caution(plan),
        note=drawing.LATER,
        quiet=_QUIET if plan.measured else "",
    )


def _draw_both(diff: PlanDiff, comparison: Comparison | None) -> None:
    diff.layout.display = None if comparison else "none"
    diff.show(difference.lines(comparison) if comparison else [], note=drawing.LATER)


def _caution(plan: Plan) -> str:
    if plan.kept:
        return _KEPT
    if plan.changes and plan.measured:
        return _BACK + (_NUMBERS if plan.find("Insert") else "")
    return plan.note


def _script(*plans: Plan) -> str:
    scripts = ["\n".join(f"{statement};" for statement in plan.ran) for plan in plans]
    return "\n\n".join(filter(None, dict.fromkeys(scripts)))


def _times(before: Plan, after: Plan) -> str:
    if not before.seconds or not after.seconds:
        return "compared"
    return f"{units.duration(before.seconds)} before, {units.duration(after.seconds)} after"

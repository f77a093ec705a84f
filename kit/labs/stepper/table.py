"""The verdicts on a server: every anomaly at every isolation level, beside what the manual says."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import ipywidgets
from sqlalchemy import exc

from kit.errors import SQLError, Unsupported
from kit.labs.source import Source
from kit.labs.stepper.loss import reason, remedy
from kit.labs.stepper.measure import Findings, Verdict, measure
from kit.labs.stepper.promises import Rule
from kit.labs.stepper.scripts import LEVELS
from kit.labs.stepper.telling import spoken
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.stepper import Matrix
from kit.widgets.table import Grid
from kit.widgets.turn import Turn


class Cancelled(Exception):
    """The learner has seen enough."""


class Verdicts(Panel):
    """Show which anomalies really happen on a server; `found` holds the verdicts."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.found: Findings | None = None
        self._end = threading.Event()
        self._turn = Turn()
        self.table = Matrix("Verdicts")
        self.manual = Code("What the manual promises", language="text")
        self.again = ipywidgets.Button(
            description="Run again", tooltip="Run every script at every level once more"
        )
        self.again.on_click(lambda _button: self._start())
        super().__init__(
            "Isolation levels, put to the test",
            note=source.title,
            accent=source.accent,
            controls=[self.again],
            body=[self.table, self.manual],
            strip=Code("SQL that ran"),
        )
        self.run()

    def run(self) -> Findings | None:
        """Run every script at every level, show what came, and return it."""
        with self._turn:
            self._end.clear()
            try:
                self.found = measure(self.source, progress=self._progress)
            except Cancelled:
                self.halt("cancelled", state="empty")
            except (SQLError, Unsupported) as error:
                self.fail(str(error))
            except exc.SQLAlchemyError as error:
                self._fail(error)
            else:
                self._show(self.found)
            return self.found

    def close(self) -> None:
        """Stop measuring, and remove the panel."""
        self._turn.end()
        self._end.set()
        super().close()

    def _start(self) -> None:
        self._turn.ask(self.background, self.run)

    def _progress(self, done: int, of: int) -> None:
        if self._end.is_set():
            raise Cancelled
        self.start(f"{done} of {of} runs", cancel=self._end.set)

    def _show(self, found: Findings) -> None:
        self.table.show(grid(found))
        self.manual.show(promises(found.rules))
        if self.strip is not None:
            self.strip.show(_scripts(found))
        count = len(found.verdicts)
        self.done(f"{count} runs, {count - len(found.surprises)} agree with the manual")

    def _fail(self, error: exc.SQLAlchemyError) -> None:
        self.fail(self.source.safe(reason(error)), remedy(self.source, error))


def grid(found: Findings) -> Grid:
    """Lay the verdicts out: a row for each anomaly, a column for each level."""
    names = list(dict.fromkeys(one.script for one in found.verdicts))
    by_place = {(one.script.code, one.level): one for one in found.verdicts}
    rows = [
        [one.name, one.code, *(_cell(by_place[one.code, level], found) for level in LEVELS)]
        for one in names
    ]
    return Grid(
        columns=["Anomaly", "Code", *(level.capitalize() for level in LEVELS)],
        rows=rows,
        note=_note(found),
    )


def promises(rules: Sequence[Rule]) -> str:
    """Write down the promises of a manual, each with its page."""
    return "\n\n".join(f"{_levels(r)} · {', '.join(r.codes)}\n{r.words}\n{r.page}" for r in rules)


def _cell(verdict: Verdict, found: Findings) -> str:
    said = "✗ happened" if verdict.happened else f"✓ {verdict.how}"
    return f"{said} (the manual says otherwise)" if verdict in found.surprises else said


def _note(found: Findings) -> str:
    count = len(found.verdicts)
    agreed = count - len(found.surprises)
    signs = "✗ it happened on this server. ✓ It did not, and what was seen instead; "
    older = "“older version”: a query got what had been committed before."
    manual = f"the manual of {found.product} {found.release}"
    return f"{signs}{older} {agreed} of {count} agree with {manual}."


def _levels(rule: Rule) -> str:
    if len(rule.levels) == len(LEVELS):
        return "At every level"
    first = rule.levels[0].capitalize()
    only = len(rule.levels) == 1
    return f"At {first}" if only else f"From {first} on"


def _scripts(found: Findings) -> str:
    parts: list[Any] = []
    for script in dict.fromkeys(one.script for one in found.verdicts):
        parts += [f"-- {script.title}, at every level", *(f"{s};" for s in script.setup)]
        parts += [*spoken(script.steps), ""]
    return "\n".join(parts).strip()

"""A tree of steps with figures beside it, and two such trees side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from typing import Any

import traitlets

from kit.widgets import plan_rows as rows
from kit.widgets.parts import HERE, Part
from kit.widgets.plan_rows import Column, Line, Remark, Step


def _script(name: str) -> str:
    """Put what both pictures share before the script: a browser loads each as one module."""
    return "".join((HERE / part).read_text(encoding="utf-8") for part in ("plan_parts.js", name))


class PlanTree(Part):
    """Show steps as a tree; the arrow keys move through it, and the chosen step is explained."""

    _esm = _script("plan_tree.js")
    _css = HERE / "plan_tree.css"
    label = traitlets.Unicode("").tag(sync=True)
    columns: Any = traitlets.List().tag(sync=True)
    data: Any = traitlets.Dict().tag(sync=True)

    def __init__(self, label: str, columns: Sequence[Column]) -> None:
        super().__init__(label=label, columns=[asdict(column) for column in columns])
        self._columns = tuple(columns)
        self.steps: tuple[Step, ...] = ()
        self.remarks: tuple[Remark, ...] = ()
        self.caution = self.note = ""

    def show(
        self,
        steps: Sequence[Step],
        *,
        remarks: Sequence[Remark] = (),
        chosen: int = 0,
        caution: str = "",
        note: str = "",
        quiet: str = "",
    ) -> None:
        """Replace the tree; `chosen` is explained first, `quiet` is said where no remark is.

        `caution` stands above the tree, `note` below it in a saved notebook.
        """
        self.steps, self.remarks = tuple(steps), tuple(remarks)
        self.caution, self.note = caution, note
        self.data = {
            "steps": [rows.live(step) for step in steps],
            "remarks": [rows.live_remark(remark) for remark in remarks],
            "chosen": chosen,
            "quiet": quiet,
            "caution": caution,
        }

    def static_html(self) -> str:
        """Return the tree as a table, without what changes from run to run."""
        if not self.steps:
            return ""
        kept = [column for column in self._columns if not column.volatile]
        head = "".join(rows.th(column.label, "right") for column in kept)
        body = "".join(
            f"<tr>{rows.td(rows.indented(step))}"
            + "".join(rows.td(escape(rows.stable(step, column)), "right") for column in kept)
            + f"{rows.td(rows.marks_text(step))}</tr>"
            for step in self.steps
        )
        items = "".join(f"<li>{rows.remark_html(one)}</li>" for one in self._lasting())
        listed = f"<ul>{items}</ul>" if items else ""
        said = [f"<p>{escape(text)}</p>" if text else "" for text in (self.caution, self.note)]
        table = f"<table><tr>{rows.th('Step')}{head}<th></th></tr>{body}</table>"
        return f"{said[0]}{table}{listed}{said[1]}"

    def static_text(self) -> str:
        """Return the tree as indented lines."""
        if not self.steps:
            return ""
        if not self.steps:
            return ""
        kept = [column for column in self._columns if not column.volatile]
        table = [["Step", *(column.label for column in kept), ""]]
        for step in self.steps:
            figures = [rows.stable(step, column) for column in kept]
            table.append([rows.indented(step, blank=" "), *figures, rows.marks_text(step)])
        said = [f"{one.title}. {one.words}" for one in self._lasting()]
        return "\n".join(filter(None, [self.caution, *rows.columned(table), *said, self.note]))

    def _lasting(self) -> list[Remark]:
        return [remark for remark in self.remarks if not remark.volatile]


class PlanDiff(Part):
    """Show two trees side by side, step by step, with what became of each."""

    _esm = _script("plan_diff.js")
    _css = HERE / "plan_tree.css"
    label = traitlets.Unicode("").tag(sync=True)
    columns: Any = traitlets.List().tag(sync=True)
    data: Any = traitlets.Dict().tag(sync=True)

    def __init__(self, label: str, columns: Sequence[Column]) -> None:
        super().__init__(label=label, columns=[asdict(column) for column in columns])
        self._columns = tuple(columns)
        self.lines: tuple[Line, ...] = ()
        self.note = ""

    def show(self, lines: Sequence[Line], *, note: str = "") -> None:
        """Replace both trees; the line that matters most is explained first."""
        self.lines, self.note = tuple(lines), note
        chosen = next((i for i, line in enumerate(lines) if line.main), 0)
        self.data = {"lines": [rows.live_line(line) for line in lines], "chosen": chosen}

    def static_html(self) -> str:
        """Return both trees as one table."""
        if not self.lines:
            return ""
        kept = [column for column in self._columns if not column.volatile]
        heads = "".join(rows.th(column.label, "right") for column in kept)
        body = "".join(
            f"<tr>{rows.side_html(line.before, kept)}{rows.td(rows.marked(line))}"
            f"{rows.side_html(line.after, kept)}</tr>"
            for line in self.lines
        )
        said = "".join(f"<li>{escape(line.words)}</li>" for line in self.lines if line.main)
        listed = f"<ul>{said}</ul>" if said else ""
        note = f"<p>{escape(self.note)}</p>" if self.note else ""
        head = f"<tr>{rows.th('Before')}{heads}<th></th>{rows.th('After')}{heads}</tr>"
        return f"<table>{head}{body}</table>{listed}{note}"

    def static_text(self) -> str:
        """Return both trees as columns of text."""
        if not self.lines:
            return ""
        kept = [column for column in self._columns if not column.volatile]
        names = [column.label for column in kept]
        table = [["Before", *names, "", "After", *names]]
        for line in self.lines:
            sides = [rows.side_text(side, kept) for side in (line.before, line.after)]
            table.append([*sides[0], rows.marked(line), *sides[1]])
        said = [line.words for line in self.lines if line.main]
        return "\n".join(filter(None, [*rows.columned(table), *said, self.note]))

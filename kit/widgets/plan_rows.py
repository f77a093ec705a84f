"""What the pictures of a plan are made of, and how they look where no kernel answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any, Literal

from kit.widgets import values

NBSP = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of figures; a `volatile` one changes from run to run and is seen live only."""

    key: str
    label: str
    hint: str = ""
    volatile: bool = False


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A figure as it is read, the exact one for the hover, and a share from 0 to 1 as a bar.

    `aside` stands behind the figure, at the same width in all rows.
    """

    text: str = ""
    aside: str = ""
    exact: str = ""
    bar: float | None = None
    volatile: bool = False


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A sign beside a step, always icon and word; `when` says where it may stand."""

    icon: str
    word: str
    kind: str = ""
    when: Literal["live", "saved", "both"] = "both"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One row of a tree: what is done, to what, and its figures by the key of their column.

    `level` is 1 for the root. `words` explain it, `facts` are names with texts.
    """

    label: str
    target: str = ""
    role: str = ""
    level: int = 1
    cells: dict[str, Cell] = field(default_factory=dict)
    marks: Sequence[Mark] = ()
    words: str = ""
    facts: Sequence[tuple[str, str]] = ()
    faint: bool = False


@dataclass(frozen=True, kw_only=True)
class Remark:
    """What to notice at the step with this index, and code to try."""

    step: int
    title: str
    words: str
    code: str = ""
    volatile: bool = False


@dataclass(frozen=True, kw_only=True)
class Line:
    """Two steps side by side, or one with a gap beside it, and what became of it."""

    before: Step | None
    after: Step | None
    mark: Mark
    words: str = ""
    main: bool = False


def indented(step: Step, blank: str = NBSP) -> str:
    """Write a step with its place in the tree."""
    place = blank * (3 * (step.level - 2)) + f"└{blank}" if step.level > 1 else ""
    role = f"{step.role}: " if step.role else ""
    text = f"{role}{step.label} {step.target}".strip()
    return place + (escape(values.visible(text)) if blank == NBSP else values.visible(text))


def live(step: Step) -> dict[str, Any]:
    """Return a step as plain data, without what only a saved notebook shows."""
    shown = asdict(step)
    shown["marks"] = [asdict(mark) for mark in step.marks if mark.when != "saved"]
    for key in ("label", "target", "role"):
        shown[key] = values.visible(shown[key])
    shown["facts"] = [[name, values.visible(text)] for name, text in step.facts]
    return shown


def live_remark(remark: Remark) -> dict[str, Any]:
    """Return a remark as plain data."""
    shown = asdict(remark)
    return shown | {key: values.visible(shown[key]) for key in ("title", "words", "code")}


def live_line(line: Line) -> dict[str, Any]:
    """Return a line as plain data."""
    sides = {"before": line.before, "after": line.after}
    return {
        **{key: None if side is None else live(side) for key, side in sides.items()},
        "mark": asdict(line.mark),
        "words": line.words,
        "main": line.main,
    }


def stable(step: Step, column: Column) -> str:
    """Return a figure, nothing for one that changes from run to run."""
    cell = step.cells.get(column.key, Cell())
    return "" if cell.volatile else cell.text


def marks_text(step: Step) -> str:
    """Return the marks that a saved notebook shows."""
    return escape("  ".join(f"{m.icon} {m.word}" for m in step.marks if m.when != "live"))


def marked(line: Line) -> str:
    """Return what became of a line, as icon and word."""
    return escape(f"{line.mark.icon} {line.mark.word}")


def side_html(step: Step | None, columns: Sequence[Column]) -> str:
    """Return one side of a line as table cells."""
    if step is None:
        return "<td></td>" * (1 + len(columns))
    figures = "".join(td(escape(stable(step, column)), "right") for column in columns)
    return td(indented(step)) + figures


def side_text(step: Step | None, columns: Sequence[Column]) -> list[str]:
    """Return one side of a line as texts."""
    if step is None:
        return [""] * (1 + len(columns))
    return [indented(step, blank=" "), *(stable(step, column) for column in columns)]


def remark_html(remark: Remark) -> str:
    """Return a remark as escaped HTML."""
    code = f"<br><code>{escape(remark.code)}</code>" if remark.code else ""
    title = escape(values.visible(remark.title))
    return f"<b>{title}</b>. {escape(values.visible(remark.words))}{code}"


def th(text: str, side: str = "left") -> str:
    """Return a heading cell."""
    return f'<th align="{side}" style="text-align:{side}">{escape(text)}</th>'


def td(markup: str, side: str = "left") -> str:
    """Return a cell around escaped markup."""
    return f'<td align="{side}" style="text-align:{side};white-space:nowrap">{markup}</td>'


def columned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Set rows of texts in columns, figures to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    right = [i not in (0, len(rows[0]) - 1) for i in range(len(rows[0]))]
    return [
        "  ".join(
            text.rjust(width) if r and text[:1].isdigit() else text.ljust(width)
            for text, width, r in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in rows
    ]

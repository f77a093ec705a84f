"""Lanes side by side: who said what in which order, what came of it, and who waits for whom."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import traitlets

from kit.widgets import values
from kit.widgets.code import highlight
from kit.widgets.parts import HERE, Part
from kit.widgets.table import Grid, Table

State = Literal["later", "next", "running", "waiting", "done", "refused", "skipped", "event"]
Bar = Literal["", "open", "waiting"]

ICONS: dict[State, str] = {
    "later": "",
    "next": "▸",
    "running": "◐",
    "waiting": "◌",
    "done": "→",
    "refused": "✗",
    "skipped": "–",
    "event": "⚡",
}


_LEFT = ' align="left" style="text-align:left"'


@dataclass(frozen=True)
class Lane:
    """One column: its name, and how it stands in a sign and a word."""

    name: str
    icon: str = ""
    word: str = ""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row: the code in its lane and what came of it; without a lane it concerns all of them.

    `bars` tells for each lane whether a line runs through this row.
    """

    lane: int | None
    code: str = ""
    said: str = ""
    state: State = "later"
    bars: Sequence[Bar] = ()


@dataclass(frozen=True, kw_only=True)
class Arrow:
    """Somebody waits: from one lane to another, or (None) to nobody in the picture."""

    start: int
    end: int | None
    words: str
    broken: bool = False


@dataclass(frozen=True, kw_only=True)
class Course:
    """All that is shown: what it is about, lanes, entries, arrows, and what to make of it.

    With `waits`, room is kept for arrows, even while there are none.
    """

    lead: str = ""
    lanes: Sequence[Lane] = ()
    entries: Sequence[Entry] = ()
    arrows: Sequence[Arrow] = ()
    waits: bool = True
    closing: str = ""
    icon: str = ""


class Lanes(Part):
    """Show a course of events; a saved notebook may be given another state of it."""

    _esm = HERE / "stepper.js"
    _css = HERE / "stepper.css"
    html: Any = traitlets.Unicode("").tag(sync=True)

    def __init__(self, language: str = "sql") -> None:
        super().__init__()
        self.language = language
        self.course = self.saved = Course()

    def show(self, course: Course, *, saved: Course | None = None) -> None:
        """Replace what is shown; give `saved` to a saved notebook."""
        self.course, self.saved = course, saved or course
        self.html = course_html(course, self.language)

    def static_html(self) -> str:
        """Return the course as a plain table."""
        return static_html(self.saved)

    def static_text(self) -> str:
        """Return the course line by line."""
        return static_text(self.saved)


class Matrix(Table):
    """Show a whole table at once, and set off the cells that say what went wrong (✗)."""

    _css = HERE / "stepper.css"

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self.add_class("kit-matrix")

    def show(self, *grids: Grid) -> None:
        """Replace what is shown."""
        super().show(*grids)
        self.html = re.sub(r"<td([^>]*)>(?=✗)", r'<td\1 class="kit-wrong">', self.html)


def course_html(course: Course, language: str) -> str:
    """Return a course as an escaped HTML table, with the arrows between its lanes."""
    if not course.lanes:
        return ""
    lead = f'<p class="kit-lead">{escape(course.lead)}</p>' if course.lead else ""
    heads = "".join(_head(i, lane) for i, lane in enumerate(course.lanes))
    count = len(course.lanes)
    waits = f'<td></td><td colspan="{count}">{_waits(course) if course.waits else ""}</td>'
    rows = "".join(_row(i, entry, count, language) for i, entry in enumerate(course.entries, 1))
    body = (
        f'<colgroup><col class="kit-lanes-number"></colgroup>'
        f'<thead><tr><td></td>{heads}</tr><tr class="kit-lanes-waits">{waits}</tr></thead>'
        f"<tbody>{rows}</tbody>"
    )
    name = 'role="region" aria-label="Sessions, side by side" tabindex="0"'
    table = f'<div class="kit-lanes-scroll" {name}><table class="kit-lanes">{body}</table></div>'
    return f"{lead}{table}{_closing(course)}"


def static_html(course: Course) -> str:
    """Return a course as a table that needs no style sheet."""
    if not course.lanes:
        return ""
    lead = f"<p>{escape(course.lead)}</p>" if course.lead else ""
    names = "".join(f"<th{_LEFT}>{escape(lane.name)}</th>" for lane in course.lanes)
    rows = "".join(
        _static_row(i, entry, len(course.lanes)) for i, entry in enumerate(course.entries, 1)
    )
    table = f"<table><thead><tr><th></th>{names}</tr></thead><tbody>{rows}</tbody></table>"
    closing = f"<p><strong>{escape(_ended(course))}</strong></p>" if course.closing else ""
    return f"{lead}{table}{closing}"


def static_text(course: Course) -> str:
    """Return a course in plain text, one line per entry and one for what came of it."""
    lines = [course.lead] if course.lead else []
    for i, entry in enumerate(course.entries, 1):
        name = "" if entry.lane is None else course.lanes[entry.lane].name
        lines.append(f"{i:>2}  {name:<3} {values.visible(entry.code or _said(entry))}".rstrip())
        if entry.code and entry.said:
            lines.append(f"        {values.visible(_said(entry))}")
    return "\n".join([*lines, *([_ended(course)] if course.closing else [])])


def _head(index: int, lane: Lane) -> str:
    dot = '<span class="kit-lane-dot" aria-hidden="true"></span>'
    state = f'<span class="kit-lane-word">{escape(f"{lane.icon} {lane.word}".strip())}</span>'
    return f'<th scope="col" class="kit-lane-{index}">{dot}{escape(lane.name)} {state}</th>'


def _waits(course: Course) -> str:
    """Draw one arrow a line; the room is kept free for as many as there are lanes."""
    count = len(course.lanes)
    drawn = "".join(_arrow(i, arrow, count) for i, arrow in enumerate(course.arrows, 1))
    drawn = drawn or '<div class="kit-nobody">nobody waits</div>'
    style = f"--kit-count:{count}"
    return f'<div class="kit-waits" style="{style}" role="status">{drawn}</div>'


def _arrow(row: int, arrow: Arrow, count: int) -> str:
    start = 2 * arrow.start + 2
    end = 2 * count + 1 if arrow.end is None else 2 * arrow.end + 2
    left, right = (start, end) if start < end else (end, start)
    names = [f"kit-lane-{arrow.start}", "kit-arrow"]
    names.append("kit-arrow-right" if end > start else "kit-arrow-left")
    names += ["kit-arrow-broken"] if arrow.broken else []
    names += ["kit-arrow-out"] if arrow.end is None else []
    words = f"<span>{escape(values.visible(arrow.words))}</span>"
    place = f"grid-row:{row};grid-column:{left}/{right}"
    return f'<div class="{" ".join(names)}" style="{place}">{words}</div>'


def _row(number: int, entry: Entry, count: int, language: str) -> str:
    head = f'<th scope="row">{number}</th>'
    if entry.lane is None:
        said = f'<td colspan="{count}">{_outcome(entry)}</td>'
        return f'<tr class="kit-step-event">{head}{said}</tr>'
    bars = [*entry.bars, *[""] * count]
    cells = ""
    for lane in range(count):
        inside = _cell(entry, language) if lane == entry.lane else ""
        names = f"kit-lane-{lane}" + (f" kit-bar-{bars[lane]}" if bars[lane] else "")
        cells += f'<td class="{names}">{inside}</td>'
    return f'<tr class="kit-step-{entry.state}">{head}{cells}</tr>'


def _cell(entry: Entry, language: str) -> str:
    code = f"<code>{highlight(values.visible(entry.code), language)}</code>"
    return f"{code}{_outcome(entry)}"


def _outcome(entry: Entry) -> str:
    icon = f'<span class="kit-icon" aria-hidden="true">{ICONS[entry.state]}</span>'
    said = escape(values.visible(entry.said)) or "&nbsp;"
    return f'<div class="kit-outcome" dir="auto">{icon} {said}</div>'


def _static_row(number: int, entry: Entry, count: int) -> str:
    head = f"<td>{number}</td>"
    if entry.lane is None:
        return f'<tr>{head}<td colspan="{count}"{_LEFT}>{escape(_said(entry))}</td></tr>'
    said = f"<br>{escape(values.visible(_said(entry)))}" if entry.said else ""
    inside = f"<code>{escape(values.visible(entry.code))}</code>{said}"
    cells = "".join(
        f"<td{_LEFT}>{inside if lane == entry.lane else ''}</td>" for lane in range(count)
    )
    return f"<tr>{head}{cells}</tr>"


def _closing(course: Course) -> str:
    said = escape(course.closing) or "&nbsp;"
    icon = f'<span class="kit-icon" aria-hidden="true">{escape(course.icon)}</span>'
    kind = {"✗": "failed", "✓": "done"}.get(course.icon, "empty")
    return f'<p class="kit-closing kit-{kind}" role="status">{icon} {said}</p>'


def _said(entry: Entry) -> str:
    return f"{ICONS[entry.state]} {entry.said}".strip()


def _ended(course: Course) -> str:
    return f"{course.icon} {course.closing}".strip()

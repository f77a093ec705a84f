"""Things laid out on labelled shelves: what lies together, and what an answer had to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

import traitlets

from kit.widgets import values
from kit.widgets.parts import HERE, Part

SHELVES, BOXES, STATIC_BOXES = 24, 40, 20
"""How many shelves, and boxes on each, are drawn at most, live and in a still picture."""

Kind = Literal["", "hit", "read"]
_SIGNS: dict[Kind, tuple[str, str]] = {
    "hit": ("✓", "answered"),
    "read": ("×", "read, then dropped"),
    "": ("", "not touched"),
}
_LEFT = ' align="left" style="text-align:left"'
_WHOLE = ' align="left" style="text-align:left;white-space:nowrap"'


@dataclass(frozen=True)
class Box:
    """One thing: its label, what hovering tells, and what an answer did with it.

    `heat`, from 0 to 1, shades the box; the label has to say the same in figures.
    """

    text: str
    note: str = ""
    kind: Kind = ""
    heat: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """A label, what lies on the shelf in order, and a note such as how many there are."""

    label: str
    boxes: Sequence[Box]
    note: str = ""


class Shelves(Part):
    """Show shelves; what an answer read is marked by sign and colour, with a legend."""

    _esm = HERE / "shelves.js"
    _css = HERE / "shelves.css"
    html = traitlets.Unicode("").tag(sync=True)
    label = traitlets.Unicode("").tag(sync=True)

    def __init__(self, label: str) -> None:
        super().__init__(label=label)
        self.caption = ""
        self.shelves: tuple[Shelf, ...] = ()

    def show(self, shelves: Sequence[Shelf], *, caption: str = "") -> None:
        """Replace what is shown; `caption` says what a shelf and a box stand for."""
        self.shelves, self.caption = tuple(shelves), caption
        self.html = self._html()

    @property
    def marked(self) -> bool:
        """Tell whether an answer is marked."""
        return any(box.kind for shelf in self.shelves for box in shelf.boxes)

    def static_html(self) -> str:
        """Return one table row for each shelf."""
        if not self.shelves:
            return ""
        rows = "".join(
            f"<tr><th{_WHOLE}>{_shown(shelf.label)}</th>"
            f"<td{_LEFT}>{escape(_line(shelf))}</td>"
            f"<td{_WHOLE}>{escape(shelf.note)}</td></tr>"
            for shelf in self.shelves[:SHELVES]
        )
        foot = "".join(f"<p>{escape(line)}</p>" for line in self._foot())
        return f"<p>{escape(self.caption)}</p><table>{rows}</table>{foot}"

    def static_text(self) -> str:
        """Return one line for each shelf."""
        if not self.shelves:
            return ""
        lines = [
            f"{values.visible(shelf.label)}: {_line(shelf)}  {shelf.note}".rstrip()
            for shelf in self.shelves[:SHELVES]
        ]
        return "\n".join([self.caption, *lines, *self._foot()])

    def _html(self) -> str:
        if not self.shelves:
            return ""
        rows = "".join(_row(shelf) for shelf in self.shelves[:SHELVES])
        foot = "".join(f'<p class="kit-limit">{escape(line)}</p>' for line in self._foot())
        legend = self._legend() if self.marked else ""
        caption = f'<p class="kit-shelves-caption">{escape(self.caption)}</p>'
        return f'{caption}<div class="kit-shelves" role="list">{rows}</div>{legend}{foot}'

    def _legend(self) -> str:
        said = "".join(
            f"<span>{_box(Box('', kind=kind))} {words}</span>"
            for kind, (_, words) in _SIGNS.items()
        )
        return f'<div class="kit-shelves-legend">{said}</div>'

    def _foot(self) -> list[str]:
        more = len(self.shelves) - SHELVES
        return [f"{more:,} more not drawn"] if more > 0 else []


def _row(shelf: Shelf) -> str:
    boxes = "".join(_box(box) for box in shelf.boxes[:BOXES])
    more = len(shelf.boxes) - BOXES
    rest = f'<span class="kit-shelf-more">and {more:,} more</span>' if more > 0 else ""
    return (
        f'<div class="kit-shelf" role="listitem"><div class="kit-shelf-label" dir="auto" '
        f'title="{escape(values.visible(shelf.label))}">{_shown(shelf.label)}</div>'
        f'<div class="kit-shelf-boxes">{boxes}{rest}</div>'
        f'<div class="kit-shelf-note">{escape(shelf.note)}</div></div>'
    )


def _box(box: Box) -> str:
    sign, words = _SIGNS[box.kind]
    note = ": ".join(filter(None, [words if box.kind else "", box.note]))
    head = f'<span class="kit-box-sign" aria-hidden="true">{sign}</span>' if sign else ""
    head += f'<span class="kit-unseen">{words}: </span>' if box.kind else ""
    name = f"kit-box kit-box-{box.kind}" if box.kind else "kit-box"
    heat = f' style="--kit-heat:{box.heat:.0%}"' if box.heat else ""
    title = escape(values.visible(note))
    inside = _shown(box.text) or "&nbsp;"
    return f'<span class="{name}" title="{title}"{heat}>{head}{inside}</span>'


def _line(shelf: Shelf) -> str:
    drawn = shelf.boxes[:STATIC_BOXES]
    shown = [f"{_SIGNS[box.kind][0]}{values.plain(box.text, 24)}" for box in drawn]
    more = len(shelf.boxes) - len(drawn)
    return " · ".join([*shown, *([f"and {more:,} more"] if more > 0 else [])])


def _shown(text: str) -> str:
    return escape(values.plain(text, 32))

"""What `kit.check` and `kit.progress` show: a line or two of text, and the same as a card."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Literal

State = Literal["right", "off", "not yet", "unchecked"]

_ICONS: dict[State, str] = {"right": "✓", "off": "✗", "not yet": "○", "unchecked": "!"}
_COLOURS: dict[State, str] = {
    "right": "var(--jp-success-color1, #388e3c)",
    "off": "var(--jp-error-color1, #d32f2f)",
    "not yet": "var(--jp-border-color1, #9e9e9e)",
    "unchecked": "var(--jp-warn-color1, #f57c00)",
}
_CARD = (
    "border-left: 3px solid {colour}; padding: 4px 12px; max-width: 44em;"
    " color: var(--jp-content-font-color1, inherit);"
    " font-family: var(--jp-content-font-family, sans-serif)"
)
_QUIET = "color: var(--jp-content-font-color2, inherit)"
_CELL = "text-align: {side}; padding: 2px 16px 2px 0; background: transparent"


@dataclass(frozen=True)
class Verdict:
    """Say what became of an answer; it is true when the answer is right.

    `state` is "right", "off", "not yet" (nothing was answered) or "unchecked" (the answer
    could not be judged, and why).
    """

    exercise: str
    title: str
    state: State
    message: str
    hint: str = ""
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.state == "right"

    def __repr__(self) -> str:
        lines = [f"{_ICONS[self.state]} {self._heading}", self.message, *self._more]
        return "\n  ".join(lines)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._html()}

    @property
    def _heading(self) -> str:
        return f"{self.exercise} · {self.title}" if self.title else self.exercise

    @property
    def _more(self) -> list[str]:
        return [*([f"Hint: {self.hint}"] if self.hint else []), *self.notes]

    def _html(self) -> str:
        more = "".join(f'<div style="{_QUIET}">{escape(line)}</div>' for line in self._more)
        return (
            f'<div role="status" style="{_CARD.format(colour=_COLOURS[self.state])}">'
            f"<strong>{_ICONS[self.state]} {escape(self._heading)}</strong>"
            f"<div>{escape(self.message)}</div>{more}</div>"
        )


@dataclass(frozen=True)
class SectionProgress:
    """Count what is solved in one section; `marks` holds each exercise's id and state."""

    notebook: str
    title: str
    marks: tuple[tuple[str, State], ...]

    @property
    def solved(self) -> int:
        """Return how many of the section's exercises are solved."""
        return sum(state == "right" for _, state in self.marks)

    @property
    def total(self) -> int:
        """Return how many exercises the section has."""
        return len(self.marks)


@dataclass(frozen=True)
class Progress:
    """Show what is solved, section by section."""

    sections: tuple[SectionProgress, ...]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        width = max((len(section.title) for section in self.sections), default=0)
        lines = [
            f"{section.title:<{width}}  {section.solved:>2} of {section.total}  {_row(section)}"
            for section in self.sections
        ]
        return "\n".join([*lines, *self.notes]) or "There are no exercises yet."

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._html()}

    def _html(self) -> str:
        cell = {side: f'style="{_CELL.format(side=side)}"' for side in ("left", "right")}
        rows = "".join(
            f"<tr><td {cell['left']}>{escape(section.title)}</td>"
            f"<td {cell['right']}>{section.solved} of {section.total}</td>"
            f"<td {cell['left']}>{escape(_row(section))}</td></tr>"
            for section in self.sections
        )
        notes = "".join(f'<div style="{_QUIET}">{escape(note)}</div>' for note in self.notes)
        head = "".join(
            f'<th scope="col" {cell[side]}>{name}</th>'
            for name, side in (("Section", "left"), ("Solved", "right"), ("Exercises", "left"))
        )
        return (
            f'<div style="{_CARD.format(colour=_COLOURS["not yet"])}">'
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{notes}</div>"
        )


def _row(section: SectionProgress) -> str:
    return "  ".join(f"{_ICONS[state]} {name}" for name, state in section.marks)

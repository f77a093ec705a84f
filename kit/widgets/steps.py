"""An ordered list of steps, each typed by hand, with what became of it beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import traitlets

from kit.widgets import values
from kit.widgets.parts import HERE, Part


@dataclass(frozen=True)
class Kind:
    """A name that a step may have, what it does, a text to begin from, and where to read on."""

    name: str
    help: str = ""
    example: str = ""
    link: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a step.

    `figures` stand beside its name, those in `volatile` in the page only; `share` is the length
    of its bar, from 0 to 1; `lines` are shown one below the other, under `caption`.
    """

    state: str
    figures: Sequence[str] = ()
    volatile: Sequence[str] = ()
    share: float | None = None
    caption: str = ""
    lines: Sequence[str] = ()
    message: str = ""
    hint: str = ""


ICONS = {
    "done": "✓",
    "failed": "✗",
    "off": "○",
    "later": "–",
    "held": "■",
    "running": "◐",
}
WORDS = {
    "done": "",
    "failed": "failed",
    "off": "switched off",
    "later": "not run",
    "held": "held back",
    "running": "running",
}


class Steps(Part):
    """Edit steps: add, remove, move, switch on and off; Ctrl+Enter in any of them runs all.

    Each of `items` is a dictionary with `id`, `kind`, `text` and `on`. What is typed is kept in
    the page and sent here as it is typed; nothing but the learner's hand, or setting `items`,
    changes it.
    """

    _esm = HERE / "steps.js"
    _css = HERE / "steps.css"
    items: Any = traitlets.List().tag(sync=True)
    kinds: Any = traitlets.List().tag(sync=True)
    outcomes: Any = traitlets.Dict().tag(sync=True)
    label = traitlets.Unicode("").tag(sync=True)

    def __init__(self, label: str, kinds: Sequence[Kind], run: Callable[[], None]) -> None:
        self.known = tuple(kinds)
        self.told: dict[str, Outcome] = {}
        super().__init__(
            label=label,
            kinds=[
                {"name": k.name, "help": k.help, "example": k.example, "link": k.link}
                for k in kinds
            ],
        )
        self.listen("run", lambda _: run())

    def tell(self, outcomes: Mapping[str, Outcome]) -> None:
        """Show what became of each step, by its id; steps without an outcome have not run."""
        self.told = dict(outcomes)
        self.outcomes = {name: _live(outcome) for name, outcome in outcomes.items()}

    def static_html(self) -> str:
        """Return the steps as a table, with what came out of the last one that ran below it."""
        if not self.items:
            return ""
        rows = "".join(self._row_html(i, item) for i, item in enumerate(self.items, 1))
        last = self._last()
        lines = "".join(f"<pre>{escape(line)}</pre>" for line in last.lines) if last else ""
        said = f"<p>{escape(last.caption)}</p>" if last and last.lines else ""
        return f"<table><tbody>{rows}</tbody></table>{said}{lines}"

    def static_text(self) -> str:
        """Return the steps line by line."""
        rows = []
        for i, item in enumerate(self.items, 1):
            said = " · ".join(filter(None, self._said(item)))
            rows.append(f"{i}  {values.visible(item['kind'])}  {said}".rstrip())
        last = self._last()
        return "\n".join([*rows, *([last.caption, *last.lines] if last and last.lines else [])])

    def _row_html(self, number: int, item: Mapping[str, Any]) -> str:
        left = ' align="left" style="text-align:left"'
        said = "<br>".join(escape(part) for part in self._said(item) if part)
        code = f"<code>{escape(item['kind'])}</code><br><pre>{escape(item['text'])}</pre>"
        return f"<tr><td>{number}</td><td{left}>{code}</td><td{left}>{said}</td></tr>"

    def _said(self, item: Mapping[str, Any]) -> list[str]:
        outcome = self.told.get(item["id"])
        if outcome is None:
            return [] if item["on"] else [f"{ICONS['off']} {WORDS['off']}"]
        word = f"{ICONS[outcome.state]} {WORDS[outcome.state]}".strip()
        head = " · ".join([word, *outcome.figures]) if WORDS[outcome.state] else ""
        figures = head or " · ".join(outcome.figures)
        return [figures, values.visible(outcome.message), outcome.hint]

    def _last(self) -> Outcome | None:
        ran = [self.told[item["id"]] for item in self.items if item["id"] in self.told]
        return next((outcome for outcome in reversed(ran) if outcome.state == "done"), None)


def _live(outcome: Outcome) -> dict[str, Any]:
    return {
        "state": outcome.state,
        "icon": ICONS[outcome.state],
        "word": WORDS[outcome.state],
        "figures": [*outcome.figures, *outcome.volatile],
        "share": outcome.share,
        "caption": outcome.caption,
        "lines": [values.visible(line) for line in outcome.lines],
        "message": outcome.message,
        "hint": outcome.hint,
    }

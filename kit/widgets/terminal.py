"""A command line: what was typed, what came back, and the lines before by the arrow keys."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import traitlets

from kit.widgets import values
from kit.widgets.parts import HERE, Part

KEPT = 200
"""How many entries are kept; the oldest go first."""

WIDEST = 20_000
"""Characters of one answer that are shown."""


class Terminal(Part):
    """Take a line at a time; `run(line)` is called for Enter.

    `saved_prompt` stands for the prompt in a saved notebook, where addresses have no place.
    """

    _esm = HERE / "terminal.js"
    _css = HERE / "terminal.css"
    entries: Any = traitlets.List().tag(sync=True)
    prompt = traitlets.Unicode("> ").tag(sync=True)
    label = traitlets.Unicode("").tag(sync=True)
    placeholder = traitlets.Unicode("").tag(sync=True)
    busy = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self, label: str, run: Callable[[str], None], *, saved_prompt: str = "> ", **traits: Any
    ) -> None:
        super().__init__(label=label, **traits)
        self._saved_prompt = saved_prompt
        self.listen("run", lambda line: run(str(line)))

    def typed(self, line: str) -> None:
        """Show a line as typed; the answers that follow belong to it."""
        entry = {"prompt": self.prompt, "line": values.visible(line), "reply": "", "ok": True}
        self.entries = [*self.entries, entry][-KEPT:]

    def say(self, text: str, *, ok: bool = True) -> None:
        """Add to the answer of the last line typed; `ok` is False for a refusal."""
        if not self.entries:
            self.typed("")
        last = dict(self.entries[-1])
        whole = "\n".join(filter(None, [last["reply"], _visible(text)]))
        cut = len(whole) - WIDEST
        last["reply"] = whole if cut <= 0 else f"{whole[:WIDEST]}\n… {cut:,} characters more"
        last["ok"] = last["ok"] and ok
        self.entries = [*self.entries[:-1], last]

    def clear(self) -> None:
        """Forget what was typed and answered."""
        self.entries = []

    def static_html(self) -> str:
        """Return the lines and their answers."""
        return f"<pre>{escape(self.static_text())}</pre>" if self.entries else ""

    def static_text(self) -> str:
        """Return the lines and their answers, as they would stand in a terminal."""
        return "\n".join(
            "\n".join(filter(None, [f"{self._saved_prompt}{entry['line']}", entry["reply"]]))
            for entry in self.entries
        )


def _visible(text: str) -> str:
    return "\n".join(values.visible(line) for line in text.split("\n"))

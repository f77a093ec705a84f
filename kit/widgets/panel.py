"""A panel: what it shows, its controls, the picture, and the code that it ran."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, Literal

import ipywidgets
import traitlets

from kit.widgets import order, units
from kit.widgets.code import Code
from kit.widgets.parts import HERE, Markup, Notice, Part, bundle, owned, pictures

State = Literal["empty", "waiting", "running", "done", "failed"]
WORDS: dict[State, tuple[str, str]] = {
    "empty": ("○", "nothing yet"),
    "waiting": ("◌", "waiting"),
    "running": ("◐", "running"),
    "done": ("✓", "done"),
    "failed": ("✗", "failed"),
}

_COLOUR = re.compile("#[0-9a-f]{6}", re.IGNORECASE)


class Status(Markup):
    """One line that says in which of the five states a panel is, by icon and by word."""

    def __init__(self) -> None:
        super().__init__()
        self.add_class("kit-status")
        self.state: State = "empty"
        self.show("empty")

    def show(
        self, state: State, text: str = "", *, seconds: float | None = None, icon: str = ""
    ) -> None:
        """Show `state` in words of its own, or in `text`, and how long it took."""
        self.state = state
        usual, word = WORDS[state]
        took = ""
        if seconds is not None:
            exact = f"{seconds:.6f} s"
            took = f' <span title="{exact}">· {units.duration(seconds)}</span>'
        sign = f'<span class="kit-icon" aria-hidden="true">{icon or usual}</span>'
        said = f"<span>{escape(text or word)}{took}</span>"
        self.value = f'<span class="kit-{state}" role="status">{sign} {said}</span>'


class Rule(Part):
    """Draw the thin line at the top of a panel, and bring the panel's style sheet along."""

    _esm = HERE / "rule.js"
    _css = HERE / "kit.css"
    accent = traitlets.Unicode("").tag(sync=True)


class Panel(ipywidgets.VBox):  # type: ignore[misc]
    """Stack a heading, one row of controls, the parts of the picture and a strip of code.

    `accent` is the colour of the thin line at the top, as #rrggbb. `strip` is None where nothing
    is run. A `notice` that already has its place in the body is used there.
    """

    def __init__(
        self,
        title: str,
        *,
        note: str = "",
        accent: str = "",
        controls: Sequence[Any] = (),
        body: Sequence[Any] = (),
        strip: Code | None = None,
        notice: Notice | None = None,
    ) -> None:
        order.keep()
        self.title = title
        self.status = Status()
        self.notice = notice or Notice()
        self.strip = strip
        self.cancel = ipywidgets.Button(description="Cancel", tooltip="Stop what is running")
        self.cancel.layout.display = "none"
        self.cancel.on_click(lambda _button: self._cancelled())
        self._heading = Markup()
        self._heading.add_class("kit-heading")
        top = ipywidgets.HBox([self._heading, self.status, self.cancel])
        top.add_class("kit-top")
        self.controls = ipywidgets.HBox(list(controls))
        self.controls.add_class("kit-controls")
        row = [self.controls] if controls else []
        tail = [strip] if strip is not None else []
        said = [] if notice is not None else [self.notice]
        accent = accent if _COLOUR.fullmatch(accent) else ""
        self.rule = Rule(accent=accent)
        super().__init__([self.rule, top, *row, *said, *body, *tail])
        self.add_class("kit-panel")
        self.describe(note)

    def describe(self, note: str) -> None:
        """Say beneath the title, in a few words, what is shown."""
        self.note = note
        line = f'<div class="kit-note">{escape(note)}</div>' if note else ""
        self._heading.value = f'<div class="kit-title">{escape(self.title)}</div>{line}'

    def wait(self, text: str) -> None:
        """Say what the panel waits for."""
        self._enter("waiting", text)

    def start(self, text: str = "", *, cancel: Callable[[], None] | None = None) -> None:
        """Say that work runs; with `cancel`, offer to stop it."""
        self._enter("running", text)
        self._cancel_by(cancel)

    def halt(self, text: str, *, state: State = "waiting") -> None:
        """Say that work was stopped before its end; what is shown and noted so far stays."""
        self._cancel_by(None)
        self.status.show(state, text, icon="■")

    def done(self, text: str = "", *, seconds: float | None = None) -> None:
        """Say what came out, and how long it took."""
        self._enter("done", text, seconds)

    def empty(self, message: str, hint: str = "") -> None:
        """Say that there is nothing to show yet, and what would make it appear."""
        self._enter("empty")
        self.notice.say(message, hint)

    def fail(self, message: str, hint: str = "", *, text: str = "") -> None:
        """Show a server's `message` as it was said, and what to do about it."""
        self._enter("failed", text)
        self.notice.say(message, hint, kind="failed", quoted=True)

    def background(self, work: Callable[[], object]) -> threading.Thread:
        """Do `work` beside the kernel, so that the panel still answers."""
        thread = threading.Thread(target=work, name="kit-panel", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Remove the panel and all its parts from the page."""
        for part in owned(self):
            part.close()
        super().close()

    def static_html(self) -> str:
        """Return the panel as it stands, for a notebook without a kernel."""
        note = f" · {escape(self.note)}" if self.note else ""
        head = f"<p><strong>{escape(self.title)}</strong>{note}</p>"
        return f"<div>{head}{''.join(part.static_html() for part in pictures(self.children))}</div>"

    def static_text(self) -> str:
        """Return the panel as it stands, in plain text."""
        head = f"{self.title} · {self.note}" if self.note else self.title
        parts = [part.static_text() for part in pictures(self.children)]
        return "\n\n".join([head, *(part for part in parts if part)])

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return bundle(self, super()._repr_mimebundle_(**options))

    _cancel: Callable[[], None] | None = None

    def _enter(self, state: State, text: str = "", seconds: float | None = None) -> None:
        self._cancel_by(None)
        self.notice.hide()
        self.status.show(state, text, seconds=seconds)

    def _cancel_by(self, cancel: Callable[[], None] | None) -> None:
        self._cancel = cancel
        self.cancel.layout.display = None if cancel else "none"

    def _cancelled(self) -> None:
        if self._cancel is not None:
            self._cancel()

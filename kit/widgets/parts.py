"""What every part of a panel is: a live view, and a true picture without a kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import anywidget
import ipywidgets

HERE = Path(__file__).parent
VIEW = "application/vnd.jupyter.widget-view+json"

Bundle = dict[str, Any]


@runtime_checkable
class Pictured(Protocol):
    """What can show itself in a saved notebook, where no kernel answers.

    Both renderings must be the same whenever the data are the same: no time, port or path.
    """

    def static_html(self) -> str:
        """Return escaped HTML that needs neither a style sheet nor a script."""

    def static_text(self) -> str:
        """Return the same in plain text."""


def bundle(widget: Pictured, view: Any) -> Bundle:
    """Join a widget's live view with its static pictures."""
    data = view[0] if isinstance(view, tuple) else view
    return {
        **(data or {}),
        "text/html": widget.static_html(),
        "text/plain": widget.static_text(),
    }


class Part(anywidget.AnyWidget):
    """A part drawn by a script of its own; it tells how many views of it are open."""

    views: set[str]

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.views = set()
        self._listeners: dict[str, Callable[[Any], None]] = {}
        self.on_msg(self._hear)

    def listen(self, event: str, callback: Callable[[Any], None]) -> None:
        """Call `callback(value)` when the script reports `event`."""
        self._listeners[event] = callback

    def _hear(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        event, value = str(content.get("event")), content.get("value")
        if event == "shown":
            self.views.add(str(value))
        elif event == "gone":
            self.views.discard(str(value))
        if event in self._listeners:
            self._listeners[event](value)

    def static_html(self) -> str:
        """Return what the part shows, without a kernel."""
        return ""

    def static_text(self) -> str:
        """Return what the part shows, in plain text."""
        return ""

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return bundle(self, super()._repr_mimebundle_(**options))


class Markup(ipywidgets.HTML):  # type: ignore[misc]
    """Trusted markup made by the kit itself; what comes from elsewhere is escaped before."""

    def static_html(self) -> str:
        """Return nothing: markup frames a panel, its content speaks for itself."""
        return ""

    def static_text(self) -> str:
        """Return nothing."""
        return ""


class Notice(Markup):
    """A sentence in place of a picture: nothing here yet, or what went wrong and what to do."""

    def __init__(self) -> None:
        super().__init__()
        self.add_class("kit-notice")
        self._said: tuple[str, str, str] = ("", "", "")
        self.hide()

    def say(self, message: str, hint: str = "", *, kind: str = "empty") -> None:
        """Show `message` as its author wrote it, and `hint` beneath; `kind` may be "failed"."""
        self._said = (kind, message, hint)
        tail = f'<div class="kit-hint">{_ticked(hint)}</div>' if hint else ""
        body = (
            f'<div class="kit-said">{_ticked(message) if kind == "empty" else _pre(message)}</div>'
        )
        self.value = f'<div class="kit-notice-{escape(kind)}" role="note">{body}{tail}</div>'
        self.layout.display = None

    def hide(self) -> None:
        """Show nothing, and take no room."""
        self._said = ("", "", "")
        self.value = ""
        self.layout.display = "none"

    def static_html(self) -> str:
        """Return the sentence as a paragraph."""
        kind, message, hint = self._said
        if not message:
            return ""
        said = _pre(message) if kind == "failed" else f"<p>{_ticked(message)}</p>"
        return said + (f"<p>{_ticked(hint)}</p>" if hint else "")

    def static_text(self) -> str:
        """Return the sentence."""
        return "\n".join(part for part in self._said[1:] if part)


def _pre(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def _ticked(text: str) -> str:
    """Escape `text`, and set what stands between backticks as code."""
    pieces = escape(text).split("`")
    if len(pieces) % 2 == 0:
        return "`".join(pieces)
    return "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(pieces))


def pictures(children: Iterable[object]) -> list[Pictured]:
    """Find the parts that have a static picture, in reading order, inside boxes too."""
    found: list[Pictured] = []
    for child in children:
        if isinstance(child, Pictured):
            found.append(child)
        elif isinstance(child, ipywidgets.Box):
            found.extend(pictures(child.children))
    return found

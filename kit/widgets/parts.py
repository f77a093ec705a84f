"""What every part of a panel is: a live view, and a true picture without a kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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
        elif event == "typed":
            self._take(dict(value or {}))
        if event in self._listeners:
            self._listeners[event](value)

    def _take(self, typed: dict[str, Any]) -> None:
        """Take what was typed at once, and do not send it back.

        A state waits until the kernel has done with the one before, and a click overtakes it; a
        message is not overtaken.
        """
        known = {name: value for name, value in typed.items() if name in self.keys}
        with self._lock_property(**known):
            for name, value in known.items():
                setattr(self, name, value)

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
        self.hide()

    def say(
        self, message: str, hint: str = "", *, kind: str = "empty", quoted: bool = False
    ) -> None:
        """Show `message`, `quoted` as a server wrote it, and `hint` beneath.

        `kind` is "empty" or "failed". What stands between backticks is set as code, but not in a
        quotation.
        """
        self._said = (_pre(message) if quoted else f"<p>{_ticked(message)}</p>", _ticked(hint))
        self._plain = "\n".join(filter(None, (message, hint)))
        said, tail = self._said
        self.value = (
            f'<div class="kit-notice-{escape(kind)}" role="note">'
            f'{said}<p class="kit-hint">{tail}</p></div>'
        )
        self.layout.display = None

    def hide(self) -> None:
        """Show nothing, and take no room."""
        self._said, self._plain = ("", ""), ""
        self.value = ""
        self.layout.display = "none"

    def static_html(self) -> str:
        """Return the sentence as a paragraph."""
        said, tail = self._said
        return said + (f"<p>{tail}</p>" if tail else "")

    def static_text(self) -> str:
        """Return the sentence."""
        return self._plain


def _pre(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def _ticked(text: str) -> str:
    """Escape `text`, and set what stands between backticks as code."""
    pieces = escape(text).split("`")
    if len(pieces) % 2 == 0:
        return "`".join(pieces)
    return "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(pieces))


def owned(widget: Any) -> list[Any]:
    """Find every open widget that a widget is made of, layouts and scales too, the inner first."""
    seen: set[int] = set()
    return [part for part in _within(widget, seen) if part is not widget]


def _within(value: Any, seen: set[int]) -> Iterator[Any]:
    if isinstance(value, ipywidgets.Widget):
        if value.comm is not None and id(value) not in seen:
            seen.add(id(value))
            yield from _within([getattr(value, name, None) for name in value.keys], seen)
            yield value
    elif isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _within(part, seen)


def pictures(children: Iterable[object]) -> list[Pictured]:
    """Find the parts that have a static picture, in reading order, inside boxes too."""
    found: list[Pictured] = []
    for child in children:
        if isinstance(child, Pictured):
            found.append(child)
        elif isinstance(child, ipywidgets.Box):
            found.extend(pictures(child.children))
    return found

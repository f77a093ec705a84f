"""The code that a panel ran, ready to copy."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import traitlets

from kit.widgets.parts import HERE, Part

_CLASSES = {"Keyword": "k", "Literal.String": "s", "Literal.Number": "n", "Comment": "c"}


class Code(Part):
    """Show code, folded away beneath its label, with a button that copies it."""

    _esm = HERE / "code.js"
    text = traitlets.Unicode("").tag(sync=True)
    html = traitlets.Unicode("").tag(sync=True)
    label = traitlets.Unicode("").tag(sync=True)
    copy_label = traitlets.Unicode("Copy").tag(sync=True)
    unfolded = traitlets.Bool(False).tag(sync=True)
    foldable = traitlets.Bool(True).tag(sync=True)
    ask = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self, label: str = "SQL that ran", *, language: str = "sql", **traits: Any
    ) -> None:
        super().__init__(label=label, **traits)
        self.language = language
        self._saved = ""

    def show(self, text: str, *, saved: str | None = None) -> None:
        """Show `text`; give `saved` to a saved notebook where the text changes by itself."""
        self.html = highlight(text, self.language)
        self.text = text
        self._saved = text if saved is None else saved

    def static_html(self) -> str:
        """Return the code, folded."""
        if not self._saved:
            return ""
        summary = f"<summary>{escape(self.label)}</summary>"
        return f"<details>{summary}<pre>{escape(self._saved)}</pre></details>"

    def static_text(self) -> str:
        """Return the code."""
        return self._saved


class Secret(Code):
    """Show a masked text; the real one leaves the kernel only when its copy button is clicked."""

    def __init__(self, label: str, masked: str, reveal: Callable[[], str], copy_label: str) -> None:
        super().__init__(label, foldable=False, ask=True, copy_label=copy_label, language="text")
        self.show(masked, saved="")
        self.listen("ask", lambda _value: self.send({"event": "text", "value": reveal()}))


def highlight(text: str, language: str) -> str:
    """Return `text` as escaped HTML in which keywords, strings, numbers and comments are marked."""
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]

    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    return "".join(_marked(str(kind), part) for kind, part in lexer.get_tokens(text))


def _marked(kind: str, part: str) -> str:
    for prefix, name in _CLASSES.items():
        if kind.startswith(f"Token.{prefix}"):
            return f'<span class="kit-{name}">{escape(part)}</span>'
    return escape(part)

"""An editor that offers the words it knows while one is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import traitlets

from kit.widgets.editor import Editor
from kit.widgets.parts import HERE


def _script() -> str:
    """Put the plain editor's script before this one: a browser loads both as one module."""
    plain = (HERE / "editor.js").read_text(encoding="utf-8").partition("export default")[0]
    return plain + (HERE / "completing.js").read_text(encoding="utf-8")


class Completing(Editor):
    """Edit text; arrows choose among the words offered, Tab or Enter takes one, Escape closes.

    `words` has two parts. "outside" lists pairs of a word and a note on it. "within" holds what
    stands inside braces: names, each with the values that may follow it, written as they are typed.
    """

    _esm: Any = _script()
    _css = HERE / "completing.css"
    words: Any = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        value: str,
        label: str,
        placeholder: str,
        run: Callable[[], None],
        words: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(value, label, placeholder, run)
        self.words = words or {}

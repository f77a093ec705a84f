"""A place to write code: the Tab key leaves it, Ctrl+Enter runs it."""

from __future__ import annotations

from collections.abc import Callable

import traitlets

from kit.widgets.parts import HERE, Part


class Editor(Part):
    """Edit text; `run()` is called for Ctrl+Enter or Cmd+Enter."""

    _esm = HERE / "editor.js"
    value = traitlets.Unicode("").tag(sync=True)
    label = traitlets.Unicode("").tag(sync=True)
    placeholder = traitlets.Unicode("").tag(sync=True)

    def __init__(self, value: str, label: str, placeholder: str, run: Callable[[], None]) -> None:
        super().__init__(value=value, label=label, placeholder=placeholder)
        self.listen("run", lambda _: run())

    def insert(self, text: str) -> None:
        """Put text where the cursor stands."""
        self.send({"event": "insert", "value": text})

"""One key: what it holds, and a form that changes it by its structure's own commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from kit.labs.redis import structures
from kit.labs.redis.reply import spelled, split
from kit.labs.redis.source import Client
from kit.widgets.table import Table

FIELDS = 2


class KeyEditor(ipywidgets.VBox):  # type: ignore[misc]
    """Show a key's entries; `sent()` is called by the button, `changed()` for another key."""

    def __init__(
        self,
        client: Callable[[], Client],
        *,
        sent: Callable[[], object],
        changed: Callable[[], object],
    ) -> None:
        self._client = client
        self._showing = False
        self.ran = ""
        self.table = Table("Entries of the key")
        self.key = _text("Key", "user:7")
        self.command = ipywidgets.Dropdown(description="Command", options=[])
        self.command.layout.width = "auto"
        self.fields = [_text(f"Argument {i + 1}", "") for i in range(FIELDS)]
        self.go = ipywidgets.Button(description="Send", tooltip="Send the command to the server")
        self.go.on_click(lambda _button: sent())
        self.key.observe(lambda _change: self._showing or changed(), "value")
        self.command.observe(lambda _change: self._label(), "value")
        form = ipywidgets.HBox([self.key, self.command, *self.fields, self.go])
        form.add_class("kit-controls")
        super().__init__([self.table, form])
        self.layout = {"overflow": "visible", "grid_gap": "8px"}
        self._offer("none")

    @property
    def name(self) -> bytes:
        """Return the key's name as it is stored; raise ValueError where a quote is open."""
        words = split(self.key.value)
        return words[0] if len(words) == 1 else str(self.key.value).encode()

    def show(self, name: bytes) -> None:
        """Look into a key."""
        self._showing = True
        self.key.value = spelled([name])
        self._showing = False
        self.look()

    def look(self) -> None:
        """Read the key anew."""
        if not self.key.value:
            self.table.show()
            self._offer("none")
            return
        kind = str(self._client().type(self.name).decode())
        self._offer(kind)
        if kind == "none":
            self.table.show()
            return
        grid, self.ran = structures.look(self._client(), self.name, kind)
        self.table.show(grid)

    @property
    def line(self) -> str:
        """Return the command of the form, as one would type it."""
        edit = self._edits[self.command.value]
        given = [field.value for field, _ in zip(self.fields, edit.fields, strict=False)]
        return spelled(edit.arguments(self.name, given))

    def _offer(self, kind: str) -> None:
        self._edits = structures.edits(kind)
        names = tuple(self._edits)
        if tuple(self.command.options) != names:
            self.command.options = names
            self.command.value = names[0]
        self._label()

    def _label(self) -> None:
        edit = self._edits.get(self.command.value)
        names = edit.fields if edit else ()
        for i, field in enumerate(self.fields):
            field.description = names[i] if i < len(names) else ""
            field.layout.display = None if i < len(names) else "none"


def _text(label: str, placeholder: str) -> Any:
    made = ipywidgets.Text(description=label, placeholder=placeholder, continuous_update=False)
    made.layout.width = "168px"
    return made

"""What was run before, to be taken up again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from kit.widgets import values

REMEMBERED = 50
_LABEL = ("History", "")


class History(ipywidgets.Dropdown):  # type: ignore[misc]
    """A list of texts, the newest first; `picked(text)` is called when one is chosen.

    It takes no room before there is something to choose.
    """

    def __init__(self, picked: Callable[[str], object]) -> None:
        self.texts: list[str] = []
        super().__init__(options=[_LABEL], value="", tooltip="Take up what was run before")
        self.layout.width, self.layout.display = "168px", "none"
        self._picked = picked
        self.observe(self._chosen, "value")

    def remember(self, text: str) -> None:
        """Add a text, unless it is the newest already; the oldest are forgotten."""
        if not text.strip() or text in self.texts[-1:]:
            return
        self.texts = [*self.texts, text][-REMEMBERED:]
        labels = [(values.plain(" ".join(one.split()), 60), one) for one in self.texts]
        self.options = [_LABEL, *reversed(labels)]
        self.layout.display = None

    def _chosen(self, change: Any) -> None:
        if change["new"]:
            self._picked(str(change["new"]))
            self.value = ""

"""A place that shows one of several parts at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets


class Stage(ipywidgets.VBox):  # type: ignore[misc]
    """Hold parts by name, and show one; a saved notebook holds the one that was shown."""

    def __init__(self, parts: Mapping[str, Any], shown: str) -> None:
        self.parts = dict(parts)
        super().__init__()
        self.layout.overflow = "visible"
        self.show(shown)

    def show(self, name: str) -> None:
        """Put one part in place of the other."""
        self.children = [self.parts[name]]

    def close(self) -> None:
        """Remove all parts, those that were not shown too."""
        for part in self.parts.values():
            part.close()
        super().close()

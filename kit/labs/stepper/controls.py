"""The stepper's controls, and what it says on the side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from kit.widgets.parts import Notice


class Aside(Notice):
    """What the server says in full, with numbers that change from run to run: shown live only."""

    def static_html(self) -> str:
        """Return nothing: the lanes keep the first line."""
        return ""

    def static_text(self) -> str:
        """Return nothing."""
        return ""


def dropdown(label: str, options: list[tuple[str, Any]], value: Any) -> Any:
    """Offer a choice, as wide as it needs to be."""
    made = ipywidgets.Dropdown(options=options, value=value, description=label)
    made.layout.width = "auto"
    return made


def button(
    label: str,
    tooltip: str,
    work: Callable[[], object],
    start: Callable[[Callable[[], object]], object],
    style: str = "",
) -> Any:
    """Offer to `start` some work with a click."""
    made = ipywidgets.Button(description=label, tooltip=tooltip, button_style=style)
    made.on_click(lambda _button: start(work))
    return made

"""The controls that InfluxDB's panels have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets


def button(
    label: str, tooltip: str, clicked: Callable[[], object], *, primary: bool = False
) -> Any:
    """Make a button; a panel has one primary button at most."""
    made = ipywidgets.Button(description=label, tooltip=tooltip)
    made.button_style = "primary" if primary else ""
    made.on_click(lambda _button: clicked())
    return made


def dropdown(label: str, options: Sequence[Any], value: Any) -> Any:
    """Make a list to choose one of; an option is a value, or its label and the value."""
    made = ipywidgets.Dropdown(description=label, options=options, value=value)
    made.layout.width = "auto"
    return made


def offer(control: Any, options: Sequence[Any], value: Any) -> None:
    """Replace what a control offers and what is chosen in it, in one step."""
    with control.hold_sync():
        if list(control.options) != list(options):
            control.options = options
        control.value = value

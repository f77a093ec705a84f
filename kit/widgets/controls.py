"""Controls for a panel, each as wide as its words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets


def choice(label: str, options: Sequence[Any], value: Any = None, *, width: str = "") -> Any:
    """Offer one of several options, each a value or a pair of words and a value.

    Without `value` the first is chosen; `width` is the most that it takes, as CSS writes it.
    """
    chosen = {} if value is None else {"value": value}
    made = ipywidgets.Dropdown(options=list(options), description=label, **chosen)
    return _fitted(made, width)


def number(
    label: str,
    value: float,
    *,
    least: float = 0,
    most: float = 1e9,
    whole: bool = False,
    width: str = "180px",
) -> Any:
    """Ask for a number from `least` to `most`, a `whole` one where that is said."""
    if whole:
        bounds = {"min": int(least), "max": int(most)}
        made = ipywidgets.BoundedIntText(value=int(value), description=label, **bounds)
    else:
        made = ipywidgets.BoundedFloatText(
            value=value, min=least, max=most, step=None, description=label
        )
    return _fitted(made, width)


def button(label: str, tooltip: str, *, primary: bool = False) -> Any:
    """Offer an action; the `primary` one is the first that a learner should reach for."""
    style = "primary" if primary else ""
    return ipywidgets.Button(description=label, tooltip=tooltip, button_style=style)


def row(*controls: Any) -> Any:
    """Set controls side by side, outside the one row that a panel has of its own."""
    made = ipywidgets.HBox(list(controls))
    made.add_class("kit-controls")
    return made


def _fitted(control: Any, width: str) -> Any:
    control.style.description_width = "auto"
    control.layout.width = "auto"
    if width:
        control.layout.max_width = width
    return control

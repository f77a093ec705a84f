"""Trouble on purpose: images broken for good, or now and then, so that an alert flaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets

from kit.widgets import controls
from kit.widgets.watch import Watch

if TYPE_CHECKING:
    from kit.labs.prometheus.serving import Traffic

KINDS = ("none", "lasting", "flapping")
BROKEN = 0.7
"""The share of images that is broken while there is trouble."""

LASTS, RESTS = 4.0, 8.0
"""Seconds of trouble, and of quiet after it, while it flaps."""

_TIP = f"lasting: most images are broken; flapping: for {LASTS:g} s, then none for {RESTS:g} s"


class Trouble(ipywidgets.VBox):  # type: ignore[misc]
    """A choice that breaks the images of a traffic; "none" brings its own share of errors back."""

    def __init__(self, traffic: Traffic) -> None:
        self.traffic, self.calm = traffic, traffic.errors
        self.watch = Watch(self._turn, stopped=self.end)
        self.choice: Any = controls.choice("Trouble", KINDS)
        self.choice.tooltip = _TIP
        self.choice.observe(lambda _change: self._choose(), "value")
        super().__init__([self.choice])
        self.layout.overflow = "visible"

    def end(self) -> None:
        """Let the traffic be as it was."""
        self.choice.value = "none"

    def close(self) -> None:
        """Let the traffic be as it was, and remove the choice."""
        self.end()
        super().close()

    def _choose(self) -> None:
        kind = str(self.choice.value)
        self.watch.stop()
        self.traffic.errors = BROKEN if kind == "lasting" else self.calm
        if kind == "flapping":
            self.watch.start()

    def _turn(self) -> float:
        well = self.traffic.errors != BROKEN
        self.traffic.errors = BROKEN if well else self.calm
        return LASTS if well else RESTS

"""A profile that is drawn by hand: one bar for each hour, each set by mouse or by arrow keys."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import traitlets

from kit.widgets.parts import HERE, Part

_BLOCKS = " ▁▂▃▄▅▆▇█"


class Profile(Part):
    """Draw bars as shares of the highest, from 0 to 1; `drawn()` is called when one was moved."""

    _esm = HERE / "profile.js"
    _css = HERE / "profile.css"
    bars: Any = traitlets.List().tag(sync=True)
    label = traitlets.Unicode("").tag(sync=True)

    def __init__(self, label: str, shares: Sequence[float], drawn: Callable[[], None]) -> None:
        super().__init__(label=label, bars=_checked(shares))
        self._told = drawn
        self.listen("drawn", self._drawn)

    @property
    def shares(self) -> list[float]:
        """Return each bar's share of the highest possible."""
        return list(self.bars)

    def draw(self, shares: Sequence[float]) -> None:
        """Replace the bars."""
        self.bars = _checked(shares)

    def static_html(self) -> str:
        """Return the bars as one line of blocks."""
        return f"<p>{escape(self.label)}<br><code>{self._line()}</code></p>"

    def static_text(self) -> str:
        """Return the bars as one line of blocks."""
        return f"{self.label}\n{self._line()}"

    def _line(self) -> str:
        return "".join(_BLOCKS[math.ceil(share * (len(_BLOCKS) - 1))] for share in self.bars)

    def _drawn(self, value: Any) -> None:
        if isinstance(value, list) and len(value) == len(self.bars):
            self.bars = _checked([float(one) for one in value])
            self._told()


def _checked(shares: Sequence[float]) -> list[float]:
    return [min(1.0, max(0.0, float(share))) for share in shares]

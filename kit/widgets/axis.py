"""What an axis covers, how its values are written, and the drawing of it.

One unit and the same digits serve for all values of an axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kit.widgets.pen import Pen

FOOT = 14
"""How far below the drawing its ticks are named."""

# How many of the base unit one of the shown unit is.
_LARGER = {
    "s": [(1e-6, "µs"), (1e-3, "ms"), (1.0, "s"), (60.0, "min")],
    "bytes": [(1.0, "bytes"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB"), (1e12, "TB")],
}
_ROOM = 0.3  # an axis shrinks only when its values need less than this share of it
_MINUTES = 120.0
_DECADES = 3


@dataclass(frozen=True)
class Axis:
    """An axis from `low` to `high` in its base unit, shown in a larger or smaller one."""

    low: float
    high: float
    ticks: Sequence[float]
    unit: str
    factor: float = 1.0
    log: bool = False

    def place(self, value: float) -> float:
        """Return where a value lies, from 0 at the low end to 1 at the high end."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(max(value, low))
        return min(max((value - low) / (high - low), 0.0), 1.0)

    def text(self, value: float) -> str:
        """Write a value with as many digits as all values of this axis."""
        if not math.isfinite(value):
            return "no value"
        shown = value / self.factor
        if self.log:
            return f"{_rounded(shown)} {self.unit}"
        return f"{shown:,.{self.digits}f} {self.unit}".strip()

    @property
    def digits(self) -> int:
        """Return how many digits stand after the point, so that three are worth reading."""
        high = max(abs(self.low), abs(self.high)) / self.factor
        whole = self.unit in ("bytes", "") or high >= 100
        return 0 if whole else 1 if high >= 10 else 2

    @property
    def tick_texts(self) -> list[str]:
        """Return the ticks as they are written, without the unit."""
        return [f"{tick / self.factor:,.6g}" for tick in self.ticks]

    def draw(self, sheet: Pen, left: float, right: float, foot: float, *, digits: bool) -> None:
        """Draw a thin line at each tick, from the top to `foot`, with its name where digits are."""
        for tick, text in zip(self.ticks, self.tick_texts, strict=True):
            x = left + (right - left) * self.place(tick)
            sheet.line(x, 0, x, foot, "edge")
            if digits:
                sheet.text(x, foot + FOOT, text, "soft", "middle")


def linear(unit: str, low: float, high: float, before: Axis | None = None) -> Axis:
    """Return an axis over `low` to `high`, the one from `before` where that still serves."""
    from matplotlib.ticker import MaxNLocator

    if before and before.low <= low and _ROOM * before.high <= high <= before.high:
        return before
    if high <= low:
        high = low + 1
    factor, shown = _unit(unit, high)
    locator = MaxNLocator(nbins=6, steps=[1, 2, 5, 10])
    ticks = [float(tick) * factor for tick in locator.tick_values(low / factor, high / factor)]
    return Axis(ticks[0], ticks[-1], ticks, shown, factor)


def logarithmic(unit: str, low: float, high: float, before: Axis | None = None) -> Axis:
    """Return a logarithmic axis over `low` to `high`, both above zero; it ends at 1, 2 or 5."""
    if before and before.low <= low and high <= before.high:
        return before
    factor, shown = _unit(unit, math.sqrt(low * high))
    first, last = math.floor(math.log10(low / factor)), math.ceil(math.log10(high / factor))
    steps = [n * 10.0**power for power in range(first, last + 1) for n in (1, 2, 5)]
    below = max((step for step in steps if step * factor <= low), default=steps[0])
    above = min(step for step in steps if step * factor >= high and step > below)
    kept = [step * factor for step in steps if below <= step <= above]
    whole = [tick for tick in kept if round(math.log10(tick / factor), 6).is_integer()]
    ticks = whole if len(whole) > _DECADES else kept
    return Axis(kept[0], kept[-1], ticks, shown, factor, log=True)


def _unit(unit: str, high: float) -> tuple[float, str]:
    sizes = _LARGER.get(unit, [(1.0, unit)])
    fit = [size for size in sizes if size[0] <= high and not (size[1] == "min" and high < _MINUTES)]
    return fit[-1] if fit else sizes[0]


def _rounded(value: float) -> str:
    """Write three digits that count, never as a power of ten."""
    if value <= 0:
        return "0"
    digits = max(2 - math.floor(math.log10(value)), 0)
    return f"{value:,.{digits}f}"

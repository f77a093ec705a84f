"""Axes: what range they cover, and where their ticks stand."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

NEAR_ZERO = 0.5


@dataclass(frozen=True)
class Scale:
    """A range of values with round ticks inside it."""

    low: float
    high: float
    ticks: tuple[float, ...]
    step: float

    def place(self, value: float) -> float:
        """Return where a value lies, from 0 at the low end to 1 at the high end."""
        return (value - self.low) / (self.high - self.low)

    def label(self, tick: float) -> str:
        """Write a tick with just the digits its step needs."""
        if abs(tick) >= 1e6 or 0 < abs(tick) < 1e-4:
            return f"{tick:.3g}"
        digits = max(0, -math.floor(math.log10(self.step) + 1e-9))
        return f"{tick:,.{digits}f}"


def scale(
    values: Iterable[float], *, zero: bool | None, whole: bool = False, count: int = 5
) -> Scale:
    """Fit a scale to `values`.

    `zero` makes it begin at zero; None does so only when the smallest value is near zero already.
    `whole` allows whole numbers alone as ticks, as steps and epochs need.
    """
    known = list(values) or [0.0, 1.0]
    low, high = min(known), max(known)
    if zero or (zero is None and 0 <= low <= NEAR_ZERO * high):
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        low, high = (low - 0.5, high + 0.5) if low else (0.0, 1.0)
    step = _round_step((high - low) / count)
    step = max(1.0, round(step)) if whole else step
    if not whole:
        low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return Scale(low, high, tuple(index * step for index in range(first, last + 1)), step)


def _round_step(rough: float) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that is not below `rough`."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next((m * power for m in (1, 2, 5) if m * power >= rough * (1 - 1e-9)), 10 * power)

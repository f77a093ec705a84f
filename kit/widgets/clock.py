"""Time along an axis: by the clock on a live page, since the start in a saved one."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from kit.widgets.picture import Span

MOST = 7
"""Ticks that fit side by side."""

_DAY = 86_400.0
_STEPS = (
    *(digit * 10.0**power for power in range(-6, 0) for digit in (1, 2, 5)),
    *(1.0, 2.0, 5.0, 10.0, 15.0, 30.0),
    *(60.0 * minutes for minutes in (1, 2, 5, 10, 15, 30)),
    *(3600.0 * hours for hours in (1, 2, 3, 6, 12)),
    *(_DAY * days for days in (1, 2, 7, 14, 30, 90, 365)),
)
_UNITS = (("seconds", 1.0, 180.0), ("minutes", 60.0, 10_800.0), ("hours", 3600.0, 2 * _DAY))


def by_the_clock(start: float, low: float, high: float) -> tuple[Span, str]:
    """Return ticks at round times of day, and what the axis is called.

    `low` and `high` are seconds since `start`, which is a Unix time; times are UTC.
    """
    usable = (step for step in _STEPS if (high - low) / step <= MOST)
    step = next(usable, (high - low) / MOST)
    first, last = math.ceil((start + low) / step), math.floor((start + high) / step)
    times = [number * step for number in range(first, last + 1)]
    labels = [clock(time, step) for time in times]
    day = f"{datetime.fromtimestamp(start + low, UTC):%d %b %Y}".lstrip("0")
    name = "date" if step >= _DAY else f"time on {day}, UTC"
    return Span(low, high, [time - start for time in times], labels), name


def since_the_start(low: float, high: float) -> tuple[Span, str]:
    """Return ticks at round distances from zero, and what the axis is called."""
    from matplotlib.ticker import MaxNLocator

    length = high - low
    unit, size = next(((u, s) for u, s, end in _UNITS if length <= end), ("days", _DAY))
    locator = MaxNLocator(nbins=MOST, steps=[1, 2, 5, 10])
    counts = [float(count) for count in locator.tick_values(low / size, high / size)]
    inside = [count for count in counts if low <= count * size <= high]
    labels = [f"{count:g}" for count in inside]
    return Span(low, high, [count * size for count in inside], labels), f"{unit} since the start"


def clock(time: float, step: float = 0.0) -> str:
    """Write a Unix time as precisely as ticks `step` seconds apart need it; UTC."""
    moment = datetime.fromtimestamp(time, UTC)
    if step >= _DAY:
        return f"{moment:%d %b}".lstrip("0") if step < 90 * _DAY else f"{moment:%b %Y}"
    if step >= 60:
        return f"{moment:%H:%M}"
    if step >= 1:
        return f"{moment:%H:%M:%S}"
    digits = 6 if step <= 0 else math.ceil(-math.log10(step) - 1e-9)
    return f"{moment:%H:%M:%S.%f}"[: 9 + digits]

"""Where the ticks of a chart stand, and what they say."""

from __future__ import annotations

from collections.abc import Sequence

from kit.widgets.picture import Span

_NEAR_ZERO = 0.5
_SHORTENED, _POWERS = 1e5, 1e15
_SIZES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def span(known: Sequence[float], *, zero: bool | None, whole: bool = False) -> Span:
    """Return an axis over these values that begins and ends at round numbers.

    `zero` has it begin at zero, None where the values come near it. A `whole` one has its ticks at
    whole numbers, and ends where the values do.
    """
    from matplotlib.ticker import MaxNLocator

    low, high = min(known, default=0.0), max(known, default=1.0)
    if zero or (zero is None and 0 <= low <= _NEAR_ZERO * high):
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        low, high = low - 1, high + 1
    locator = MaxNLocator(nbins=8 if whole else 5, integer=whole, steps=[1, 2, 5, 10])
    at = [float(tick) for tick in locator.tick_values(low, high)]
    if whole:
        # A line over steps begins and ends at its own steps, not at the round numbers around them.
        at = [tick for tick in at if low <= tick <= high]
        return Span(low, high, at, _large(at))
    return Span(at[0], at[-1], at, _large(at))


def _large(ticks: Sequence[float]) -> list[str]:
    """Write ticks of six digits and more short, so that they stay clear of the axis's name."""
    most = max(map(abs, ticks), default=0.0)
    if most < _SHORTENED:
        return []
    if most >= _POWERS:
        return [f"{tick:.3g}" for tick in ticks]
    size, letter = next((size, letter) for size, letter in _SIZES if most >= size)
    return [f"{tick / size:g}{letter if tick else ''}" for tick in ticks]

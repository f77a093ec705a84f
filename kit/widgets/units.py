"""Numbers as people read them."""

from __future__ import annotations

import math

_SIZES = ("bytes", "kB", "MB", "GB", "TB")
_INFINITE = 1e308  # trackers without infinity store the largest double instead


def duration(seconds: float) -> str:
    """Write a span of time in the unit that leaves two or three digits."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 0.1:
        return f"{seconds * 1e3:.1f} ms"
    if seconds < 1:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def size(count: float) -> str:
    """Write a number of bytes in decimal units, as disks are sold."""
    power = 0
    while count >= 1000 and power < len(_SIZES) - 1:
        count, power = count / 1000, power + 1
    return f"{count:.0f} bytes" if power == 0 else f"{count:.3g} {_SIZES[power]}"


def plural(count: int, noun: str, nouns: str = "") -> str:
    """Count things, with thousands apart: `1 row`, `1,797 rows`."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def figure(value: float, digits: int = 4) -> str:
    """Write a measured value with `digits` after the point, or by powers of ten when extreme."""
    if math.isnan(value):
        return "NaN"
    if abs(value) > _INFINITE:
        return "∞" if value > 0 else "−∞"
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}"
    return f"{value:.{digits}f}"


def short(value: float) -> str:
    """Write a measured value in three digits, thousands apart: `12,300`, `0.0457`."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞"
    return f"{float(f'{value:.3g}'):,.10g}"

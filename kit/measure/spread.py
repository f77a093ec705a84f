"""Timing something several times, and saying how far the times lie apart."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kit.errors import UsageError


@dataclass(frozen=True)
class Spread:
    """Repeated measurements in the order they were taken; `repeat` takes them in seconds.

    The quartiles lie between neighbouring values where they must, as NumPy's do by default.
    """

    values: Sequence[float]

    @property
    def median(self) -> float:
        """Return the value in the middle."""
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """Return the lower quartile: a quarter of the values lie below it."""
        return self._quartiles[0]

    @property
    def high(self) -> float:
        """Return the upper quartile: a quarter of the values lie above it."""
        return self._quartiles[2]

    @property
    def _quartiles(self) -> list[float]:
        if len(self.values) == 1:
            return [self.values[0]] * 3
        return statistics.quantiles(self.values, n=4, method="inclusive")


def repeat(
    work: Callable[[], object],
    *,
    times: int = 7,
    warm: int = 1,
    before: Callable[[], object] | None = None,
) -> Spread:
    """Time `work` `times` times, after `warm` runs that do not count; an error in it is raised.

    `before` runs ahead of each time, the warm ones too, and is not timed. The clock is Python's
    `perf_counter`: a time holds the call's own cost in Python beside what it waits for.
    """
    if times < 1 or warm < 0:
        raise UsageError(
            f"Nothing can be timed {times} times after {warm} warm runs. "
            "Take times=7 and warm=1, or more."
        )
    for _ in range(warm):
        _timed(work, before)
    return Spread([_timed(work, before) for _ in range(times)])


def _timed(work: Callable[[], object], before: Callable[[], object] | None) -> float:
    if before is not None:
        before()
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun

"""Fewer points for the screen, without losing what stands out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST = 1e300  # what lies beyond, a browser cannot place

Points = Sequence[tuple[float, float]]


def thin(points: Points, most: int) -> Points:
    """Return about `most` points at most: the first and last, and every stretch's extremes.

    A value that cannot be drawn becomes NaN; a stretch that holds one keeps one, as a gap.
    """
    drawn = np.asarray(points, dtype=float).reshape(-1, 2)
    with np.errstate(invalid="ignore"):
        unfit = ~(np.abs(drawn[:, 1]) < LARGEST)
    if unfit.any():
        drawn = drawn.copy()
        drawn[unfit, 1] = np.nan
    if len(drawn) > most:
        drawn = drawn[_kept(drawn[:, 1], unfit, most)]
    return [(x, y) for x, y in drawn.tolist()]


def _kept(values: NDArray[Any], unfit: NDArray[Any], most: int) -> NDArray[Any]:
    """Return the places of what is kept, in order."""
    share = most // (3 if unfit.any() else 2)
    starts = np.arange(share) * len(values) // share
    kept = [np.array([0, len(values) - 1])]
    for start, end in zip(starts, [*starts[1:], len(values)], strict=True):
        part, gaps = values[start:end], unfit[start:end]
        if not gaps.all():
            kept.append(start + np.array([np.nanargmin(part), np.nanargmax(part)]))
        if gaps.any():
            kept.append(start + np.array([gaps.argmax()]))
    return np.unique(np.concatenate(kept))

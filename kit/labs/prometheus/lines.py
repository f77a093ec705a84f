"""Series of an answer as lines of a chart: short names, and gaps where nothing was known."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from kit.labs.prometheus.api import Found
from kit.widgets.chart import Point, Series

_GAP = 1.5  # steps: closer points follow each other


def lines(found: Sequence[Found], step: float, *, label: str = "") -> list[Series]:
    """Return series as lines, named by the labels that tell them apart, else by `label`."""
    names = short_names(found)
    return [
        Series(name or label or one.name, gapped(one.points, step))
        for one, name in zip(found, names, strict=True)
    ]


def short_names(found: Sequence[Found]) -> list[str]:
    """Write only those labels that differ; the value alone where one label differs."""
    keys = list(dict.fromkeys(key for one in found for key in one.labels))
    apart = [key for key in keys if len({one.labels.get(key, "") for one in found}) > 1]
    if len(apart) == 1:
        return [one.labels.get(apart[0], "") or f"no {apart[0]}" for one in found]
    return [
        ", ".join(
            f"{key}={json.dumps(one.labels[key], ensure_ascii=False)}"
            for key in apart
            if key in one.labels
        )
        for one in found
    ]


def gapped(points: Sequence[Point], step: float) -> list[Point]:
    """Put a point without a value wherever points lie further apart than their step."""
    made: list[Point] = []
    for time, value in points:
        if made and time - made[-1][0] > _GAP * step:
            made.append((made[-1][0] + step, math.nan))
        made.append((time, value))
    return made

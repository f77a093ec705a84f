"""Lines over steps or time: live, and as a still picture from the same drawing."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import traitlets

from kit.widgets import picture, units, values
from kit.widgets.parts import HERE, Part
from kit.widgets.scale import Scale, scale

# Okabe and Ito's palette, in the order that keeps neighbours apart; without its black and its
# yellow, each of which vanishes in one of the two themes.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
POINTS = 2000

Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """A labelled line; a value that is not finite leaves a gap."""

    label: str
    points: Sequence[Point]
    colour: str = ""


class Chart(Part):
    """Draw series over a common axis, labelled at their ends."""

    _esm = HERE / "chart.js"
    figure = traitlets.Dict().tag(sync=True)

    def __init__(self, *, x: str, y: str, zero: bool | None = None, whole: bool = False) -> None:
        super().__init__()
        self.x, self.y, self.zero, self.whole = x, y, zero, whole
        self.show([])

    def show(self, series: Sequence[Series], *, y: str | None = None) -> None:
        """Replace the lines; `y` names what is measured, with its unit."""
        self.y = self.y if y is None else y
        self.figure = figure(series, x=self.x, y=self.y, zero=self.zero, whole=self.whole)

    def static_html(self) -> str:
        """Return the drawing as an image that needs no network, described in words."""
        if not self.figure["series"]:
            return ""
        drawn = base64.b64encode(picture.svg(self.figure).encode()).decode()
        words = escape(self.figure["words"])
        return f'<img alt="{words}" src="data:image/svg+xml;base64,{drawn}" width="720">'

    def static_text(self) -> str:
        """Return each line as a row of bars with its last value."""
        rows = [(s["label"], _bars(s["points"]), s["last"]) for s in self.figure["series"]]
        return "\n".join(f"{self.y}  {label}  {bars}  {last}" for label, bars, last in rows)


def figure(
    series: Sequence[Series], *, x: str, y: str, zero: bool | None, whole: bool
) -> dict[str, Any]:
    """Work out everything a drawing needs but its size in pixels."""
    lines = [_line(one, PALETTE[i % len(PALETTE)]) for i, one in enumerate(series) if one.points]
    spots = [point for line in lines for point in line["points"] if point[1] is not None]
    across = scale((p[0] for p in spots), zero=False, whole=whole, count=8)
    upright = scale((p[1] for p in spots), zero=zero, count=4)
    ends = ", ".join(f"{line['label']} {line['last']}" for line in lines)
    return {
        "series": lines,
        "x": _axis(across, x),
        "y": _axis(upright, y),
        "words": f"{y} over {x}: {ends or 'no points yet'}",
    }


def _line(series: Series, colour: str) -> dict[str, Any]:
    points = [[x, y if _drawable(y) else None] for x, y in _thinned(series.points)]
    return {
        "label": values.visible(series.label),
        "colour": series.colour or colour,
        "points": points,
        "last": units.figure(series.points[-1][1]),
    }


def _axis(axis: Scale, label: str) -> dict[str, Any]:
    ticks = [[tick, axis.label(tick)] for tick in axis.ticks]
    return {"label": label, "low": axis.low, "high": axis.high, "ticks": ticks}


def _drawable(value: float) -> bool:
    return math.isfinite(value) and abs(value) < 1e300


def _thinned(points: Sequence[Point]) -> Sequence[Point]:
    """Keep the extremes of every stretch, so that a long line travels light and keeps its shape."""
    if len(points) <= POINTS:
        return points
    stretch = math.ceil(len(points) / (POINTS / 2))
    kept: list[Point] = []
    for start in range(0, len(points), stretch):
        part = points[start : start + stretch]
        ends = {min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1])}
        kept += sorted(ends)
    return [*kept, points[-1]]


def _bars(points: Sequence[Sequence[float | None]], width: int = 24) -> str:
    known = [y for _, y in points if y is not None]
    if not known:
        return ""
    low, span = min(known), (max(known) - min(known)) or 1.0
    chosen = known[:: max(1, math.ceil(len(known) / width))]
    return "".join("▁▂▃▄▅▆▇█"[round((y - low) / span * 7)] for y in chosen)

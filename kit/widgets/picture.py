"""A chart as an SVG image, readable on light and on dark ground."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_INK = "#767676"  # the grey with the same contrast against black and white
_LONGEST = 20
_PLACE = {"left": 0.1, "right": 0.68, "top": 0.95, "bottom": 0.16}
# Text stays text, and the same data make the same file.
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "kit",
    "font.size": 9,
    "text.parse_math": False,
}


@dataclass(frozen=True)
class Span:
    """What an axis covers, where its ticks stand, and what they say where it is not their place."""

    low: float
    high: float
    ticks: Sequence[float]
    labels: Sequence[str] = ()


@dataclass(frozen=True)
class Line:
    """A line ready to be drawn: a value that is not known is NaN, `last` is written out."""

    label: str
    colour: str
    points: Sequence[tuple[float, float]]
    last: str

    @cached_property
    def known(self) -> list[tuple[float, float]]:
        """Return the points that have a value."""
        return [point for point in self.points if not math.isnan(point[1])]

    @property
    def end(self) -> str:
        """Return what stands at the line's end."""
        short = self.label if len(self.label) <= _LONGEST else f"{self.label[: _LONGEST - 1]}…"
        return f"{short} {self.last}".rstrip()


def svg(
    lines: Sequence[Line],
    *,
    x: str,
    y: str,
    spans: tuple[Span, Span],
    ends: Sequence[float],
) -> bytes:
    """Draw lines on labelled axes; `ends` are the heights at which their labels stand."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(7.2, 2.9))
        axes = figure.subplots(gridspec_kw=_PLACE)
        _plain(axes, x, y, spans)
        for line, height in zip(lines, ends, strict=True):
            _draw(axes, line, (spans[0].high, height))
        drawn = io.BytesIO()
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None})
    return drawn.getvalue()


def _draw(axes: Any, line: Line, end: tuple[float, float]) -> None:
    axes.plot(*zip(*line.points, strict=True), color=line.colour, linewidth=1.8)
    axes.plot(*line.known[-1], color=line.colour, marker="o", markersize=4, clip_on=False)
    axes.annotate(
        line.end,
        end,
        xytext=(10, 0),
        textcoords="offset points",
        verticalalignment="center",
        color=_INK,
        annotation_clip=False,
    )


def _plain(axes: Any, x: str, y: str, spans: tuple[Span, Span]) -> None:
    axes.spines[:].set_visible(False)
    axes.grid(axis="y", color=_INK, alpha=0.35, linewidth=0.7)
    axes.tick_params(length=0, labelcolor=_INK)
    axes.set_xlabel(x, color=_INK, loc="right")
    axes.set_ylabel(y, color=_INK, loc="top")
    axes.set_xticks(spans[0].ticks, labels=spans[0].labels or None)
    axes.set_yticks(spans[1].ticks, labels=spans[1].labels or None)
    axes.set_xlim(spans[0].low, spans[0].high)
    axes.set_ylim(spans[1].low, spans[1].high)

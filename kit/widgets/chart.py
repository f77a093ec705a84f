"""Lines over steps or time: live by bqplot, and as a still picture by matplotlib."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import bqplot
import ipywidgets

from kit.widgets import picture, units, values
from kit.widgets.parts import bundle

# Okabe and Ito's palette, in the order that keeps neighbours apart; without its black and its
# yellow, each of which vanishes in one of the two themes.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
POINTS = 2000
HEIGHT = 280
_MARGIN = {"top": 28, "bottom": 48, "left": 64, "right": 200}
_SPACING = 16 / (HEIGHT - _MARGIN["top"] - _MARGIN["bottom"])
_NEAR_ZERO = 0.5
_INK = "var(--jp-ui-font-color1)"
_PALE = "var(--jp-ui-font-color2)"

Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """A labelled line; a value that is not finite leaves a gap."""

    label: str
    points: Sequence[Point]
    colour: str = ""


class Chart(ipywidgets.VBox):  # type: ignore[misc]
    """Draw series over a common axis, labelled at their ends.

    `zero` begins the upright axis at zero, None does so where the values come near it; `whole`
    allows whole numbers alone along the other.
    """

    def __init__(self, *, x: str, y: str, zero: bool | None = None, whole: bool = False) -> None:
        self.x, self.y, self.zero, self.whole = x, y, zero, whole
        self.lines: list[picture.Line] = []
        self.figure = _figure()
        super().__init__([self.figure])
        self.add_class("kit-chart")
        self.show([])

    def show(self, series: Sequence[Series], *, y: str | None = None) -> None:
        """Replace the lines; `y` names what is measured, with its unit."""
        self.y = self.y if y is None else y
        lines = [_line(one, PALETTE[i % len(PALETTE)]) for i, one in enumerate(series)]
        self.lines = [line for line in lines if line.known]
        self.layout.display = None if self.lines else "none"
        known = [point for line in self.lines for point in line.known]
        self._across = _ticks([x for x, _ in known], whole=self.whole)
        self._upright = _ticks([y for _, y in known], zero=self.zero)
        self._ends = _ends(self.lines, self._upright)
        across, upright = self.figure.axes
        _fit(across, self._across, self.x)
        _fit(upright, self._upright, self.y)
        pairs = zip(self.lines, self._ends, strict=True)
        self.figure.marks = [mark for pair in pairs for mark in _marks(*pair, across, upright)]

    @property
    def words(self) -> str:
        """Say in one sentence what is drawn."""
        ends = ", ".join(line.end for line in self.lines)
        return f"{self.y} over {self.x}: {ends or 'no points yet'}"

    def static_html(self) -> str:
        """Return the drawing as an image that needs no network, described in words."""
        if not self.lines:
            return ""
        ticks = self._across, self._upright
        drawn = picture.svg(self.lines, x=self.x, y=self.y, ticks=ticks, ends=self._ends)
        source = f"data:image/svg+xml;base64,{base64.b64encode(drawn).decode()}"
        return f'<img alt="{escape(self.words)}" src="{source}" width="720">'

    def static_text(self) -> str:
        """Return the name of each line with its last value."""
        return "\n".join(f"{self.y}  {line.label}  {line.last}" for line in self.lines)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return bundle(self, super()._repr_mimebundle_(**options))


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move labels apart, at least `gap` from each other, as little as that takes."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed = list(wanted)
    floor = low
    for i in order:
        placed[i] = floor = max(wanted[i], floor)
        floor += gap
    ceiling = high
    for i in reversed(order):
        placed[i] = ceiling = min(placed[i], ceiling)
        ceiling -= gap
    return placed


def _figure() -> Any:
    x = bqplot.Axis(scale=bqplot.LinearScale(), grid_lines="none")
    y = bqplot.Axis(scale=bqplot.LinearScale())
    y.orientation = "vertical"
    for axis in (x, y):
        axis.color = axis.label_color = _PALE
        axis.grid_color = "var(--jp-border-color2)"
    y.label_offset = "48px"
    return bqplot.Figure(
        axes=[x, y],
        fig_margin=_MARGIN,
        padding_x=0,
        padding_y=0,
        background_style={"fill": "none"},
        layout=ipywidgets.Layout(width="100%", height=f"{HEIGHT}px", min_width="0"),
    )


def _line(series: Series, colour: str) -> picture.Line:
    points = [(x, y if _drawable(y) else math.nan) for x, y in _thinned(series.points)]
    last = units.figure(series.points[-1][1]) if series.points else ""
    return picture.Line(values.visible(series.label), series.colour or colour, points, last)


def _ticks(
    known: Sequence[float], *, zero: bool | None = False, whole: bool = False
) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    low, high = min(known, default=0.0), max(known, default=1.0)
    if zero or (zero is None and 0 <= low <= _NEAR_ZERO * high):
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        low, high = low - 1, high + 1
    locator = MaxNLocator(nbins=8 if whole else 5, integer=whole, steps=[1, 2, 5, 10])
    ticks = [float(tick) for tick in locator.tick_values(low, high)]
    # Along the steps a line begins where it begins, and not at the round number before.
    return [tick for tick in ticks if low <= tick <= high] if whole else ticks


def _fit(axis: Any, ticks: Sequence[float], label: str) -> None:
    axis.label = label
    axis.tick_values = ticks
    axis.scale.min, axis.scale.max = min(ticks), max(ticks)
    axis.tick_format = ",~r" if max(map(abs, ticks)) < 1e6 else ".3~g"


def _ends(lines: Sequence[picture.Line], ticks: Sequence[float]) -> list[float]:
    """Return the heights of the labels, moved apart where lines end close together."""
    low, high = min(ticks), max(ticks)
    return spread([line.known[-1][1] for line in lines], _SPACING * (high - low), low, high)


def _marks(line: picture.Line, height: float, x: Any, y: Any) -> list[Any]:
    style = {"scales": {"x": x.scale, "y": y.scale}, "colors": [line.colour]}
    tip = bqplot.Tooltip(fields=["x", "y"], labels=[x.label, f"{line.label} {y.label}"])
    label = bqplot.Label(
        x=[x.tick_values[-1]],
        y=[height],
        text=[line.end],
        x_offset=12,
        align="start",
        default_size=12,
        font_weight="normal",
        apply_clip=False,
        scales=style["scales"],
        colors=[_INK],
    )
    across, upright = zip(*line.points, strict=True)
    known_across, known_upright = zip(*line.known, strict=True)
    return [
        bqplot.Lines(x=across, y=upright, stroke_width=2, **style),
        bqplot.Scatter(x=known_across, y=known_upright, default_size=16, tooltip=tip, **style),
        label,
    ]


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

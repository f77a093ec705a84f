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
from kit.widgets.parts import bundle, owned
from kit.widgets.picture import Line, Span

# Okabe and Ito's palette, in the order that keeps neighbours apart; without its black and its
# yellow, each of which vanishes in one of the two themes.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
POINTS = 2000
HEIGHT = 280
_MARGIN = {"top": 28, "bottom": 48, "left": 64, "right": 200}
_SPACING = 16 / (HEIGHT - _MARGIN["top"] - _MARGIN["bottom"])
_NEAR_ZERO = 0.5
_DOTS = 64
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
        self.lines: list[Line] = []
        self.figure = _figure()
        self._drawn: list[_Stroke] = []
        super().__init__()
        self.add_class("kit-chart")
        self.show([])

    def show(self, series: Sequence[Series], *, y: str | None = None) -> None:
        """Replace the lines; `y` names what is measured, with its unit."""
        self.y = self.y if y is None else y
        lines = [_line(one, PALETTE[i % len(PALETTE)]) for i, one in enumerate(series)]
        self.lines = [line for line in lines if line.known]
        known = [point for line in self.lines for point in line.known]
        self._across = _span([x for x, _ in known], zero=False, whole=self.whole)
        self._upright = _span([y for _, y in known], zero=self.zero)
        self._ends = _ends(self.lines, self._upright)
        across, upright = self.figure.axes
        _fit(across, self._across, self.x)
        _fit(upright, self._upright, self.y)
        # A drawing without room complains to the page's console, so there is none without lines.
        self.children = [self.figure] if self.lines else []
        self._strokes(len(self.lines))
        for stroke, line, height in zip(self._drawn, self.lines, self._ends, strict=True):
            stroke.show(line, self.x, self.y, (self._across.high, height))

    def close(self) -> None:
        """Remove the drawing with all that bqplot made for it."""
        for part in [*owned(self), *owned(self.figure), self.figure]:
            part.close()
        super().close()

    def _strokes(self, count: int) -> None:
        """Have as many strokes as there are lines: made once, then moved, as models live long."""
        drawn, scales = self._drawn, [axis.scale for axis in self.figure.axes]
        if len(drawn) == count:
            return
        surplus = drawn[count:]
        drawn[count:] = [_Stroke(*scales) for _ in range(len(drawn), count)]
        self.figure.marks = [mark for stroke in drawn for mark in stroke.marks]
        for stroke in surplus:
            stroke.close()

    @property
    def words(self) -> str:
        """Say in one sentence what is drawn."""
        ends = ", ".join(line.end for line in self.lines)
        return f"{self.y} over {self.x}: {ends or 'no points yet'}"

    def static_html(self) -> str:
        """Return the drawing as an image that needs no network, described in words."""
        if not self.lines:
            return ""
        spans = self._across, self._upright
        drawn = picture.svg(self.lines, x=self.x, y=self.y, spans=spans, ends=self._ends)
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
    x.label_offset, y.label_offset = "32px", "44px"
    return bqplot.Figure(
        axes=[x, y],
        fig_margin=_MARGIN,
        padding_x=0,
        padding_y=0,
        background_style={"fill": "none"},
        display_toolbar=False,
        layout=ipywidgets.Layout(width="100%", height=f"{HEIGHT}px", min_width="0"),
    )


def _line(series: Series, colour: str) -> Line:
    points = [(x, y if _drawable(y) else math.nan) for x, y in _thinned(series.points)]
    last = units.figure(series.points[-1][1]) if series.points else ""
    return Line(values.visible(series.label), series.colour or colour, points, last)


def _span(known: Sequence[float], *, zero: bool | None, whole: bool = False) -> Span:
    from matplotlib.ticker import MaxNLocator

    low, high = min(known, default=0.0), max(known, default=1.0)
    if zero or (zero is None and 0 <= low <= _NEAR_ZERO * high):
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        low, high = low - 1, high + 1
    locator = MaxNLocator(nbins=8 if whole else 5, integer=whole, steps=[1, 2, 5, 10])
    ticks = [float(tick) for tick in locator.tick_values(low, high)]
    if whole:
        # A line over steps begins and ends at its own steps, not at the round numbers around them.
        return Span(low, high, [tick for tick in ticks if low <= tick <= high])
    return Span(ticks[0], ticks[-1], ticks)


def _fit(axis: Any, span: Span, label: str) -> None:
    axis.label = label
    axis.tick_values = span.ticks
    axis.scale.min, axis.scale.max = span.low, span.high
    axis.tick_format = ",~r" if max(map(abs, span.ticks)) < 1e6 else ".3~g"


def _ends(lines: Sequence[Line], span: Span) -> list[float]:
    """Return the heights of the labels, moved apart where lines end close together."""
    gap = _SPACING * (span.high - span.low)
    return spread([line.known[-1][1] for line in lines], gap, span.low, span.high)


class _Stroke:
    """What bqplot draws of one line: the line, its points to read values off, and its label."""

    def __init__(self, x: Any, y: Any) -> None:
        scales = {"x": x, "y": y}
        self.tip = bqplot.Tooltip(fields=["x", "y"])
        self.line = bqplot.Lines(x=[0], y=[0], stroke_width=2, scales=scales)
        self.points = bqplot.Scatter(x=[0], y=[0], default_size=16, tooltip=self.tip, scales=scales)
        self.label = bqplot.Label(
            x=[0],
            y=[0],
            text=[""],
            x_offset=12,
            align="start",
            default_size=12,
            font_weight="normal",
            apply_clip=False,
            scales=scales,
            colors=[_INK],
        )
        self.marks = [self.line, self.points, self.label]

    def show(self, line: Line, x: str, y: str, end: Point) -> None:
        self.tip.labels = [x, f"{line.label} {y}"]
        dense = len(line.known) > _DOTS
        some = line.known[:: math.ceil(len(line.known) / _DOTS)]
        # A browser draws dots one by one: of many only some can be pointed at, and none is seen.
        self.points.opacities = [0.0 if dense else 1.0]
        for mark, points in ((self.line, line.points), (self.points, some)):
            with mark.hold_sync():
                mark.x, mark.y = zip(*points, strict=True)
                mark.colors = [line.colour]
        with self.label.hold_sync():
            self.label.x, self.label.y = [end[0]], [end[1]]
            self.label.text = [line.end]

    def close(self) -> None:
        for model in (*self.marks, self.tip.layout, self.tip):
            model.close()


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

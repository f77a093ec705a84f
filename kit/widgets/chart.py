"""Lines over steps or time: live by bqplot, and as a still picture by matplotlib."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import bqplot
import ipywidgets
import numpy as np

from kit.widgets import clock, picture, ticks, units, values
from kit.widgets.parts import Markup, bundle, owned
from kit.widgets.picture import Line, Span
from kit.widgets.stroke import Stroke
from kit.widgets.thinning import thin

# Okabe and Ito's palette, in the order that keeps neighbours apart; without its black and its
# yellow, each of which vanishes in one of the two themes.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
POINTS = 2000
HEIGHT = 280
_MARGIN = {"top": 28, "bottom": 48, "left": 80, "right": 200}
_SPACING = 16 / (HEIGHT - _MARGIN["top"] - _MARGIN["bottom"])
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

    `zero` begins the upright axis at zero, None does so where the values come near it. `whole`
    allows whole numbers alone along the other; `time` takes Unix times there, in seconds: the page
    shows them by the clock, a saved notebook counts from the start.
    """

    def __init__(
        self, *, x: str, y: str, zero: bool | None = None, whole: bool = False, time: bool = False
    ) -> None:
        self.x, self.y, self.zero, self.whole, self.time = x, y, zero, whole, time
        self.lines: list[Line] = []
        self.start = 0.0
        self.note = ""
        self.figure = _figure()
        self._said = Markup()
        self._drawn: list[Stroke] = []
        super().__init__()
        self.add_class("kit-chart")
        self.show([])

    def show(
        self,
        series: Sequence[Series],
        *,
        y: str | None = None,
        within: tuple[float, float] | None = None,
    ) -> None:
        """Replace the lines; `y` names what is measured, with its unit.

        `within` is what the axis covers although the lines may not. Long lines are thinned, and
        `note` says so.
        """
        self.y = self.y if y is None else y
        self.start = self._begin(series, within)
        lines = [_line(one, PALETTE[i % len(PALETTE)], self.start) for i, one in enumerate(series)]
        self.lines = [line for line in lines if line.known]
        self.note = _note(series, lines)
        known = [point for line in self.lines for point in line.known]
        ends = [end - self.start for end in within] if within else [x for x, _ in known]
        self._across, self._name = self._along(ends)
        self._upright = ticks.span([y for _, y in known], zero=self.zero)
        self._ends = _ends(self.lines, self._upright)
        self._draw()

    def close(self) -> None:
        """Remove the drawing with all that bqplot made for it."""
        parts = [*owned(self), *owned(self.figure), *owned(self._said), self._said, self.figure]
        for part in parts:
            part.close()
        super().close()

    def _begin(self, series: Sequence[Series], within: tuple[float, float] | None) -> float:
        """Return where time starts: a browser places small numbers more exactly than large ones."""
        if not self.time:
            return 0.0
        firsts = [one.points[0][0] for one in series if len(one.points)]
        return float(within[0] if within else min(firsts, default=0.0))

    def _along(self, places: Sequence[float]) -> tuple[Span, str]:
        if not self.time:
            return ticks.span(places, zero=False, whole=self.whole), self.x
        low, high = min(places, default=0.0), max(places, default=1.0)
        return clock.by_the_clock(self.start, low, high if high > low else low + 1)

    def _draw(self) -> None:
        across, upright = self.figure.axes
        _fit(across, self._across, self._name)
        _fit(upright, self._upright, self.y)
        self._said.value = f'<p class="kit-limit">{escape(self.note)}</p>' if self.note else ""
        # A drawing without room complains to the page's console, so there is none without lines.
        parts = [self.figure, *([self._said] if self.note else [])]
        self.children = parts if self.lines else []
        self._strokes(len(self.lines))
        name = self._clock if self.time else None
        for stroke, line, height in zip(self._drawn, self.lines, self._ends, strict=True):
            stroke.show(line, (self.x, self.y), (self._across.high, height), name)

    def _clock(self, seconds: float) -> str:
        return clock.clock(self.start + seconds, 0.001)

    def _strokes(self, count: int) -> None:
        """Have as many strokes as there are lines: made once, then moved, as models live long."""
        drawn, scales = self._drawn, [axis.scale for axis in self.figure.axes]
        if len(drawn) == count:
            return
        surplus = drawn[count:]
        drawn[count:] = [Stroke(*scales) for _ in range(len(drawn), count)]
        self.figure.marks = [mark for stroke in drawn for mark in stroke.marks]
        for stroke in surplus:
            stroke.close()

    @property
    def words(self) -> str:
        """Say in one sentence what is drawn."""
        ends = ", ".join(line.end for line in self.kept()[0])
        return f"{self.y} over {self.x}: {ends or 'no points yet'}"

    def kept(self) -> tuple[list[Line], Span]:
        """Return the lines and the upright axis as they may stand in a saved notebook."""
        return self.lines, self._upright

    def static_html(self) -> str:
        """Return the drawing as an image that needs no network, described in words."""
        if not self.lines:
            return ""
        across, name = self._across, self.x
        if self.time:
            across, name = clock.since_the_start(across.low, across.high)
        lines, upright = self.kept()
        drawn = picture.svg(lines, x=name, y=self.y, spans=(across, upright), ends=self._ends)
        source = f"data:image/svg+xml;base64,{base64.b64encode(drawn).decode()}"
        below = f"<p>{escape(self.note)}</p>" if self.note else ""
        return f'<img alt="{escape(self.words)}" src="{source}" width="720">{below}'

    def static_text(self) -> str:
        """Return the name of each line with its last value."""
        ends = [f"{self.y}  {line.label}  {line.last}".rstrip() for line in self.kept()[0]]
        return "\n".join([*ends, *([self.note] if self.note else [])])

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
    x.label_offset, y.label_offset = "32px", "60px"
    return bqplot.Figure(
        axes=[x, y],
        fig_margin=_MARGIN,
        padding_x=0,
        padding_y=0,
        background_style={"fill": "none"},
        display_toolbar=False,
        layout=ipywidgets.Layout(width="100%", height=f"{HEIGHT}px", min_width="0"),
    )


def _line(series: Series, colour: str, start: float) -> Line:
    points = [(x - start, y) for x, y in thin(series.points, POINTS)]
    last = units.figure(series.points[-1][1]) if len(series.points) else ""
    return Line(values.visible(series.label), series.colour or colour, points, last)


def _note(series: Sequence[Series], lines: Sequence[Line]) -> str:
    if all(len(one.points) <= POINTS for one in series):
        return ""
    there, drawn = (sum(len(one.points) for one in some) for some in (series, lines))
    return (
        f"{there:,} points, thinned to {drawn:,} for the screen; "
        "the lowest and the highest of every stretch are kept."
    )


def _fit(axis: Any, span: Span, label: str) -> None:
    axis.label = label
    # A script finds a label by the number as it would write it: 10, not 10.0.
    names = [np.format_float_positional(tick + 0.0, trim="-") for tick in span.ticks]
    axis.tick_labels = dict(zip(names, span.labels, strict=False))
    axis.tick_values = span.ticks
    axis.scale.min, axis.scale.max = span.low, span.high
    axis.tick_format = ",~r"


def _ends(lines: Sequence[Line], span: Span) -> list[float]:
    """Return the heights of the labels, moved apart where lines end close together."""
    gap = _SPACING * (span.high - span.low)
    return spread([line.known[-1][1] for line in lines], gap, span.low, span.high)

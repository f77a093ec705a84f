"""How measured values are distributed: one row of narrow bars for each of several sets."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from kit.widgets import axis, pen, values
from kit.widgets.axis import Axis
from kit.widgets.chart import PALETTE
from kit.widgets.drawing import Drawing
from kit.widgets.pen import WIDTH, Pen

PERCENTILES = (50, 99)
_BINS = 60
_MARKS, _HEIGHT, _GAP = 16, 44, 12
_LANE = _MARKS + _HEIGHT + _GAP
_MOST_LABEL = 200
_NEAR, _BETWEEN = 4, 8  # from a mark to its name, and between two names


@dataclass(frozen=True)
class Distribution:
    """A labelled set of measured values; one that is not finite is left out."""

    label: str
    values: Sequence[float]


class Histogram(Drawing):
    """Draw distributions beneath each other over one axis, each marked at its p50 and p99.

    The height of a bar is how many of the row's values lie there, each row to a height of its own.
    With `log`, the axis is logarithmic, and values that are not above zero stand at its low end.
    Percentiles are found by the nearest-rank rule. `of` names what is measured.
    """

    def __init__(self, unit: str, *, of: str = "", log: bool = True, volatile: bool = True) -> None:
        super().__init__()
        self.unit, self.of, self.volatile = unit, of, volatile
        self._log = log  # `log` is what every widget calls its logger
        self.rows: tuple[_Row, ...] = ()
        self._axis: Axis | None = None
        self.redraw()

    def show(self, distributions: Sequence[Distribution]) -> None:
        """Replace the rows, in the order given; the axis stays as long as it serves."""
        known = [(one.label, _known(one.values)) for one in distributions]
        some = [value for _, ordered in known for value in ordered]
        self._axis = self._fit(some)
        self.rows = tuple(_row(label, ordered, self._axis) for label, ordered in known)
        self.redraw()

    def words(self) -> str:
        """Say what is distributed."""
        labels = ", ".join(values.visible(row.label) for row in self.rows)
        what = self.of or "values"
        return f"Distribution of {what}: {labels}" if self.rows else f"No {what} yet"

    def draw(self, *, live: bool, digits: bool) -> str:
        """Return the rows as SVG."""
        if not self.rows or self._axis is None:
            return ""
        scale = self._axis
        left = min(max(pen.width(row.label) for row in self.rows), _MOST_LABEL) + 16
        # The last figure stands beneath the end of the axis, half of it beyond.
        right = WIDTH - max(16, pen.width(scale.tick_texts[-1]) / 2)
        foot = _LANE * len(self.rows)
        sheet = Pen(foot + (40 if digits else 24), live=live)
        scale.draw(sheet, left, right, foot, digits=digits)
        sheet.text(right, foot + (30 if digits else 14), self._title(digits), "soft", "end")
        for place, row in enumerate(self.rows):
            box = (left, right, place * _LANE)
            _draw(sheet, row, scale, box, digits)
        return sheet.svg()

    def static_text(self) -> str:
        """Return the shape of each row in eight heights of block."""
        if not self.rows:
            return self.words()
        wide = max(len(values.plain(row.label)) for row in self.rows)
        lines = [f"{values.plain(row.label):<{wide}}  {_shape(row)}" for row in self.rows]
        return "\n".join([self.of or self.unit, *lines])

    def _fit(self, some: Sequence[float]) -> Axis:
        if not self._log:
            return axis.linear(self.unit, min([0.0, *some]), max(some, default=1.0), self._axis)
        above = [value for value in some if value > 0] or [1.0]
        return axis.logarithmic(self.unit, min(above), max(above), self._axis)

    def _title(self, digits: bool) -> str:
        unit = self._axis.unit if self._axis is not None else ""
        still = "logarithmic" if self._log else "to scale"
        return " · ".join(filter(None, [self.of, unit if digits else still]))


@dataclass(frozen=True)
class _Row:
    label: str
    count: int
    shares: dict[int, float]
    edges: Sequence[float]
    marks: Sequence[tuple[int, float]]

    @property
    def peak(self) -> float:
        return max(self.shares.values(), default=1.0)


def _known(some: Sequence[float]) -> list[float]:
    return sorted(value for value in some if math.isfinite(value))


def _row(label: str, ordered: Sequence[float], scale: Axis) -> _Row:
    count = len(ordered)
    bins = Counter(min(int(scale.place(value) * _BINS), _BINS - 1) for value in ordered)
    ranks = [(p, ordered[math.ceil(p / 100 * count) - 1]) for p in PERCENTILES if count]
    shares = {place: number / count for place, number in sorted(bins.items())}
    return _Row(label, count, shares, [_edge(scale, n / _BINS) for n in range(_BINS + 1)], ranks)


def _edge(scale: Axis, place: float) -> float:
    if scale.log:
        return float(scale.low * (scale.high / scale.low) ** place)
    return scale.low + (scale.high - scale.low) * place


def _draw(
    sheet: Pen,
    row: _Row,
    scale: Axis,
    box: tuple[float, float, float],
    digits: bool,
) -> None:
    left, right, top = box
    base, step = top + _MARKS + _HEIGHT, (right - left) / _BINS
    sheet.text(left - 12, base - 4, pen.fitted(row.label, _MOST_LABEL), "ink", "end")
    sheet.line(left, base, right, base, "edge")
    for place, share in row.shares.items():
        ends = [scale.text(end) for end in list(pairwise(row.edges))[place]]
        number = f"{round(share * row.count):,} of {row.count:,}"
        sheet.item(f"{row.label}: {ends[0]} to {ends[1]}: {number} ({share:.1%})")
        height = max(_HEIGHT * share / row.peak, 1)
        sheet.rect(left + place * step + 0.5, base - height, step - 1, height, PALETTE[0])
    _marks(sheet, row, scale, box, digits)
    sheet.item()


def _marks(
    sheet: Pen, row: _Row, scale: Axis, box: tuple[float, float, float], digits: bool
) -> None:
    left, right, top = box
    places = [left + (right - left) * scale.place(value) for _, value in row.marks]
    words = [
        f"p{share} {scale.text(value)}" if digits else f"p{share}" for share, value in row.marks
    ]
    begins = _apart(places, [pen.width(word) for word in words])
    for (share, value), x, word, begin in zip(row.marks, places, words, begins, strict=True):
        sheet.item(f"{row.label}: p{share} {scale.text(value)}, of {row.count:,}")
        sheet.line(x, top + 2, x, top + _MARKS + _HEIGHT, "ink", 1.5)
        end = begin + pen.width(word)
        # The width is an estimate: the end that is near its mark stands still.
        near = ("end", end) if end <= x else ("start", begin)
        sheet.text(near[1], top + 12, word, "ink", near[0])


def _apart(places: Sequence[float], widths: Sequence[float]) -> list[float]:
    """Return where the names of two marks begin, so that both are on the sheet and never meet.

    The lower mark is named on its left, the higher on its right, where there is room for it.
    """
    if not places:
        return []
    (low, high), (short, long) = places, widths
    first = low - _NEAR - short if low - _NEAR - short >= 0 else low + _NEAR
    last = high + _NEAR if high + _NEAR + long <= WIDTH else high - _NEAR - long
    if last >= first + short + _BETWEEN:
        return [first, last]
    after = max(high + _NEAR, first + short + _BETWEEN)
    if after + long <= WIDTH:
        return [first, after]
    return [min(first, last - _BETWEEN - short), last]


def _shape(row: _Row) -> str:
    return "".join(
        " ▁▂▃▄▅▆▇█"[math.ceil(8 * row.shares.get(place, 0.0) / row.peak)] for place in range(_BINS)
    ).rstrip()

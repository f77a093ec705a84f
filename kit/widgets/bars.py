"""Values side by side as bars that begin at zero, each with its spread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kit.errors import UsageError
from kit.widgets import axis, pen, values
from kit.widgets.axis import Axis
from kit.widgets.chart import PALETTE
from kit.widgets.drawing import Drawing
from kit.widgets.pen import WIDTH, Pen

_ROW, _NOTED, _BAR = 28, 40, 16
_MOST_LABEL = 320
_CELLS = 40


@dataclass(frozen=True)
class Bar:
    """A labelled value in the base unit, and how far it spreads; `note` stands beneath the label.

    `low` and `high` are drawn as a thin line, both or neither. A value that is NaN has no bar.
    """

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    note: str = ""


class Bars(Drawing):
    """Draw horizontal bars over one axis; `unit` "s" and "bytes" are shown in a fitting size.

    `of` names what is measured. Figures of a `volatile` drawing are seen live only.
    """

    def __init__(self, unit: str, *, of: str = "", volatile: bool = True) -> None:
        super().__init__()
        self.unit, self.of, self.volatile = unit, of, volatile
        self.bars: tuple[Bar, ...] = ()
        self._axis: Axis | None = None
        self.redraw()

    def show(self, bars: Sequence[Bar]) -> None:
        """Replace the bars, in the order given; the axis stays as long as it serves."""
        for bar in bars:
            _check(bar)
        self.bars = tuple(bars)
        tops = [top for bar in bars for top in (bar.value, bar.high or 0.0) if math.isfinite(top)]
        self._axis = axis.linear(self.unit, 0.0, max(tops, default=0.0), self._axis)
        self.redraw()

    def words(self) -> str:
        """Say what is compared."""
        labels = ", ".join(values.visible(bar.label) for bar in self.bars)
        what = self.of or "values"
        return f"Bars of {what} to scale: {labels}" if self.bars else f"No {what} yet"

    def draw(self, *, live: bool, digits: bool) -> str:
        """Return the bars as SVG."""
        if not self.bars or self._axis is None:
            return ""
        scale = self._axis
        row = _NOTED if any(bar.note for bar in self.bars) else _ROW
        wide = max(max(pen.width(bar.label), pen.width(bar.note)) for bar in self.bars)
        left = min(wide, _MOST_LABEL) + 16
        right = WIDTH - (pen.width(scale.text(scale.high)) + 16 if digits else 16)
        sheet = Pen(row * len(self.bars) + 40, live=live)
        foot = row * len(self.bars) + 4
        scale.draw(sheet, left, right, foot, digits=digits)
        sheet.text(right, foot + (30 if digits else 14), self._title(digits), "soft", "end")
        for place, bar in enumerate(self.bars):
            _draw(sheet, bar, scale, (left, right, place * row, row), digits)
        return sheet.svg()

    def static_text(self) -> str:
        """Return the bars as blocks, with figures where they do not change from run to run."""
        if not self.bars or self._axis is None:
            return self.words()
        wide = max(len(values.plain(bar.label)) for bar in self.bars)
        lines = [self.of or self.unit]
        for bar in self.bars:
            length = self._axis.place(bar.value) if math.isfinite(bar.value) else 0
            figure = "" if self.volatile else f"  {self._axis.text(bar.value)}"
            blocks = "█" * round(_CELLS * length)
            lines.append(f"{values.plain(bar.label):<{wide}}  {blocks}{figure}".rstrip())
        return "\n".join(lines)

    def _title(self, digits: bool) -> str:
        unit = self._axis.unit if self._axis is not None else ""
        return " · ".join(filter(None, [self.of, unit if digits else "to scale"]))


def _draw(
    sheet: Pen, bar: Bar, scale: Axis, box: tuple[float, float, float, float], digits: bool
) -> None:
    left, right, top, row = box
    middle = top + row / 2
    sheet.item(_say(bar, scale))
    # A row can be pointed at where nothing is drawn, too.
    sheet.rect(0, top, WIDTH, row, "ink", 0)
    label = middle - 4 if bar.note else middle + 4
    sheet.text(left - 12, label, pen.fitted(bar.label, _MOST_LABEL), "ink", "end")
    if bar.note:
        sheet.text(left - 12, middle + 12, pen.fitted(bar.note, _MOST_LABEL), "soft", "end")
    if math.isfinite(bar.value):
        length = (right - left) * scale.place(bar.value)
        sheet.rect(left, middle - _BAR / 2, max(length, 1), _BAR, PALETTE[0])
    if bar.low is not None and bar.high is not None:
        places = (left + (right - left) * scale.place(x) for x in (bar.low, bar.value, bar.high))
        low, end, high = places
        for begin, stop, colour in ((low, end, "#ffffff"), (end, high, "ink")):
            sheet.line(begin, middle, stop, middle, colour, 1.5)
        sheet.line(low, middle - 4, low, middle + 4, "#ffffff", 1.5)
        sheet.line(high, middle - 4, high, middle + 4, "ink", 1.5)
    if digits:
        sheet.text(WIDTH - 2, middle + 4, scale.text(bar.value), "ink", "end")
    sheet.item()


def _say(bar: Bar, scale: Axis) -> str:
    said = f"{bar.label}: {_exact(bar.value, scale)}"
    if bar.low is not None and bar.high is not None:
        said += f" (from {_exact(bar.low, scale)} to {_exact(bar.high, scale)})"
    return f"{said} · {bar.note}" if bar.note else said


def _exact(value: float, scale: Axis) -> str:
    if not math.isfinite(value):
        return "no value"
    return f"{value / scale.factor:,.6g} {scale.unit}".strip()


def _check(bar: Bar) -> None:
    ends = [end for end in (bar.low, bar.value, bar.high) if end is not None]
    spread = bar.low is not None, bar.high is not None
    if any(spread) != all(spread) or any(end < 0 or end == math.inf for end in ends):
        raise UsageError(
            f"The bar {bar.label!r} cannot be drawn: bars begin at zero and end somewhere, "
            "and a spread has a low and a high end."
        )

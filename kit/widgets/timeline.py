"""What happened when: spans and moments, in a lane for each of those it happened to."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from kit.errors import UsageError
from kit.widgets import axis, pen, values
from kit.widgets.axis import Axis
from kit.widgets.chart import PALETTE
from kit.widgets.drawing import Drawing
from kit.widgets.pen import WIDTH, Pen

_LANE, _SPAN = 36, 20
_MOST_LABEL = 200
_TOLD = 12
_LEAST = 8  # letters, the last of them an ellipsis: less says nothing
_ONE_MORE = "#767676"  # for kinds beyond the palette: their names tell them apart


@dataclass(frozen=True)
class Span:
    """Something that lasted, in the timeline's unit; `kind` chooses its colour."""

    begin: float
    end: float
    kind: str
    text: str = ""


@dataclass(frozen=True)
class Mark:
    """A moment; `kind` chooses its colour."""

    at: float
    kind: str
    text: str = ""


@dataclass(frozen=True)
class Lane:
    """What happened to one of those that are compared, in order of time."""

    label: str
    spans: Sequence[Span] = field(default=())
    marks: Sequence[Mark] = field(default=())


class Timeline(Drawing):
    """Draw lanes over one axis of time from zero; each kind keeps its colour from show to show.

    `of` names what the axis counts. Figures of a `volatile` timeline are seen live only.
    """

    def __init__(self, unit: str = "s", *, of: str = "time", volatile: bool = True) -> None:
        super().__init__()
        self.unit, self.of, self.volatile = unit, of, volatile
        self.lanes: tuple[Lane, ...] = ()
        self._axis: Axis | None = None
        self._kinds: dict[str, str] = {}
        self.redraw()

    def show(self, lanes: Sequence[Lane]) -> None:
        """Replace the lanes, in the order given; the axis stays as long as it serves."""
        for lane in lanes:
            _check(lane)
        self.lanes = tuple(lanes)
        ends = [span.end for lane in lanes for span in lane.spans]
        ends += [mark.at for lane in lanes for mark in lane.marks]
        self._axis = axis.linear(self.unit, 0.0, max(ends, default=0.0), self._axis)
        for lane in lanes:
            for thing in _things(lane):
                free = [colour for colour in PALETTE if colour not in self._kinds.values()]
                self._kinds.setdefault(thing.kind, free[0] if free else _ONE_MORE)
        self.redraw()

    def words(self) -> str:
        """Say which lanes there are and what happened in each, in order."""
        said = "; ".join(_story(lane) for lane in self.lanes)
        return f"Timeline. {said}" if self.lanes else "Nothing has happened yet"

    def draw(self, *, live: bool, digits: bool) -> str:
        """Return the lanes as SVG."""
        if not self.lanes or self._axis is None:
            return ""
        scale = self._axis
        left = min(max(pen.width(lane.label) for lane in self.lanes), _MOST_LABEL) + 16
        right, foot = WIDTH - 24.0, _LANE * len(self.lanes) + 4
        sheet = Pen(foot + 44, live=live)
        scale.draw(sheet, left, right, foot, digits=digits)
        named = [self.of, scale.unit if digits and scale.unit != self.of else ""]
        title = " · ".join(filter(None, named))
        sheet.text(WIDTH - 2, foot + 34, title, "soft", "end")
        self._legend(sheet, left, foot + 34, right - pen.width(title) - 24)
        for place, lane in enumerate(self.lanes):
            self._lane(sheet, lane, scale, (left, right, place * _LANE + _LANE / 2))
        return sheet.svg()

    def static_text(self) -> str:
        """Return each lane as the things that happened in it, in order."""
        return "\n".join(_story(lane) for lane in self.lanes) or self.words()

    def _legend(self, sheet: Pen, x: float, y: float, right: float) -> None:
        seen = {thing.kind for lane in self.lanes for thing in _things(lane)}
        for kind, colour in self._kinds.items():
            word = pen.fitted(kind, 160)
            if kind in seen and kind and x + pen.width(word) + 20 < right:
                sheet.rect(x, y - 9, 10, 10, colour)
                sheet.text(x + 16, y, word, "soft")
                x += 16 + pen.width(word) + 16

    def _lane(self, sheet: Pen, lane: Lane, scale: Axis, box: tuple[float, float, float]) -> None:
        left, right, middle = box
        sheet.text(left - 12, middle + 4, pen.fitted(lane.label, _MOST_LABEL), "ink", "end")
        sheet.line(left, middle, right, middle, "edge")
        for span in _thinned(lane.spans, (scale.high - scale.low) / (right - left)):
            begin, end = (left + (right - left) * scale.place(t) for t in (span.begin, span.end))
            colour = self._kinds[span.kind]
            sheet.item(_said(lane, span.kind, span.text, (span.begin, span.end), scale))
            sheet.rect(begin, middle - _SPAN / 2, max(end - begin - 1, 1), _SPAN, colour)
            self._label(sheet, span, (begin, end, middle))
        for mark in lane.marks:
            x = left + (right - left) * scale.place(mark.at)
            sheet.item(_said(lane, mark.kind, mark.text, (mark.at,), scale))
            sheet.rect(x - 5, middle - _LANE / 2, 10, _LANE, "ink", 0)
            sheet.line(x, middle - _LANE / 2 + 2, x, middle + _LANE / 2 - 2, "ink", 1.5)
            sheet.rect(x - 4, middle - _LANE / 2 + 1, 8, 8, self._kinds[mark.kind])
        sheet.item()

    def _label(self, sheet: Pen, span: Span, box: tuple[float, float, float]) -> None:
        """Name a span where its name can be read; the legend and the pointer tell the others."""
        begin, end, middle = box
        word = pen.fitted(span.text or span.kind, end - begin - 10)
        if len(word) >= _LEAST or word == values.visible(span.text or span.kind):
            sheet.text(begin + 5, middle + 4, word, pen.readable(self._kinds[span.kind]))


def _things(lane: Lane) -> list[Span | Mark]:
    return [*lane.spans, *lane.marks]


def _story(lane: Lane) -> str:
    things = [(span.begin, span.kind, span.text) for span in lane.spans]
    things += [(mark.at, mark.kind, mark.text) for mark in lane.marks]
    told = [kind if text in ("", kind) else f"{kind} {text}" for _, kind, text in sorted(things)]
    runs = [what for what, _ in itertools.groupby(told)]
    more = ", …" if len(runs) > _TOLD else ""
    return values.visible(f"{lane.label}: {', '.join(runs[:_TOLD]) or 'nothing'}{more}")


def _said(lane: Lane, kind: str, text: str, when: Sequence[float], scale: Axis) -> str:
    what = kind if text in ("", kind) else f"{kind} · {text}"
    at = f"at {scale.text(when[0])}"
    if len(when) > 1:
        lasted = scale.text(when[1] - when[0])
        at = f"from {scale.text(when[0])} to {scale.text(when[1])} ({lasted})"
    return f"{lane.label}: {what} {at}"


def _thinned(spans: Sequence[Span], pixel: float) -> list[Span]:
    """Join spans of one kind that touch within a pixel, so that thousands travel light."""
    kept: list[Span] = []
    for span in spans:
        last = kept[-1] if kept else None
        narrow = last is not None and span.end - last.begin < pixel
        if last is not None and narrow and last.kind == span.kind:
            kept[-1] = replace(last, end=max(last.end, span.end), text=last.text or span.text)
        else:
            kept.append(span)
    return kept


def _check(lane: Lane) -> None:
    wrong = [s for s in lane.spans if not 0 <= s.begin <= s.end < float("inf")]
    if wrong or not all(0 <= mark.at < float("inf") for mark in lane.marks):
        raise UsageError(
            f"The lane {lane.label!r} cannot be drawn: time begins at zero, and a span ends at or "
            "after its begin. Subtract the moment at which the timeline begins."
        )

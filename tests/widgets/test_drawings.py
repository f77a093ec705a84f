"""Bars, histograms, timelines: to scale, steady while they change, true without a kernel."""

from __future__ import annotations

import base64
import math
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from kit.errors import UsageError
from kit.widgets import axis, pen
from kit.widgets.bars import Bar, Bars
from kit.widgets.chart import PALETTE
from kit.widgets.drawing import Drawing
from kit.widgets.histogram import Distribution, Histogram
from kit.widgets.parts import VIEW
from kit.widgets.timeline import Lane, Mark, Span, Timeline

HOSTILE = "<script>alert(1)</script>\"'\x00\uffff\u202e漢字"


def bars(*shown: Bar, **options: Any) -> Bars:
    drawn = Bars("s", of="latency", **options)
    drawn.show(shown)
    return drawn


def histogram(*rows: Distribution, **options: Any) -> Histogram:
    drawn = Histogram("s", of="latency", **options)
    drawn.show(rows)
    return drawn


def timeline(*lanes: Lane, **options: Any) -> Timeline:
    drawn = Timeline(**options)
    drawn.show(lanes)
    return drawn


def filled() -> list[Drawing]:
    """Return one of each kind, with hostile labels everywhere."""
    return [
        bars(Bar(HOSTILE, 0.02, 0.01, 0.03, note=HOSTILE), Bar("b", 0.01)),
        histogram(Distribution(HOSTILE, [0.001, 0.002, 0.004])),
        timeline(Lane(HOSTILE, [Span(0, 3.2, HOSTILE, HOSTILE)], [Mark(1.5, HOSTILE, HOSTILE)])),
    ]


def read(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314


def still(drawing: Drawing) -> ElementTree.Element:
    """Read the saved picture as an XML document, as strictly as a browser reads an image."""
    found = re.search(r'base64,([^"]+)', drawing.static_html())
    assert found
    return read(base64.b64decode(found[1]).decode())


def texts(svg: str | ElementTree.Element) -> list[str]:
    root = read(svg) if isinstance(svg, str) else svg
    return [str(element.text) for element in root.iter() if element.tag.endswith("text")]


def boxes(svg: str, colour: str = PALETTE[0]) -> list[tuple[float, float]]:
    """Return the left end and the width of each box of a colour."""
    return [
        (float(box.get("x", "")), float(box.get("width", "")))
        for box in read(svg).iter("rect")
        if f"fill:{colour}" in box.get("style", "")
    ]


def said(drawing: Drawing) -> list[str]:
    return [str(thing.get("data-say")) for thing in read(drawing.svg).iter("g")]


def test_hostile_words_are_text_in_every_drawing_and_in_its_picture() -> None:
    for drawing in filled():
        still(drawing)
        assert "script" not in {element.tag for element in read(drawing.svg).iter()}
        assert "\x00" not in drawing.svg
        assert "\u202e" not in drawing.svg
        assert "<script" not in drawing.static_html()


def test_a_saved_picture_of_measured_values_has_no_digit() -> None:
    shown = [
        bars(Bar("a", 0.0123, 0.01, 0.015)),
        histogram(Distribution("a", [0.001, 0.1])),
        timeline(Lane("a", [Span(0, 3.2, "up")], [Mark(1, "vote")])),
    ]
    for drawing in shown:
        words = [text.replace("p50", "").replace("p99", "") for text in texts(still(drawing))]
        assert not re.search(r"\d", "".join(words))
        assert not [thing for thing in still(drawing).iter() if thing.get("data-say")]
        assert not re.search(r"\d", drawing.static_text() + drawing.words())
        assert re.search(r"\d", "".join(texts(drawing.svg)))
        assert VIEW in drawing._repr_mimebundle_()


def test_figures_that_do_not_change_from_run_to_run_may_be_saved() -> None:
    drawn = Bars("blocks", of="read", volatile=False)
    drawn.show([Bar("a", 1203), Bar("b", 7)])
    assert "1,203 blocks" in texts(still(drawn))
    assert "1,203 blocks" in drawn.static_text()


def test_bars_begin_at_zero_and_their_lengths_are_to_scale() -> None:
    drawn = bars(Bar("a", 0.01), Bar("b", 0.005), Bar("c", 0.0))
    (left, long), (begin, short), (_, none) = boxes(drawn.svg)
    assert left == begin
    assert long == pytest.approx(2 * short, abs=0.2)
    assert none == 1


def test_a_bar_says_exactly_what_it_shows_its_spread_and_its_note() -> None:
    drawn = bars(Bar("a", 0.0123456, 0.01, 0.015, note="7 runs"), Bar("b", math.nan))
    assert said(drawn) == ["a: 12.3456 ms (from 10 ms to 15 ms) · 7 runs", "b: no value"]
    assert texts(drawn.svg).count("12.3 ms") == 1
    assert len(boxes(drawn.svg)) == 1


@pytest.mark.parametrize(
    "bar", [Bar("a", -1), Bar("a", math.inf), Bar("a", 1, low=0.5), Bar("a", 1, -1, 2)]
)
def test_a_bar_that_would_lie_is_refused(bar: Bar) -> None:
    with pytest.raises(UsageError):
        bars(bar)


def test_what_is_shown_before_there_is_anything_is_a_sentence() -> None:
    for drawing in (bars(), histogram(), timeline()):
        assert drawing.svg == ""
        assert drawing.words() in drawing.static_html()
        assert drawing.static_text() == drawing.words() == drawing.label


def test_an_axis_stays_while_values_move_and_follows_when_they_must() -> None:
    drawn = bars(Bar("a", 0.9))
    ticks = [texts(drawn.svg)]
    for value in (0.8, 0.5, 0.4, 0.95):
        drawn.show([Bar("a", value)])
        ticks.append(texts(drawn.svg))
    assert len({tuple(t for t in seen if "ms" not in t and " s" not in t) for seen in ticks}) == 1
    drawn.show([Bar("a", 30)])
    assert "30.0 s" in texts(drawn.svg)
    drawn.show([Bar("a", 0.003)])
    assert "3.00 ms" in texts(drawn.svg)


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("s", 0.00000234, "2.34 µs"),
        ("s", 0.0123, "12.3 ms"),
        ("s", 2.5, "2.50 s"),
        ("s", 600, "10.0 min"),
        ("bytes", 1_590_000, "1.59 MB"),
        ("bytes", 999, "999 bytes"),
        ("runs", 12_345, "12,345 runs"),
        ("", 3, "3"),
    ],
)
def test_values_are_written_in_a_unit_that_people_read(unit: str, value: float, text: str) -> None:
    assert axis.linear(unit, 0, value).text(value) == text


@pytest.mark.parametrize("seen", [(1e-7, 2e-7), (0.5, 0.5), (1e-6, 10), (0.002, 0.0021), (1, 1e9)])
def test_a_logarithmic_axis_holds_its_values_and_has_several_ticks(
    seen: tuple[float, float],
) -> None:
    scale = axis.logarithmic("s", *seen)
    assert scale.low <= seen[0] <= seen[1] <= scale.high
    assert len(scale.ticks) >= 2
    assert scale.place(scale.low) == 0
    assert scale.place(scale.high) == 1


def test_a_histogram_counts_every_value_once_and_marks_its_percentiles() -> None:
    drawn = histogram(Distribution("a", [0.001] * 98 + [0.5, 0.6]))
    counts = [re.search(r": (\d+) of 100", text) for text in said(drawn)]
    assert sum(int(found[1]) for found in counts if found) == 100
    assert [text for text in said(drawn) if ": p" in text] == [
        "a: p50 1.00 ms, of 100",
        "a: p99 500 ms, of 100",
    ]


def placed(svg: str, begins: str) -> tuple[float, float]:
    """Return from where to where the text that begins so reaches, as wide as it is thought."""
    (found,) = [e for e in read(svg).iter("text") if str(e.text).startswith(begins)]
    x, wide = float(found.get("x", "")), pen.width(str(found.text))
    return (x - wide, x) if "end" in found.get("style", "") else (x, x + wide)


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize(
    "some",
    [
        [0.001] * 100,
        [0.001] * 60 + [0.00101] * 40,
        [1e-6] * 60 + [1e-6 * 1.01] * 40 + [10.0],
        [1e-6] + [10.0] * 99,
        [1e-6] * 98 + [5.0, 5.0],
        [0.0] * 60 + [0.4] * 40,
    ],
)
def test_the_names_of_percentiles_never_meet_and_are_never_cut(
    some: list[float], log: bool
) -> None:
    drawn = histogram(Distribution("a", some), log=log)
    low, high = placed(drawn.svg, "p50"), placed(drawn.svg, "p99")
    assert low[1] < high[0]
    assert low[0] >= 0
    assert high[1] <= pen.WIDTH


def test_a_histogram_leaves_out_what_is_no_number_and_bears_zero_and_nothing() -> None:
    drawn = histogram(Distribution("a", [math.nan, math.inf, 0.0, 0.001]), Distribution("b", []))
    assert any("2 of 2" in text for text in said(drawn))
    assert "b" in texts(drawn.svg)
    still(drawn)


def test_spans_lie_where_they_began_and_are_as_long_as_they_lasted() -> None:
    drawn = timeline(Lane("a", [Span(0, 5, "up"), Span(5, 10, "up")]))
    (first, long), (second, same) = boxes(drawn.svg)[-2:]
    assert long == pytest.approx(same, abs=0.2)
    assert second == pytest.approx(first + long + 1, abs=0.2)
    assert said(drawn)[0] == "a: up from 0.0 s to 5.0 s (5.0 s)"


def test_a_kind_keeps_its_colour_and_is_named() -> None:
    drawn = timeline(Lane("a", [Span(0, 1, "down")]), Lane("b", [Span(0, 1, "up")]))
    (before,) = boxes(drawn.svg, PALETTE[1])[1:] or [None]
    drawn.show([Lane("b", [Span(0, 1, "up")])])
    assert len(boxes(drawn.svg, PALETTE[1])) == 2
    assert boxes(drawn.svg, PALETTE[0]) == []
    assert "up" in texts(drawn.svg)
    assert before is not None


def test_a_span_too_narrow_for_its_name_has_none_and_says_it_when_pointed_at() -> None:
    lane = Lane(
        "a", [Span(0, 0.4, "commit"), Span(1, 40, "wait", "a word"), Span(40, 44, "commit")]
    )
    drawn = timeline(lane)
    assert "a word" in texts(drawn.svg)
    assert not [text for text in texts(drawn.svg) if text.endswith("…")]
    assert sum("commit" in text for text in said(drawn)) == 2
    cut = timeline(Lane("a", [Span(0, 20, "x", "a sentence that is longer than its span" * 3)]))
    assert [text for text in texts(cut.svg) if text.startswith("a sentence that")]


def test_a_label_of_forty_letters_is_whole() -> None:
    label = "one transaction, with a commit at the end"
    assert label in texts(bars(Bar(label, 0.01), Bar("b", 0.02)).svg)


def test_more_kinds_than_colours_still_have_names() -> None:
    drawn = timeline(Lane("a", [Span(i, i + 1, f"kind {i}") for i in range(9)]))
    assert sum("kind" in text for text in said(drawn)) == 9
    assert boxes(drawn.svg, "#767676")


def test_thousands_of_spans_travel_light_and_are_told_in_a_few_words() -> None:
    spans = [Span(i / 1000, (i + 0.5) / 1000, "write") for i in range(20_000)]
    drawn = timeline(Lane("a", [*spans, Span(20, 21, "error")]))
    assert len(drawn.svg) < 200_000
    assert drawn.static_text() == "a: write, error"


@pytest.mark.parametrize(
    "lane",
    [
        Lane("a", [Span(2, 1, "x")]),
        Lane("a", [Span(-1, 1, "x")]),
        Lane("a", marks=[Mark(math.nan, "x")]),
    ],
)
def test_a_span_that_ends_before_it_begins_is_refused(lane: Lane) -> None:
    with pytest.raises(UsageError):
        timeline(lane)


def test_text_is_cut_to_its_room_and_readable_on_its_ground() -> None:
    assert pen.fitted("a short one", 200) == "a short one"
    cut = pen.fitted("one that is much too long for its room", 100)
    assert cut.endswith("…")
    assert pen.width(cut) <= 100
    assert pen.fitted("x", 1) == ""
    assert [pen.readable(colour) for colour in ("#000000", "#ffffff", "#0072b2", "#e69f00")] == [
        "#ffffff",
        "#000000",
        "#ffffff",
        "#000000",
    ]


def test_colours_and_type_are_the_pages_own_when_live_and_fixed_when_saved() -> None:
    for drawing in filled():
        assert "var(--jp-ui-font-color1" in drawing.svg
        assert "var(" not in ElementTree.tostring(still(drawing), encoding="unicode")

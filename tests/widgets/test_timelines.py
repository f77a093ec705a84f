"""A timeline: spans lie where they began, kinds keep their colours, words have room or are said."""

from __future__ import annotations

import math

import pytest

from kit.errors import UsageError
from kit.widgets import pen
from kit.widgets.chart import PALETTE
from kit.widgets.timeline import Lane, Mark, Span
from tests.widgets.drawn import boxes, said, texts, timeline


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

"""Bars and histograms: to scale, every value counted once, and every name whole."""

from __future__ import annotations

import math
import re

import pytest

from kit.errors import UsageError
from kit.widgets import pen
from kit.widgets.bars import Bar
from kit.widgets.histogram import Distribution
from tests.widgets.drawn import bars, boxes, histogram, read, said, still, texts


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


def test_a_label_of_forty_letters_is_whole() -> None:
    label = "one transaction, with a commit at the end"
    assert label in texts(bars(Bar(label, 0.01), Bar("b", 0.02)).svg)


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

"""A chart over time: round ticks, nothing volatile when saved, thinning that says so."""

from __future__ import annotations

import base64
import math
import re
from itertools import pairwise

import pytest

from kit.widgets import clock
from kit.widgets.chart import POINTS, Chart, Series
from kit.widgets.thinning import thin
from tests.notebooks import leaks

NOON = 1_774_526_400.0  # 26 March 2026, 12:00 UTC
DAY = 86_400.0


def over_time(*series: Series) -> Chart:
    chart = Chart(x="time", y="loss", time=True)
    chart.show(series)
    return chart


def drawing(chart: Chart) -> str:
    found = re.search(r"base64,([^\"]+)", chart.static_html())
    assert found is not None
    return base64.b64decode(found[1]).decode()


@pytest.mark.parametrize(
    ("length", "first", "second"),
    [
        (0.05, "12:00:00.00", "12:00:00.01"),
        (12, "12:00:00", "12:00:02"),
        (300, "12:00", "12:01"),
        (7200, "12:00", "12:30"),
        (2 * DAY, "12:00", "00:00"),
        (10 * DAY, "28 Mar", "30 Mar"),
    ],
)
def test_ticks_stand_at_round_times_and_say_no_more_than_tells_them_apart(
    length: float, first: str, second: str
) -> None:
    span, _ = clock.by_the_clock(NOON, 0, length)
    assert list(span.labels[:2]) == [first, second]


@pytest.mark.parametrize("length", [1e-5, 0.3, 7, 59, 61, 3599, 3601, 90_000, 4e6, 9e7, 1e9])
def test_any_stretch_of_time_has_a_few_ticks_inside_it(length: float) -> None:
    for span, _ in (clock.by_the_clock(NOON, 0, length), clock.since_the_start(0, length)):
        assert 2 <= len(span.ticks) <= clock.MOST + 1
        assert span.low - 1e-6 <= min(span.ticks)
        assert max(span.ticks) <= span.high + 1e-6
        assert len({round(b - a, 6) for a, b in pairwise(span.ticks)}) == 1


def test_the_page_shows_the_clock_and_the_saved_picture_counts_from_the_start() -> None:
    chart = over_time(Series("a", [(NOON + second, 1 / second) for second in range(1, 31)]))
    across = chart.figure.axes[0]
    assert "12:00:10" in across.tick_labels.values()
    assert across.label == "time on 26 Mar 2026, UTC"
    assert "seconds since the start" in drawing(chart)
    assert "12:00" not in drawing(chart)
    assert [p for text in (drawing(chart), chart.static_html()) for p in leaks.found(text)] == []


def test_two_runs_at_different_times_of_day_save_the_same_picture() -> None:
    points = [(float(second), 1 / (1 + second)) for second in range(30)]
    early, late = (
        over_time(Series("a", [(begun + x, y) for x, y in points])) for begun in (NOON, NOON + 4321)
    )
    assert early.static_html() == late.static_html()


def test_a_label_is_found_by_the_number_that_the_script_will_look_for() -> None:
    chart = over_time(Series("a", [(NOON, 1.0), (NOON + 12, 2.0)]))
    across = chart.figure.axes[0]
    assert set(across.tick_labels) == {f"{tick:g}" for tick in across.tick_values}


def test_points_can_be_read_off_by_the_clock() -> None:
    chart = over_time(Series("a", [(NOON, 1.0), (NOON + 1.5, 2.0)]))
    points = chart.figure.marks[1]
    assert list(points.names) == ["12:00:00.000", "12:00:01.500"]
    assert points.tooltip.fields == ["name", "y"]


def test_an_axis_can_cover_more_than_its_lines_do() -> None:
    chart = Chart(x="time", y="loss", time=True)
    chart.show([Series("a", [(NOON + 20, 1.0)])], within=(NOON, NOON + 60))
    across = chart.figure.axes[0]
    assert (across.scale.min, across.scale.max) == (0, 60)
    assert list(chart.figure.marks[0].x) == [20]


def test_a_million_points_are_thinned_say_so_and_keep_their_extremes() -> None:
    points = [(NOON + i, 50.0 if i == 654_321 else math.sin(i)) for i in range(1_000_000)]
    points[123_456] = (NOON + 123_456, -50.0)
    chart = over_time(Series("a", points))
    drawn = list(chart.lines[0].points)
    assert len(drawn) <= POINTS + 2
    assert {(123_456.0, -50.0), (654_321.0, 50.0)} < set(drawn)
    assert drawn[0] == (0, points[0][1])
    assert drawn[-1] == (999_999, points[-1][1])
    assert "1,000,000 points, thinned to" in chart.note
    assert chart.note in chart.static_html()
    assert chart.note in chart.static_text()


def test_a_short_line_is_drawn_whole_and_says_nothing() -> None:
    chart = over_time(Series("a", [(NOON + i, float(i)) for i in range(POINTS)]))
    assert (len(chart.lines[0].points), chart.note) == (POINTS, "")


def test_thinning_keeps_gaps_and_what_is_extreme_beside_them() -> None:
    points = [(float(i), float(i % 7)) for i in range(100_000)]
    points[50_000:50_003] = [(50_000.0, math.nan), (50_001.0, math.inf), (50_002.0, 99.0)]
    kept = thin(points, 300)
    assert len(kept) <= 302
    assert (50_002.0, 99.0) in kept
    assert [x for x, y in kept if math.isnan(y)] == [50_000.0]
    assert [x for x, _ in kept] == sorted(x for x, _ in kept)


def test_a_stretch_of_nothing_but_gaps_stays_a_gap() -> None:
    kept = thin([(float(i), math.nan) for i in range(10_000)], 300)
    assert all(math.isnan(y) for _, y in kept)


@pytest.mark.parametrize(
    ("top", "last"),
    [
        (80_000.0, ""),
        (400_000.0, "400k"),
        (1_500_000.0, "1.5M"),
        (2e9, "2G"),
        (5e16, "5e+16"),
    ],
)
def test_ticks_of_many_digits_are_written_short(top: float, last: str) -> None:
    chart = Chart(x="step", y="rows", zero=True)
    chart.show([Series("a", [(0, 0), (1, top)])])
    upright = chart.figure.axes[1]
    names = list(upright.tick_labels.values())
    assert (names[-1] if names else "") == last
    shown = names or [f"{tick:,.0f}" for tick in upright.tick_values]
    # A letter is seven pixels wide; the axis's name stands to the left of the widest.
    assert max(7 * len(name) for name in shown) < float(upright.label_offset.removesuffix("px"))
    assert not last or f">{last}<" in drawing(chart)

"""A chart of lines: true to its points, the same on the page and in its picture, and light."""

from __future__ import annotations

import base64
import math
import re
from itertools import pairwise

import pytest
from ipywidgets.widgets.widget import _instances

from kit.widgets import units
from kit.widgets.chart import PALETTE, POINTS, Chart, Series, spread
from kit.widgets.measured import MeasuredChart
from tests.widgets.seen import HOSTILE, Tags, inert


def chart_of(*series: Series) -> tuple[Chart, str]:
    chart = Chart(x="step", y="loss", whole=True)
    chart.show(series)
    return chart, picture_of(chart)


def picture_of(chart: Chart) -> str:
    found = re.search(r"base64,([^\"]+)", chart.static_html())
    return base64.b64decode(found[1]).decode() if found else ""


def test_a_charts_picture_is_drawn_from_what_the_page_shows() -> None:
    chart, svg = chart_of(Series("a", [(0, 0.5), (1, 0.25)]), Series("b", [(0, 1.0), (1, 0.75)]))
    assert [line.last for line in chart.lines] == ["0.2500", "0.7500"]
    assert "a 0.2500" in svg
    assert "b 0.7500" in svg
    assert all(colour in svg for colour in PALETTE[:2])
    assert "loss over step: a 0.2500, b 0.7500" in chart.static_html()
    assert chart.static_text().splitlines()[0] == "loss  a  0.2500"


def test_a_hostile_label_is_text_in_a_charts_picture() -> None:
    chart, svg = chart_of(Series(HOSTILE, [(0, 1.0), (1, 2.0)]))
    assert inert(svg)
    assert Tags(chart.static_html()).attributes == {"alt", "src", "width"}


def test_a_value_that_is_no_number_leaves_a_gap_and_is_named() -> None:
    points = [(0, 1.0), (1, math.nan), (2, 2.0), (3, 1.7976931348623157e308)]
    chart, svg = chart_of(Series("a", points))
    drawn = chart.figure.marks[0].y
    assert [math.isnan(y) for y in drawn] == [False, True, False, True]
    assert "nan" not in svg.lower()
    assert chart.lines[0].last == "∞"


def test_a_chart_without_points_has_no_picture_and_says_so() -> None:
    chart, svg = chart_of()
    assert svg == ""
    assert chart.words == "loss over step: no points yet"


def test_a_long_line_travels_light_and_keeps_its_peaks() -> None:
    points = [(float(i), 1000.0 if i == 54_321 else math.sin(i)) for i in range(100_000)]
    chart, _ = chart_of(Series("a", points))
    kept = list(chart.lines[0].points)
    assert len(kept) <= POINTS + 2
    assert (54_321.0, 1000.0) in kept
    assert kept[-1] == points[-1]
    assert kept == sorted(kept)


@pytest.mark.parametrize(
    ("seen", "zero", "low"),
    [
        ([0.2, 1.0], None, 0.0),
        ([0.9, 0.97], None, 0.9),
        ([0.9, 0.97], True, 0.0),
        ([-1, 1], None, -1),
    ],
)
def test_an_axis_begins_at_zero_where_zero_matters(
    seen: list[float], zero: bool | None, low: float
) -> None:
    chart = Chart(x="step", y="loss", zero=zero)
    chart.show([Series("a", list(enumerate(seen)))])
    assert chart.figure.axes[1].scale.min == pytest.approx(low, abs=0.02)


@pytest.mark.parametrize("seen", [[0.0], [5.0], [1, 1], [1e-9, 2e-9], [-1e12, 1e12], [3, 1]])
def test_every_axis_has_several_ticks_inside_its_range(seen: list[float]) -> None:
    chart = Chart(x="step", y="loss")
    chart.show([Series("a", list(enumerate(seen)))])
    for axis in chart.figure.axes:
        assert axis.scale.min < axis.scale.max
        assert len(set(axis.tick_values)) >= 2
        assert axis.scale.min <= min(axis.tick_values)
        assert max(axis.tick_values) <= axis.scale.max


def test_steps_have_whole_ticks_alone() -> None:
    chart = Chart(x="step", y="loss", whole=True)
    chart.show([Series("a", [(1, 0.1), (2, 0.2), (4, 0.3)])])
    assert list(chart.figure.axes[0].tick_values) == [1, 2, 3, 4]


def test_a_line_over_steps_is_drawn_from_its_first_to_its_last() -> None:
    chart = Chart(x="step", y="loss", whole=True)
    chart.show([Series("a", [(float(step), 1 / step) for step in range(1, 61)])])
    across = chart.figure.axes[0]
    assert (across.scale.min, across.scale.max) == (1, 60)
    assert list(across.tick_values) == [10, 20, 30, 40, 50, 60]


def test_a_chart_that_lives_long_makes_no_more_models_and_takes_them_all_along() -> None:
    before = len(_instances)
    chart = Chart(x="step", y="loss")
    for step in range(2, 50):
        chart.show([Series(name, [(0, 1.0), (step, 2.0)]) for name in "ab"])
        seen = len(_instances)
        chart.show([Series("a", [(0, 1.0), (step, 2.0)])])
        chart.show([Series(name, [(0, 1.0), (step, 2.0)]) for name in "ab"])
        assert len(_instances) == seen
    chart.close()
    assert len(_instances) == before


def test_a_saved_chart_of_measurements_keeps_their_shape_and_none_of_their_values() -> None:
    chart = MeasuredChart(x="clients", y="reads per second", zero=True, whole=True)
    chart.show([Series("kept", [(1, 1234.5), (2, 45678.9)])])
    assert chart.lines[0].end == "kept 45,700"
    saved = picture_of(chart)
    assert "kept" in saved
    assert not any(value in saved for value in ("45,700", "45700", "20000", "40000"))
    assert chart.static_text() == "reads per second  kept"
    assert "45" not in chart.words


@pytest.mark.parametrize(
    ("value", "written"), [(12345, "12,300"), (0.04567, "0.0457"), (7, "7"), (math.inf, "∞")]
)
def test_a_measured_value_is_written_in_three_digits(value: float, written: str) -> None:
    assert units.short(value) == written


def test_labels_are_moved_apart_and_stay_inside() -> None:
    placed = spread([50, 51, 52, 95], 16, 0, 100)
    assert all(b - a >= 16 for a, b in pairwise(placed))
    assert min(placed) >= 0
    assert max(placed) <= 100

"""Every drawing: its words are text, its axes steady, its picture true without a kernel."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from kit.widgets import axis
from kit.widgets.bars import Bar, Bars
from kit.widgets.drawing import Drawing
from kit.widgets.histogram import Distribution
from kit.widgets.parts import VIEW
from kit.widgets.timeline import Lane, Mark, Span
from tests.widgets.drawn import bars, histogram, read, still, texts, timeline

HOSTILE = "<script>alert(1)</script>\"'\x00\uffff\u202e漢字"


def filled() -> list[Drawing]:
    """Return one of each kind, with hostile labels everywhere."""
    return [
        bars(Bar(HOSTILE, 0.02, 0.01, 0.03, note=HOSTILE), Bar("b", 0.01)),
        histogram(Distribution(HOSTILE, [0.001, 0.002, 0.004])),
        timeline(Lane(HOSTILE, [Span(0, 3.2, HOSTILE, HOSTILE)], [Mark(1.5, HOSTILE, HOSTILE)])),
    ]


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


def test_colours_and_type_are_the_pages_own_when_live_and_fixed_when_saved() -> None:
    for drawing in filled():
        assert "var(--jp-ui-font-color1" in drawing.svg
        assert "var(" not in ElementTree.tostring(still(drawing), encoding="unicode")

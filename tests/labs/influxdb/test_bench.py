"""The line-protocol bench: a point is kept as it is typed, or refused and marked at its place."""

from __future__ import annotations

from typing import Any

import pytest

from kit.labs.influxdb import batches
from kit.labs.influxdb.bench import EXAMPLE, Bench, bench
from kit.labs.influxdb.session import Session
from tests.panels import said


def test_a_point_goes_from_one_form_into_the_other_and_back(session: Session, shown: Any) -> None:
    panel: Bench = shown(bench(session.server))
    assert '"loss": 0.25' in panel.json.value
    panel.lines.value = ""
    assert panel.untranslate()
    assert panel.lines.value == EXAMPLE.replace(
        "run_id=bench,model=sgd loss=0.25,accuracy=0.94",
        "model=sgd,run_id=bench accuracy=0.94,loss=0.25",
    )


def test_a_point_is_written_with_its_precision_and_shown_as_it_is_kept(
    session: Session, shown: Any
) -> None:
    panel = shown(bench(session.server, "cpu value=1 1774526400", precision="s"))
    assert panel.write()
    (grid,) = panel.table.grids
    assert str(grid.rows[0][0]) == "2026-03-26 12:00:00"
    panel.precision.value = "ms"
    assert panel.write()
    assert str(panel.table.grids[0].rows[1][0]) == "1970-01-21 12:55:26.4"
    session.write([f"cpu,host=other value={n}" for n in range(20)])
    assert panel.write("cpu,host=old value=1 5")
    assert [row[1:] for row in panel.table.grids[0].rows] == [["old", 1]]
    assert "precision=ms" in panel.static_text()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("cpu value=", "cpu value=\n          ▲ missing field value"),
        ("cpu value=nan", "cpu value=nan\n          ▲ invalid number"),
        ("cpu value=1\ncpu,host= value=1", "         ▲ line 2: missing tag value"),
    ],
)
def test_a_bad_line_is_refused_by_the_server_and_marked_at_its_place(
    session: Session, shown: Any, text: str, place: str
) -> None:
    panel = shown(bench(session.server))
    assert not panel.write(text)
    assert "unable to parse" in panel.notice.static_text()
    assert place in panel.notice.static_text()
    assert panel.write("cpu value=1")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"measurement": "a",}', "▲"),
        ('{"fields": {"x": 1}}', "▲ missing measurement"),
        (
            '[{"measurement": "a", "fields": {"x": 1}},\n {"measurement": "b"}]',
            ' {"measurement": "b"}]\n ▲ line 2: missing fields',
        ),
        ('{"measurement": "a", "field": {"x": 1}}', "                     ▲"),
        ('{"measurement": "a", "fields": {"x": [1]}}', "▲ a field holds"),
        ('{"measurement": "a", "fields": {"x": 1}, "tags": 5}', "▲ tags are an object"),
    ],
)
def test_bad_json_is_marked_at_its_place_and_not_sent(
    session: Session, shown: Any, text: str, place: str
) -> None:
    panel = shown(bench(session.server))
    before = panel.lines.value
    panel.json.value = text
    assert not panel.untranslate()
    assert place in panel.notice.static_text()
    assert panel.lines.value == before


def test_a_partly_good_request_keeps_the_good_lines_and_says_what_was_dropped(
    session: Session, shown: Any
) -> None:
    panel = shown(bench(session.server))
    assert not panel.write("cpu value=1 5\ncpu value=oops 6")
    assert "partial write" in panel.notice.static_text()
    assert session.value("SELECT count(value) FROM cpu", "count") == 1


def test_larger_batches_are_measured_for_real_and_leave_nothing(
    session: Session, shown: Any
) -> None:
    panel = shown(bench(session.server))
    rates = panel.compare(times=2)
    assert [rate.size for rate in rates] == list(batches.SIZES)
    assert all(rate.low <= rate.median <= rate.high for rate in rates)
    databases = session.one("SHOW DATABASES")[0].column("name")
    assert batches.SCRATCH not in databases
    assert next(bar.label for bar in panel.bars.bars) == "1 in a request"


def test_measuring_batches_ends_where_it_is_told_to(session: Session) -> None:
    found = batches.measure(session, times=1, told=lambda rate: False)
    assert len(found) == 1


def test_an_interrupted_cell_leaves_a_panel_that_says_so_and_works(
    session: Session, shown: Any
) -> None:
    panel = shown(bench(session.server))
    with pytest.raises(KeyboardInterrupt), panel.turn(panel.go):
        raise KeyboardInterrupt
    assert said(panel) == "■ interrupted"
    assert not panel.go.disabled
    assert panel.write()

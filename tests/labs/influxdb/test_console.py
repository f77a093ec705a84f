"""InfluxDB's console and builder show what is asked, and what the server answered or refused."""

from __future__ import annotations

import math
import threading
import time
from typing import Any

import pytest

from kit.errors import UsageError
from kit.labs.influxdb.console import Console, console
from kit.labs.influxdb.session import Session
from kit.widgets.chart import POINTS
from tests.labs.influxdb.panels import labels
from tests.panels import said
from tests.traces import await_true

HOSTILE = "<script>alert(1)</script>\"'><img src=x>"


@pytest.fixture
def asking(session: Session, trained: dict[str, list[float]], shown: Any) -> Console:
    panel: Console = shown(console(session.server))
    return panel


def inert(panel: Any) -> bool:
    html = panel.static_html() + panel.table.html
    return "<script" not in html and "<img src=x" not in html


def test_every_click_writes_a_query_and_runs_it(asking: Console) -> None:
    built = asking.builder
    built.fields.value = ("loss",)
    assert asking.editor.value == 'SELECT "loss"\nFROM "training_metrics"'
    built.by.value = ("run_id",)
    assert labels(asking) == ["fast", "slow"]
    built.aggregate.value = "max"
    built.every.value = "1h"
    assert asking.editor.value.endswith('GROUP BY time(1h), "run_id" fill(none)')
    built.tag.value = "run_id"
    built.value.value = "slow"
    built.since.value = "1d"
    assert "WHERE \"run_id\" = 'slow' AND time >= now() - 1d" in asking.editor.value
    assert asking.strip is not None
    assert asking.strip.text == asking.editor.value
    assert said(asking).startswith("✓ ")


def test_the_editor_offers_what_there_is(asking: Console, session: Session) -> None:
    offered = dict(asking.editor.words["outside"])
    assert offered["training_metrics"] == "measurement"
    assert (offered["loss"], offered["run_id"]) == ("field, float", "tag")
    assert {"SELECT", "mean"} <= set(offered)
    session.write([r"other\ one odd\ name=1,plain=2"])
    asking.look()
    asking.run('SELECT * FROM "other one"')
    offered = dict(asking.editor.words["outside"])
    assert "plain" in offered
    assert "odd name" not in offered


def test_a_typed_query_moves_the_controls_and_one_beyond_them_says_so(asking: Console) -> None:
    asking.run(
        "select min(loss) from training_metrics where run_id='fast' group by time(5m), model"
    )
    built = asking.builder
    assert (built.aggregate.value, built.every.value, built.by.value) == ("min", "5m", ("model",))
    assert (built.tag.value, built.value.value) == ("run_id", "fast")
    assert asking.aside.static_text() == ""
    answer = asking.run("SELECT percentile(loss, 90) FROM training_metrics")
    assert answer[0].count == 1
    assert "more than the controls" in asking.aside.static_text()
    assert built.aggregate.value == "min"


def test_the_answer_is_the_clients_own_as_table_and_as_lines(
    asking: Console, session: Session, trained: dict[str, list[float]]
) -> None:
    asking.run("SELECT loss FROM training_metrics GROUP BY run_id")
    client = session.server.connect()
    found = client.query("SELECT loss FROM training_metrics WHERE run_id = 'slow'")
    wanted = [point["loss"] for point in found.get_points()]
    client.close()
    (grid,) = asking.table.grids
    assert [row[2] for row in grid.rows if row[1] == "slow"] == wanted == trained["slow"]
    lines = {line.label: [y for _, y in line.points] for line in asking.chart.lines}
    assert lines == trained


@pytest.mark.parametrize(
    ("text", "state", "words"),
    [
        ("SELECT", "✗", "error parsing query: found EOF"),
        ("SELECT loss FROM nowhere..training_metrics", "✗", "database not found"),
        ("SELECT loss FROM no_such_thing", "○", "Nothing answers to that."),
        ("", "○", "Nothing was asked."),
        ("CREATE DATABASE other; DROP DATABASE other", "○", "carried it out"),
    ],
)
def test_a_bad_or_an_empty_answer_is_said_in_one_message_and_the_console_goes_on(
    asking: Console, text: str, state: str, words: str
) -> None:
    asking.run(text)
    assert said(asking).startswith(state)
    assert words in asking.notice.static_text()
    assert asking.run("SELECT loss FROM training_metrics")[0].count == 8
    assert said(asking).startswith("✓")


def test_an_answer_can_be_taken_along_as_a_frame(asking: Console, session: Session) -> None:
    with pytest.raises(UsageError, match="run a SELECT first"):
        asking.frame()
    asking.run("SELECT loss FROM training_metrics GROUP BY run_id")
    frame = asking.frame()
    assert list(frame.columns) == ["time", "run_id", "loss"]
    assert (len(frame), str(frame["time"].dt.tz)) == (8, "UTC")
    newest = session.value("SELECT last(loss) FROM training_metrics", "time")
    assert frame["time"].max().value == newest


def test_a_long_answer_goes_to_the_sheet_row_by_row(asking: Console, session: Session) -> None:
    session.write([f"long,half={n // 100} value={n} {n}" for n in range(200)])
    asking.run("SELECT value FROM long GROUP BY half")
    rows = asking.sheet.grid.rows
    assert [row[1:] for row in (rows[0], rows[99], rows[100], rows[-1])] == [
        ["0", 0],
        ["0", 99],
        ["1", 100],
        ["1", 199],
    ]
    assert asking.table.grids == ()
    assert "First 20 of 200 rows" in asking.static_text()
    asking.history.value = asking.history.texts[-1]
    assert asking.editor.value == "SELECT value FROM long GROUP BY half"


def test_a_gap_stays_a_gap(asking: Console, session: Session) -> None:
    minute = 60_000_000_000
    begin = time.time_ns() // minute * minute - 10 * minute
    session.write([f"gaps value={n} {begin + n * minute}" for n in (0, 1, 5, 6)])
    asking.run("SELECT mean(value) FROM gaps WHERE time >= now() - 15m GROUP BY time(1m)")
    (line,) = asking.chart.lines
    drawn = [y for _, y in line.points]
    known = [n for n, y in enumerate(drawn) if not math.isnan(y)]
    assert [drawn[n] for n in known] == [0, 1, 5, 6]
    assert known[2] - known[1] == 4


def test_windows_left_out_are_not_drawn_over(asking: Console, session: Session) -> None:
    session.write([f"holes value={n} {n * 60_000_000_000}" for n in (0, 1, 2, 6, 7)])
    asking.run("SELECT mean(value) FROM holes GROUP BY time(1m) fill(none)")
    (line,) = asking.chart.lines
    assert [y for _, y in line.known] == [0, 1, 2, 6, 7]
    assert [x for x, y in line.points if math.isnan(y)] == [240]
    asking.run("SELECT value FROM holes")
    assert not [y for _, y in asking.chart.lines[0].points if math.isnan(y)]


def test_a_million_points_are_drawn_thinned_with_their_extremes(
    asking: Console, session: Session
) -> None:
    begin = 1_774_526_400
    for at in range(0, 1_000_000, 50_000):
        lines = [
            f"many value={99 if n == 654_321 else n % 7} {begin + n}"
            for n in range(at, at + 50_000)
        ]
        session.write(lines, precision="s")
    asking.run("SELECT value FROM many")
    assert said(asking).startswith("✓ 1,000,000 rows")
    (line,) = asking.chart.lines
    assert len(line.points) <= POINTS + 2
    assert (654_321, 99) in line.points
    assert "1,000,000 points, thinned" in asking.static_text()
    assert len(asking.sheet.grid.rows) == 1_000_000
    cells = asking.sheet.block(654_321, 654_322, 0, 2)["cells"][0]
    assert "2026-04-03 01:45:21" in cells[0]
    assert cells[1] == "99"


def test_what_is_called_hostile_names_is_shown_as_text(session: Session, shown: Any) -> None:
    name = HOSTILE.replace(" ", r"\ ").replace("=", r"\=")
    session.write([f"{name},{name}={name} {name}=1"])
    panel = shown(console(session.server))
    panel.builder.by.value = tuple(panel.builder.by.options)
    assert said(panel).startswith("✓")
    assert inert(panel)


def test_a_running_query_can_be_cancelled(asking: Console, session: Session) -> None:
    # Every minute since 1970 is more than the server answers within the test's patience.
    session.write(["old value=1 1"])
    text = "SELECT mean(value) FROM old WHERE time >= 0 GROUP BY time(1s)"
    thread = asking.background(lambda: asking.run(text))
    await_true(lambda: session.one("SHOW QUERIES")[0].rows[0][1] != "SHOW QUERIES", "it runs")
    await_true(lambda: _cancelled(asking, thread), "it ends")
    assert said(asking).startswith("✗")
    assert "interrupted" in asking.notice.static_text()


def _cancelled(asking: Console, thread: threading.Thread) -> bool:
    asking.cancel.click()
    thread.join(0.2)
    return not thread.is_alive()

"""InfluxDB's panels show the server's own figures, follow it, stop when told, survive its loss."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kit import data
from kit.errors import UsageError
from kit.labs.influxdb import (
    batches,
    downsampling,
    holding,
    influxql,
    machine,
    series,
    stores,
    training,
)
from kit.labs.influxdb.bench import EXAMPLE, Bench, bench
from kit.labs.influxdb.cardinality import cardinality
from kit.labs.influxdb.console import Console, console
from kit.labs.influxdb.curves import Curves, curves
from kit.labs.influxdb.retention import retention
from kit.labs.influxdb.session import Session
from kit.labs.influxdb.storage import storage
from kit.launch.server import Server
from kit.launch.start import start
from kit.widgets.chart import POINTS
from kit.widgets.parts import VIEW
from tests.traces import await_true

HOSTILE = "<script>alert(1)</script>\"'><img src=x>"
RATES = {"slow": 0.0001, "fast": 0.1}


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("influxdb", name="panels") as found:
        yield found


@pytest.fixture
def session(server: Server) -> Iterator[Session]:
    """Begin each test with an empty database."""
    opened = Session(server)
    opened.ask('DROP DATABASE "mlops"; CREATE DATABASE "mlops"')
    yield opened
    opened.close()


@pytest.fixture
def shown() -> Iterator[Callable[[Any], Any]]:
    """Close every panel that a test opened."""
    opened: list[Any] = []

    def show(panel: Any) -> Any:
        opened.append(panel)
        return panel

    yield show
    for panel in opened:
        panel.close()


@pytest.fixture
def trained(session: Session) -> dict[str, list[float]]:
    """Train two runs, and return their losses as they were computed."""
    for run, rate in RATES.items():
        training.train(session.server, run_id=run, learning_rate=rate, epochs=4)
    return {
        run: [metrics["loss"] for _, metrics in data.epochs(epochs=4, learning_rate=rate)]
        for run, rate in RATES.items()
    }


def said(panel: Any) -> str:
    return re.sub("<[^>]+>", "", panel.status.value).strip()


def labels(panel: Any) -> list[str]:
    return [line.label for line in panel.chart.lines]


def inert(panel: Any) -> bool:
    html = panel.static_html() + panel.table.html
    return "<script" not in html and "<img src=x" not in html


# Training curves


def test_the_curves_are_the_numbers_that_training_computed(
    session: Session, trained: dict[str, list[float]], shown: Any
) -> None:
    panel: Curves = shown(curves(session.server, watch=False))
    drawn = {line.label: [y for _, y in line.points] for line in panel.chart.lines}
    assert drawn == trained
    assert [x for x, _ in panel.chart.lines[0].points] == [1, 2, 3, 4]
    assert [row[:2] for row in panel.table.grids[0].rows] == [["slow", 4], ["fast", 4]]


def test_without_a_run_the_panel_says_what_would_fill_it(session: Session, shown: Any) -> None:
    panel = shown(curves(session.server, watch=False))
    assert said(panel).startswith("○")
    assert "`Train` starts one" in panel.static_text()
    assert VIEW in panel._repr_mimebundle_()


def test_a_run_appears_and_grows_while_the_panel_watches(session: Session, shown: Any) -> None:
    panel = shown(curves(session.server, refresh=0.02))
    stop = threading.Event()

    def train() -> None:
        training.train(session.server, run_id="live", epochs=500, pause=0.05, stop=stop)

    thread = threading.Thread(target=train)
    thread.start()
    try:
        await_true(lambda: labels(panel) == ["live"], "the run is drawn")
        seen = len(panel.chart.lines[0].points)
        await_true(lambda: len(panel.chart.lines[0].points) > seen, "the curve grows")
        assert "1 writing" in said(panel)
    finally:
        stop.set()
        thread.join()
    assert not panel.static_text().count("nan")


def test_the_button_trains_a_real_run_beside_the_machines_own_figures(
    session: Session, shown: Any
) -> None:
    panel = shown(curves(session.server, watch=False))
    run = panel.train(0.1)
    assert labels(panel) == [run]
    assert len(panel.chart.lines[0].points) == 20
    assert {line.label for line in panel.machine.lines} >= {"cpu", "memory"}
    assert all(0 <= y <= 100 for line in panel.machine.lines for _, y in line.known)
    assert said(panel).startswith(f"✓ {run} done")
    assert panel.train(0.1) == f"{run} (2)"


def test_training_can_be_cancelled_and_keeps_what_it_wrote(session: Session, shown: Any) -> None:
    panel = shown(curves(session.server, watch=False))
    thread = panel.background(panel.train)
    await_true(lambda: session.value("SELECT count(loss) FROM training_metrics", "count") > 1, "")
    panel.cancel.click()
    thread.join(20)
    assert "stopped" in said(panel)
    assert 1 < session.value("SELECT count(loss) FROM training_metrics", "count") < 20


def test_runs_are_compared_by_epoch_or_by_the_clock(
    session: Session, trained: dict[str, list[float]], shown: Any
) -> None:
    panel = shown(curves(session.server, watch=False))
    panel.across.value = "time"
    across = panel.chart.figure.axes[0]
    assert "UTC" in across.label
    panel.across.value = "epoch"
    assert across.label == "epoch"
    assert list(across.tick_values) == [1, 2, 3, 4]


def test_chosen_runs_alone_are_drawn_and_keep_their_colours(
    session: Session, trained: dict[str, list[float]], shown: Any
) -> None:
    panel = shown(curves(session.server, watch=False))
    panel._choose(["fast"])
    assert labels(panel) == ["fast"]
    panel.metric.value = "accuracy"
    assert labels(panel) == ["fast"]
    assert panel.chart.y == "accuracy"


def test_a_saved_picture_of_curves_holds_no_reading_of_the_machine(
    session: Session, trained: dict[str, list[float]], shown: Any
) -> None:
    panel = shown(curves(session.server, watch=False))
    panel.machine.show([])
    before = panel.static_text()
    machine.record(session.server, seconds=1.2)
    panel.refresh()
    assert panel.machine.lines
    reading = panel.machine.lines[0].last
    after = panel.static_text().replace(before, "")
    assert reading not in after or reading in before


def test_a_loss_that_is_no_number_leaves_its_field_out_and_the_run_goes_on() -> None:
    metrics = {"loss": math.nan, "accuracy": 0.1, "train_accuracy": math.inf}
    text = training.line("a run", "sgd", metrics, 5)
    assert text == r"training_metrics,model=sgd,run_id=a\ run accuracy=0.1 5"
    assert training.line("a", "sgd", {"loss": math.nan}, 5) == ""


def test_a_gpu_is_read_where_there_is_one_and_nothing_is_invented_where_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.gpu() == {}
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho '37, 1024, 4096'\n")
    program.chmod(0o755)
    assert machine.gpu() == {"gpu": 37.0, "gpu_memory": 25.0}
    program.write_text("#!/bin/sh\necho 'No devices were found'\n")
    assert machine.gpu() == {}
    assert set(machine.sample()) == {"cpu", "memory"}


def test_a_machine_without_a_gpu_says_so_and_one_with_it_has_a_line(
    session: Session,
    trained: dict[str, list[float]],
    shown: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    panel = shown(curves(session.server, watch=False))
    assert "GPU" not in panel.static_text()
    machine.record(session.server, seconds=1.2)
    panel.refresh()
    assert {line.label for line in panel.machine.lines} == {"cpu", "memory"}
    assert "No GPU" in panel.static_text()
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho '37, 1024, 4096'\n")
    program.chmod(0o755)
    machine.record(session.server, seconds=1.2)
    panel.refresh()
    assert {line.label for line in panel.machine.lines} == {"cpu", "memory", "gpu", "gpu_memory"}
    assert "No GPU" not in panel.static_text()


def test_a_panel_that_lost_its_server_says_so_and_goes_on_when_it_is_back(home: Path) -> None:
    with start("influxdb", name="lost-panel") as server:
        panel = curves(server, watch=False)
        asking = console(server)
        try:
            training.train(server, run_id="kept", epochs=2)
            server.kill()
            ask = lambda: asking.run("SHOW DATABASES")  # noqa: E731
            for one, look in ((panel, panel.refresh), (asking, ask)):
                look()
                assert said(one).startswith("✗")
                assert "restart()" in one.notice.static_text()
            server.restart()
            panel.refresh()
            assert labels(panel) == ["kept"]
            assert asking.run("SELECT loss FROM training_metrics")[0].count == 2
        finally:
            panel.close()
            asking.close()


@pytest.mark.parametrize("kind", ["bench", "batches", "retention", "cardinality", "training"])
def test_work_on_a_lost_server_ends_in_one_message_and_can_be_done_again(
    home: Path, shown: Any, kind: str
) -> None:
    with start("influxdb", name="lost-work") as server:
        panel, work = _work(server, kind)
        shown(panel)
        server.kill()
        work()
        assert said(panel).startswith("✗")
        assert "restart()" in panel.notice.static_text()
        assert not panel.go.disabled
        server.restart()
        work()
        assert said(panel).startswith("✓")


def _work(server: Server, kind: str) -> tuple[Any, Callable[[], object]]:
    if kind == "retention":
        lab = retention(server)
        return lab, lab.write
    if kind == "cardinality":
        counting = cardinality(server, most=100)
        return counting, counting.measure
    if kind == "training":
        following = curves(server, watch=False)
        return following, following.train
    typing = bench(server)
    return typing, typing.write if kind == "bench" else lambda: typing.compare(times=1)


def test_an_interrupted_cell_leaves_a_panel_that_says_so_and_works(
    session: Session, shown: Any
) -> None:
    panel = shown(bench(session.server))
    with pytest.raises(KeyboardInterrupt), panel.turn(panel.go):
        raise KeyboardInterrupt
    assert said(panel) == "■ interrupted"
    assert not panel.go.disabled
    assert panel.write()


def test_a_closed_panel_leaves_no_thread(session: Session) -> None:
    before = threading.active_count()
    panel = curves(session.server, refresh=0.02)
    panel.background(panel.train)
    await_true(lambda: panel.go.disabled, "training runs")
    panel.close()
    await_true(lambda: threading.active_count() <= before, "its threads are gone")


# Console and builder


@pytest.fixture
def asking(session: Session, trained: dict[str, list[float]], shown: Any) -> Console:
    panel: Console = shown(console(session.server))
    return panel


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


# Line-protocol bench


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


# Retention and downsampling


def test_each_step_shows_what_the_server_and_the_disk_hold(session: Session, shown: Any) -> None:
    lab = shown(retention(session.server))
    assert "Nothing is written yet" in lab.static_text()
    assert lab.second.disabled
    lab.write()
    assert lab.held[0].fine.points == len(downsampling.simulated())
    assert lab.held[0].fine.disk == lab.held[0].fine.reported > 0
    lab.downsample()
    minutes = downsampling.windows(session)
    assert lab.held[1].coarse.points == minutes == downsampling.HOURS * 60 * 2
    lab.expire()
    assert lab.held[2].fine.points < lab.held[1].fine.points
    assert lab.held[2].fine.bytes < lab.held[1].fine.bytes
    assert lab.held[2].coarse.points >= minutes
    assert downsampling.expired(session) == 0
    assert labels(lab) == ["fine", "coarse mean", "coarse max"]
    assert said(lab).startswith("✓ expired")


def test_the_coarse_series_is_the_mean_of_the_fine_one(session: Session) -> None:
    downsampling.prepare(session)
    downsampling.fill(session, hours=1)
    downsampling.coarsen(session, hours=1)
    assert downsampling.filled(session)
    asked = 'SELECT mean("percent") AS "mean" FROM "fine"."gpu_use" WHERE run_id = \'run-a\''
    wanted = session.one(f"{asked} GROUP BY time(1m) fill(none)", database=downsampling.DATABASE)
    coarse = 'SELECT "mean" FROM "coarse"."gpu_use" WHERE run_id = \'run-a\''
    found = session.one(coarse, database=downsampling.DATABASE)
    assert found[0].rows == wanted[0].rows


def test_a_server_that_looks_seldom_is_not_waited_for(session: Session) -> None:
    downsampling.prepare(session)
    downsampling.fill(session, hours=2)
    assert downsampling.check_interval(session) == "5s"
    statement, gone = downsampling.expire(session, patience=1)
    assert "DURATION 1h" in statement
    assert not gone


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30m0s", 1800),
        ("1h0m0s", 3600),
        ("5s", 5),
        ("1.5s", 1.5),
        ("1w", 604_800),
        ("soon", math.inf),
        ("", math.inf),
    ],
)
def test_a_duration_is_read_as_the_server_writes_it(text: str, seconds: float) -> None:
    assert influxql.seconds(text) == seconds


def test_bytes_out_of_reach_are_those_that_the_server_reports() -> None:
    held = holding.Holding(points=1, shards=1, reported=500, disk=None)
    assert held.bytes == 500


# Cardinality and storage


def test_a_run_id_as_a_tag_makes_a_series_for_each_run_and_as_a_field_none(
    session: Session, shown: Any
) -> None:
    lab = shown(cardinality(session.server, most=2000, run=True))
    by_tag = {cost.runs: cost for cost in lab.costs if cost.kept_as == "tag"}
    by_field = {cost.runs: cost for cost in lab.costs if cost.kept_as == "field"}
    assert {runs: cost.series for runs, cost in by_tag.items()} == {1000: 1000, 2000: 2000}
    assert {cost.series for cost in by_field.values()} == {1}
    assert by_tag[2000].index > by_tag[1000].index > by_field[2000].index
    assert labels(lab) == ["as a tag", "as a field"]
    assert "kit_cardinality" not in session.one("SHOW DATABASES")[0].column("name")


def test_measuring_cardinality_ends_where_it_is_told_to(session: Session) -> None:
    found = series.measure(session, counts=(10, 20), times=1, told=lambda cost: False)
    assert [(cost.runs, cost.kept_as) for cost in found] == [(10, "tag")]


def test_both_databases_hold_the_same_points_and_give_the_same_means(
    session: Session, shown: Any
) -> None:
    with start("postgresql", name="beside") as postgres:
        lab = shown(storage(session.server, postgres, points=2000, run=True))
        assert "both gave the same means" in said(lab)
        assert [one.name for one in lab.found] == ["InfluxDB", "PostgreSQL"]
        assert all(one.bytes > 0 and one.write.low > 0 < one.query.low for one in lab.found)
        assert "this PostgreSQL does not" in lab.static_text()
        postgres.kill()
        lab.measure()
        assert said(lab).startswith("✗")
        postgres.restart()
        lab.measure()
        assert "both gave the same means" in said(lab)


def test_means_that_differ_are_noticed() -> None:
    assert stores.agree([1.0, 2.0], [1.0, 2.0])
    assert not stores.agree([1.0, 2.0], [1.0, 2.1])
    assert not stores.agree([1.0], [1.0, 2.0])


def test_the_comparison_wants_a_postgresql(session: Session) -> None:
    with pytest.raises(UsageError, match=r'kit\.start\("postgresql", durable=True\)'):
        storage(session.server, session.server)

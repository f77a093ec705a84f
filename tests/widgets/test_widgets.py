"""The parts of a panel: data stays data, a picture stays true without a kernel, nothing leaks."""

from __future__ import annotations

import base64
import math
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from ipywidgets.widgets.widget import _instances
from jupyter_client.manager import start_new_kernel

from kit.launch.server import SecretURL, Server
from kit.launch.start import start
from kit.launch.topology import topology
from kit.notebook import Progress, card
from kit.widgets import units, values
from kit.widgets import watch as watches
from kit.widgets.card import Card
from kit.widgets.chart import PALETTE, POINTS, Chart, Series, spread
from kit.widgets.code import Code, Secret
from kit.widgets.measured import MeasuredChart
from kit.widgets.nodes import Nodes
from kit.widgets.panel import Panel
from kit.widgets.parts import VIEW
from kit.widgets.table import Grid, Table, grid_html, grid_text
from kit.widgets.tree import Node, Tree
from kit.widgets.watch import Watch, _after_cell, rest_unseen
from tests.traces import await_true

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>`;--"


class Tags(HTMLParser):
    """Collect the tags and attributes that a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}


def inert(html: str) -> bool:
    """Tell whether HTML holds neither scripts, nor handlers, nor the hostile image."""
    seen = Tags(html)
    handlers = {name for name in seen.attributes if name.startswith("on")}
    return "script" not in seen.tags and not handlers and "img" not in seen.tags


def states(widget: Any) -> str:
    """Return all that a widget and its children would save into a notebook."""
    own = {key: value for key, value in widget.get_state().items() if key not in ("_esm", "_css")}
    return str(own) + "".join(states(child) for child in getattr(widget, "children", ()))


def said(panel: Panel) -> str:
    """Return the words of a panel's status line."""
    return re.sub("<[^>]+>", "", panel.status.value).strip()


@pytest.fixture(scope="module")
def redis(home: Any) -> Iterator[Server]:
    with start("redis", name="card") as server:
        yield server


@pytest.mark.parametrize("value", [HOSTILE, HOSTILE * 500, {HOSTILE: [HOSTILE]}, HOSTILE.encode()])
def test_a_hostile_value_is_text_in_a_cell_and_in_its_hover(value: object) -> None:
    assert inert(values.cell(value))


def test_null_an_empty_text_and_the_word_null_look_different() -> None:
    cells = {values.cell(value) for value in (None, "", "NULL")}
    assert len(cells) == 3


def test_a_long_text_is_clipped_and_whole_on_hover_up_to_a_limit() -> None:
    shown = values.cell("x" * 300)
    assert shown.count("x" * 300) == 1
    assert "…</span>" in shown
    assert len(values.cell("x" * 10_000_000)) < 3000
    assert "10 MB" in values.cell("x" * 10_000_000)


def test_characters_that_turn_or_hide_text_are_shown_as_a_sign() -> None:
    assert values.visible("user\u202egnp.exe") == "user\N{REPLACEMENT CHARACTER}gnp.exe"
    assert values.visible("a\x1b[31mb\x00") == (
        "a\N{REPLACEMENT CHARACTER}[31mb\N{REPLACEMENT CHARACTER}"
    )
    assert values.visible("one\ntwo\tthree") == "one⏎two⇥three"
    assert values.visible("שלום 漢字 👩‍🔬") == "שלום 漢字 👩‍🔬"


def test_only_columns_of_numbers_stand_on_the_right() -> None:
    rows = [(1, "a", True, Decimal("1.5"), None), (2, "b", False, None, None)]
    html = grid_html(Grid(columns=["int", "text", "bool", "decimal", "null"], rows=rows))
    aligned = re.findall(r"<th[^>]*?class=\"kit-number\"[^>]*>(\w+)<", html)
    assert aligned == ["int", "decimal"]


@pytest.mark.parametrize("static", [False, True])
def test_hostile_names_captions_keys_and_notes_of_a_table_are_text(static: bool) -> None:
    grid = Grid(columns=[HOSTILE], rows=[[HOSTILE]], keys=[HOSTILE], caption=HOSTILE, note=HOSTILE)
    assert inert(grid_html(grid, static=static))
    message = Grid(columns=[], rows=[], caption=HOSTILE, message=HOSTILE)
    assert inert(grid_html(message, static=static))


def test_a_table_says_how_many_rows_it_leaves_out() -> None:
    rows = [(i,) for i in range(100)]
    assert "First 100 of 1,797 rows" in grid_html(Grid(columns=["i"], rows=rows, total=1797))
    assert "First 100 rows; there are more" in grid_text(Grid(columns=["i"], rows=rows, more=True))
    assert "First" not in grid_html(Grid(columns=["i"], rows=rows, total=100))


def test_a_saved_table_holds_few_rows_and_nothing_that_changes_by_itself() -> None:
    table = Table()
    rows = [(i, "3.2 s") for i in range(100)]
    table.show(Grid(columns=["i", "took"], rows=rows, volatile=frozenset({"took"}), seconds=0.123))
    assert "3.2 s" in table.html
    assert "3.2 s" not in table.static_html() + table.static_text()
    assert "123" not in table.static_html()
    assert "First 20 of 100 rows" in table.static_text()
    assert VIEW in table._repr_mimebundle_()


def test_a_table_with_two_columns_of_one_name_shows_both() -> None:
    assert grid_text(Grid(columns=["a", "a"], rows=[[1, 2]])).splitlines()[2] == "1  2"


def test_the_names_in_a_tree_are_data_for_its_script_and_text_in_its_picture() -> None:
    tree = Tree(HOSTILE)
    tree.show([Node(label=HOSTILE, note=HOSTILE, children=[Node(label=HOSTILE)])])
    assert inert(tree.static_html())
    assert tree.nodes[0]["children"][0]["label"] == HOSTILE
    assert tree.static_text().endswith("1 entry")


def test_picking_a_node_hands_over_its_text() -> None:
    picked: list[str] = []
    tree = Tree("Schema", picked=picked.append)
    tree._hear(tree, {"event": "picked", "value": '"weird name"'}, [])
    assert picked == ['"weird name"']


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


def test_code_is_escaped_whole_and_copied_as_it_is() -> None:
    strip = Code()
    strip.show(f"SELECT '{HOSTILE}' -- {HOSTILE}", saved="SELECT 1")
    assert inert(strip.html)
    assert strip.text == f"SELECT '{HOSTILE}' -- {HOSTILE}"
    assert strip.static_html() == (
        "<details><summary>SQL that ran</summary><pre>SELECT 1</pre></details>"
    )


def test_a_secret_leaves_the_kernel_only_when_it_is_asked_for() -> None:
    sent: list[Any] = []
    secret = Secret("Connect", "x://u:***@h", lambda: "x://u:hunter2@h", "Copy URL")
    assert "hunter2" not in states(secret) + str(secret._repr_mimebundle_())
    secret.send = lambda content: sent.append(content)  # type: ignore[method-assign]
    secret._hear(secret, {"event": "ask"}, [])
    assert sent == [{"event": "text", "value": "x://u:hunter2@h"}]
    assert "hunter2" not in states(secret)


def test_a_panel_carries_its_live_view_and_its_pictures() -> None:
    table = Table()
    table.show(Grid(columns=["n"], rows=[[41]]))
    panel = Panel("Runs", note="all of them", body=[table], strip=Code())
    bundle = panel._repr_mimebundle_()
    assert set(bundle) == {VIEW, "text/html", "text/plain"}
    assert "<td" in bundle["text/html"]
    assert bundle["text/plain"].splitlines()[0] == "Runs · all of them"
    assert "41" in bundle["text/plain"]


def test_each_state_of_a_panel_has_an_icon_and_a_word() -> None:
    panel = Panel("P")
    seen = set()
    for enter in (
        lambda: panel.empty("Nothing here.", "Run `x`."),
        lambda: panel.wait("waiting for a server"),
        lambda: panel.start(cancel=lambda: None),
        lambda: panel.done("3 rows", seconds=0.00412),
        lambda: panel.fail(HOSTILE, "Try again."),
    ):
        enter()
        seen.add(said(panel))
        assert inert(panel.status.value + panel.notice.value)
    assert seen == {
        "○ nothing yet",
        "◌ waiting for a server",
        "◐ running",
        "✓ 3 rows · 4.1 ms",
        "✗ failed",
    }
    assert "4.1" not in panel.static_html()


def test_cancel_is_offered_only_while_something_runs_and_calls_back_once() -> None:
    called: list[bool] = []
    panel = Panel("P")
    panel.start(cancel=lambda: called.append(True))
    assert panel.cancel.layout.display is None
    panel.cancel.click()
    panel.done()
    panel.cancel.click()
    assert called == [True]
    assert panel.cancel.layout.display == "none"


def test_a_false_accent_cannot_bring_style_along() -> None:
    panel = Panel("P", accent='#123456;background:url("x")')
    assert panel.children[0].accent == ""
    assert Panel("P", accent="#336791").children[0].accent == "#336791"


def test_closing_a_panel_closes_all_its_parts() -> None:
    table, strip = Table(), Code()
    panel = Panel("P", body=[table], strip=strip)
    panel.close()
    assert {table.comm, strip.comm, panel.comm, panel.status.comm} == {None}


def watching() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "kit-watch"]


def test_a_watch_looks_again_until_it_is_stopped_and_leaves_no_thread() -> None:
    looks: list[int] = []

    def look() -> float:
        looks.append(1)
        return 0.001

    watch = Watch(look)
    watch.start()
    watch.start()
    await_true(lambda: len(looks) > 3, "it looked again")
    assert len(watching()) == 1
    watch.stop()
    assert not watch.running
    assert not watching()
    seen = len(looks)
    watch.start()
    await_true(lambda: len(looks) > seen, "it looks again after a new start")
    watch.stop()


def test_a_watch_looks_again_when_the_page_has_drawn_and_does_not_wait_for_a_closed_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watches, "PATIENCE", 600.0)
    sent: list[Any] = []
    panel, looks = Panel("Live"), threading.Semaphore(0)
    monkeypatch.setattr(panel.rule, "send", sent.append)
    page = panel.rule._listeners

    def look() -> float:
        looks.release()
        return 0.0

    watch = Watch(look)
    rest_unseen(watch, panel.rule)
    panel.rule.views.add("view")
    watch.start()
    for turn in (1, 2, 3):
        assert looks.acquire(timeout=60)
        await_true(lambda n=turn: sent[-1:] == [{"event": "draw", "value": n}], "it asks")
        page["drawn"](turn - 1)
        assert not looks.acquire(blocking=False)
        page["drawn"](turn)
    watch.stop()
    assert not watch.running
    panel.rule.views.clear()
    watch.start()
    for _ in range(5):
        assert looks.acquire(timeout=60)
    watch.stop()
    panel.close()


def test_an_interrupted_cell_ends_every_watch_and_another_error_none() -> None:
    @dataclass
    class Outcome:
        error_in_exec: BaseException | None

    said: list[str] = []
    watch = Watch(lambda: 60.0, stopped=lambda: said.append("stopped"))
    watch.start()
    _after_cell(Outcome(ValueError()))
    assert watch.running
    _after_cell(Outcome(KeyboardInterrupt()))
    assert not watch.running
    assert said == ["stopped"]


def test_a_card_says_what_answers_and_saves_neither_address_nor_secret(redis: Server) -> None:
    shown = card(redis)
    assert card(redis) is shown
    live = states(shown)
    assert redis.address in live
    assert redis.version in live
    assert redis.password not in live
    bundle = shown._repr_mimebundle_()
    saved = bundle["text/html"] + bundle["text/plain"]
    assert bundle["text/plain"] == f"Redis {redis.version.split('.')[0]} · running · local process"
    assert str(redis.port) not in saved
    assert redis.password not in saved


def test_a_card_turns_when_its_server_dies_and_when_it_is_brought_back(redis: Server) -> None:
    shown = card(redis)
    redis.kill()
    await_true(lambda: said(shown) == "✗ exited", "the card says exited")
    assert "Restart" in shown.notice.value
    shown.buttons["Restart"].click()
    await_true(lambda: said(shown) == "● running", "the card says running")
    assert redis.connect().ping()
    assert shown.notice.value == ""


def test_a_cards_log_is_escaped_and_shown_on_demand(redis: Server) -> None:
    shown = card(redis)
    shown.buttons["Logs"].click()
    assert "Ready to accept connections" in shown.tail.value
    assert shown.tail.layout.display is None
    shown.buttons["Logs"].click()
    assert shown.tail.layout.display == "none"


def test_a_stopped_server_leaves_a_card_that_offers_nothing_more(home: Any) -> None:
    server = start("redis", name="short")
    shown = card(server)
    shown.buttons["Stop"].click()
    await_true(lambda: said(shown) == "○ stopped", "the card says stopped")
    assert shown.buttons["Restart"].disabled
    assert shown.buttons["Stop"].disabled
    assert "kit.start" in shown.notice.value
    shown.close()


class Stranger:
    """A server whose every word is hostile, as no server of the kit's can be."""

    database = title = product = version = note = address = name = HOSTILE
    backend, state = "external", "running"
    url = SecretURL("redis://:hunter2@h/0")

    def logs(self, lines: int = 50) -> str:
        return HOSTILE

    def restart(self) -> None: ...

    def stop(self) -> None: ...

    def on_change(self, listener: Any) -> Any:
        return lambda: None


def test_a_hostile_servers_words_are_text_in_its_card() -> None:
    shown = Card(Stranger())
    shown.buttons["Logs"].click()
    markup = [shown.facts.value, shown.tail.value, shown.status.value, shown._heading.value]
    assert inert("".join([*markup, shown.static_html()]))
    assert "hunter2" not in states(shown)
    assert [button.description for button in shown.controls.children] == ["Logs"]


def test_progress_says_nothing_of_a_quick_start_and_wipes_what_it_said_of_a_slow_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    with Progress("Starting x", said.append) as progress:
        progress("first step")
    assert said == []
    monkeypatch.setattr("kit.notebook.PATIENCE", 0.0)
    with Progress("Starting x", said.append) as progress:
        await_true(lambda: said, "it says that it starts")
        progress("second step")
    assert said == ["Starting x …", "Starting x: second step", ""]


def test_a_kernel_shows_a_card_for_a_server_and_progress_that_is_no_output(home: Any) -> None:
    code = (
        "import kit, kit.notebook\n"
        "kit.notebook.PATIENCE = 0.0\n"
        "server = kit.start('redis', name='card-kernel')\n"
        "server"
    )
    manager, client = start_new_kernel(env=os.environ.copy())
    try:
        shown: list[Any] = []
        client.execute_interactive(code, timeout=60, output_hook=shown.append)
        client.execute_interactive("server.stop()", timeout=60, output_hook=shown.append)
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
    errors = [message["content"] for message in shown if message["msg_type"] == "error"]
    assert errors == []
    value = next(m["content"]["data"] for m in shown if m["msg_type"] == "execute_result")
    assert VIEW in value
    assert value["text/plain"].endswith("running · local process")
    assert {m["msg_type"] for m in shown} & {"display_data", "update_display_data"} == set()
    said: dict[str, list[str]] = {}
    for content in (m["content"] for m in shown if m["msg_type"] == "comm_msg"):
        if "text" in (state := content["data"].get("state", {})):
            said.setdefault(content["comm_id"], []).append(state["text"])
    (line,) = [texts for texts in said.values() if texts[0].startswith("Starting redis")]
    assert line[-1] == ""


def test_units_are_those_that_people_read() -> None:
    spans = [units.duration(s) for s in (0.0000012, 0.0123, 0.5, 12.34, 600.0)]
    assert spans == ["1 µs", "12.3 ms", "500 ms", "12.3 s", "10 min 0 s"]
    assert [units.size(n) for n in (999, 1000, 10_000_000)] == ["999 bytes", "1 kB", "10 MB"]
    assert [units.figure(v) for v in (0.5, 1e-9, -math.inf)] == ["0.5000", "1.000e-09", "−∞"]
    assert units.plural(1797, "row") == "1,797 rows"


def test_the_table_of_a_topology_says_when_one_of_its_servers_is_down() -> None:
    with topology("redis", "replica", name="tabled", backend="process") as made:
        table = Nodes(made)
        assert "2 of 2 servers running" in table.status.value
        assert [row[:2] for row in table.table.grids[0].rows] == [
            ["tabled-1", "primary"],
            ["tabled-2", "replica"],
        ]
        made[1].kill()
        await_true(lambda: "1 of 2 servers running" in table.status.value, "the table says so")
        assert str(made[1].port) not in table.static_html()
        table.close()

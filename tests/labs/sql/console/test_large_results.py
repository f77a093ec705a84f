"""Large results in the console: only what is in sight travels, and it is inert."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from kit.labs import sql
from kit.labs.sql import Console
from kit.launch.server import Server
from kit.widgets.sheet import Sheet
from kit.widgets.table import Grid
from tests.labs.sql.console.questions import HOSTILE, is_postgresql, millions, numbers
from tests.panels import said


def told(sheet: Sheet) -> list[dict[str, Any]]:
    """Collect what a sheet sends to the browser."""
    sent: list[dict[str, Any]] = []
    sheet.send = lambda content: sent.append(content)  # type: ignore[method-assign]
    return sent


def ask(sheet: Sheet, top: int, bottom: int, left: int = 0, right: int = 8) -> None:
    value = {"top": top, "bottom": bottom, "left": left, "right": right}
    sheet._hear(sheet, {"event": "block", "value": value}, [])


def test_of_a_million_rows_only_those_in_sight_travel(console: Console, server: Server) -> None:
    console.limit.value = 1_000_000
    (result,) = console.run(numbers(server, 1_000_000))
    assert len(result.rows) == result.count == 1_000_000
    sheet = console.sheet
    assert len(str(sheet.get_state(["first", "facts"]))) < 20_000
    sent = told(sheet)
    ask(sheet, 999_990, 1_000_010)
    (block,) = sent
    assert block["cells"][-1] == ["1000000", "row 1000000"]
    assert len(block["cells"]) == 10
    assert console.table.html == ""
    assert console.static_text().count("\n") < 40
    assert "First 20 of 1,000,000 rows" in console.static_text()


def test_time_is_parted_into_the_servers_and_the_transfers(
    console: Console, server: Server
) -> None:
    pause = "SELECT pg_sleep(0.2)" if is_postgresql(server) else "SELECT SLEEP(0.2)"
    (slow,) = console.run(pause)
    assert slow.server is not None
    assert 0.2 <= slow.server <= slow.seconds
    (long,) = console.run(numbers(server, 300_000))
    assert long.server is not None
    assert long.server < long.seconds
    assert re.search(r"· server .* · transfer .* ·", said(console))
    assert "server" not in console.static_html()


def test_a_table_as_wide_as_the_server_allows_is_shown_and_scrolled(
    console: Console, server: Server
) -> None:
    # PostgreSQL's limit is 1,600 columns; MariaDB's Aria takes 4,096, InnoDB 1,017.
    wide = 1600 if is_postgresql(server) else 2000
    tail = "" if is_postgresql(server) else " ENGINE = Aria"
    columns = ", ".join(f"c{n} int" for n in range(wide))
    values = ", ".join(str(n) for n in range(wide))
    script = f"CREATE TABLE wide ({columns}){tail}; INSERT INTO wide VALUES ({values})"
    assert console.run(script)[-1].refusal is None
    console.run("SELECT * FROM wide")
    assert len(console.sheet.first["cells"][0]) == 32
    sent = told(console.sheet)
    ask(console.sheet, 0, 1, wide - 5, wide + 20)
    assert sent[0]["cells"] == [[str(n) for n in range(wide - 5, wide)]]
    assert f"First 40 of {wide:,} columns" in console.static_text()
    assert len(console.static_html()) < 20_000
    with_tree = sql.console(server)
    (node,) = [one for one in with_tree.tree.roots[0].children if one.label == "wide"]
    names = [child.label for child in node.children if child.kind == "column"]
    assert names == [f"c{n}" for n in range(wide)]
    with_tree.close()
    console.run("DROP TABLE wide")


def test_a_text_of_ten_megabytes_and_odd_values_travel_light_and_inert(
    console: Console, server: Server
) -> None:
    odd = "TIMESTAMP '2024-02-29 12:00:00', -1e308, x'00ff'"
    if is_postgresql(server):
        odd = "'infinity'::timestamptz, '2024-02-29 12:00+05:45'::timestamptz, '-Infinity'::float8"
    console.run(f"SELECT repeat('{HOSTILE}', 419430) AS big, NULL AS nothing, {odd}")
    assert len(console.table.html) < 20_000
    assert "<script" not in console.table.html
    assert "10.5 MB" in console.table.html
    assert "NULL" in console.table.html
    if is_postgresql(server):
        assert "infinity" in console.table.html
        assert "2024-02-29" in console.table.html


def sheet_of(grid: Grid) -> Sheet:
    sheet = Sheet()
    sheet.show(grid)
    return sheet


def test_cells_and_names_of_a_sheet_are_escaped_or_text() -> None:
    sheet = sheet_of(Grid(columns=[HOSTILE], rows=[[HOSTILE], [None], ["\u202e漢"]]))
    cells = str(sheet.first["cells"])
    assert "<script" not in cells + sheet.static_html()
    assert "NULL" in cells
    assert "\u202e" not in cells
    assert sheet.facts["columns"][0]["name"] == HOSTILE


def test_a_sheet_answers_no_question_beyond_what_it_has_or_a_screen_can_show() -> None:
    sheet = sheet_of(Grid(columns=["n", "s"], rows=[(n, "x") for n in range(1000)]))
    sent = told(sheet)
    for ends in ((-5, 3), (990, 5000), (5000, 6000), (0, 1000)):
        ask(sheet, *ends)
    assert [len(block["cells"]) for block in sent] == [3, 10, 0, 200]
    sheet._hear(sheet, {"event": "block", "value": "nonsense"}, [])
    assert len(sent) == 4


def test_numbers_stand_right_in_a_sheet_and_widths_fit_its_rows() -> None:
    sheet = sheet_of(Grid(columns=["n", "text"], rows=[(1, "a" * 400), (2, None)]))
    number, text = sheet.facts["columns"]
    assert number["right"]
    assert not text["right"]
    assert 56 <= number["width"] < text["width"] < 480


def peak() -> int:
    """Return the most memory that this process held since `forget_peak`, in bytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def forget_peak() -> int:
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak is Linux's own")
def test_of_fifty_million_rows_the_limit_is_fetched_and_the_server_is_stopped(
    console: Console, server: Server
) -> None:
    console.run(numbers(server, 1000))
    before = forget_peak()
    (result,) = console.run(millions(server, 50_000_000))
    assert peak() - before < 8_000_000
    assert (len(result.rows), result.count, result.more) == (100, None, True)
    assert "the first 100 rows" in said(console)
    assert "First 100 rows; there are more" in console.table.html
    assert "First 20 rows; there are more" in console.static_text()
    assert not console.run("SELECT 41 + 1")[0].more
    assert console.results[0].rows == [(42,)]

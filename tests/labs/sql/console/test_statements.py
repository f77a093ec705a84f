"""The console on real servers: what it runs is what was written, and errors are the server's."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from kit.labs import sql
from kit.labs.sql import Console
from kit.launch.server import Server
from tests.labs.sql.console.questions import is_postgresql, rows
from tests.panels import said
from tests.traces import await_true


@pytest.fixture
def console(console: Console) -> Iterator[Console]:
    """Give the console a table of its own."""
    console.run("DROP TABLE IF EXISTS t; CREATE TABLE t (n int PRIMARY KEY, s text)")
    yield console
    console.run("ROLLBACK; DROP TABLE t")


def test_a_script_runs_statement_by_statement_and_shows_each_result(console: Console) -> None:
    results = console.run(
        "INSERT INTO t VALUES (1, 'a;b'), (2, 'c'); -- a comment; with a semicolon\n"
        "SELECT n FROM t ORDER BY n; UPDATE t SET s = 'x'; SELECT COUNT(*) FROM t;"
    )
    assert [len(result.rows) for result in results] == [0, 2, 0, 1]
    assert results[1].rows == [(1,), (2,)]
    assert "2" in results[2].message
    assert [grid.caption[:6] for grid in console.table.grids] == [
        "INSERT",
        "SELECT",
        "UPDATE",
        "SELECT",
    ]
    assert said(console).startswith("✓ 4 statements · 1 row")


def test_a_transaction_lasts_over_several_runs_and_rolls_back(
    console: Console, server: Server
) -> None:
    console.run("INSERT INTO t VALUES (1, 'kept')")
    console.run("BEGIN")
    console.run("INSERT INTO t VALUES (2, 'gone')")
    assert "transaction open" in said(console)
    other = sql.console(server, tree=False)
    assert rows(other, "SELECT n FROM t") == [(1,)]
    assert rows(console, "SELECT n FROM t ORDER BY n") == [(1,), (2,)]
    console.run("ROLLBACK")
    assert "transaction" not in said(console)
    assert rows(console, "SELECT n FROM t") == [(1,)]
    console.run("BEGIN; INSERT INTO t VALUES (3, 'kept too')")
    console.run("COMMIT")
    assert rows(other, "SELECT n FROM t ORDER BY n") == [(1,), (3,)]
    other.close()


def test_statements_that_refuse_a_transaction_around_them_work(
    console: Console, server: Server
) -> None:
    if is_postgresql(server):
        assert rows(console, "VACUUM t; SELECT 1") == [(1,)]
        return
    script = "CREATE DATABASE extra; DROP DATABASE extra"
    allowed = rows(console, "SHOW GRANTS")[-1][0]
    refusal = console.run(script)[0].refusal
    assert refusal is None or "ALL PRIVILEGES ON *.*" not in allowed


def test_literals_go_to_the_server_letter_for_letter(console: Console) -> None:
    assert rows(console, "SELECT ':1', '%', '%s', '%%', '{x}', 5 % 3, 'a:b::c'")[0] == (
        ":1",
        "%",
        "%s",
        "%%",
        "{x}",
        2,
        "a:b::c",
    )
    console.run("INSERT INTO t VALUES (1, '100%')")
    assert rows(console, "SELECT s FROM t WHERE s LIKE '1%' -- %s :x") == [("100%",)]


def test_an_error_is_told_as_the_server_says_it_and_the_console_goes_on(
    console: Console, server: Server
) -> None:
    results = console.run("SELECT 1; SELECT nope FROM t; SELECT 3")
    assert len(results) == 2
    refusal = results[1].refusal
    assert refusal is not None
    words = 'column "nope" does not exist' if is_postgresql(server) else "Unknown column 'nope'"
    assert words in refusal.message
    assert "columns" in refusal.hint
    assert said(console) == "✗ failed · statement 2 of 3"
    assert words.split("'")[0].split('"')[0] in console.notice.static_text()
    assert rows(console, "SELECT 4") == [(4,)]
    assert console.notice.value == ""
    assert said(console).startswith("✓ 1 row")


def test_an_error_inside_a_transaction_says_how_to_get_out(
    console: Console, server: Server
) -> None:
    results = console.run("BEGIN; INSERT INTO t VALUES (1, 'a'); INSERT INTO t VALUES (1, 'b')")
    refusal = results[-1].refusal
    assert refusal is not None
    assert "key is there already" in refusal.hint
    if is_postgresql(server):
        assert "ROLLBACK" in refusal.hint
        again = console.run("SELECT 1")[0].refusal
        assert again is not None
        assert "ROLLBACK" in again.hint
    console.run("ROLLBACK")
    assert rows(console, "SELECT n FROM t") == []


def test_the_run_button_and_the_keyboard_run_what_stands_in_the_editor(console: Console) -> None:
    console.editor.value = "SELECT 7 AS seven"
    console.go.click()
    await_true(lambda: said(console).startswith("✓"), "it has run")
    await_true(lambda: console.results and console.results[0].columns == ("seven",), "seven")
    for said_by_page in (
        {"event": "typed", "value": {"value": "SELECT 8 AS eight"}},
        {"event": "run"},
    ):
        console.editor._hear(console.editor, said_by_page, [])
    await_true(lambda: console.results[0].columns == ("eight",), "eight")
    await_true(lambda: not console.go.disabled, "the button is ready again")


def test_values_that_python_cannot_hold_are_shown_as_the_server_sends_them(
    console: Console, server: Server
) -> None:
    if is_postgresql(server):
        shown = rows(
            console,
            "SELECT 'infinity'::timestamp, '4713-01-01 BC'::date, '{\"a\": 1.50}'::jsonb,"
            " 'NaN'::numeric, '\\x00ff'::bytea, ARRAY[1, 2], '-1 day'::interval",
        )[0]
        assert shown[:3] == ("infinity", "4713-01-01 BC", '{"a": 1.50}')
        assert isinstance(shown[3], Decimal)
        assert "\\x00ff" in console.table.html
    else:
        shown = rows(console, "SELECT CAST('-838:59:59' AS TIME), x'00ff', 1e308 * 1")[0]
        assert "\\x00ff" in console.table.html
        assert shown[2] == pytest.approx(1e308)


def test_an_empty_script_is_no_error(console: Console) -> None:
    assert console.run("  -- nothing; here\n ;") == []
    assert said(console).startswith("✓ nothing to run")

"""The SQL console on real servers: what it runs is what was written, what it shows is true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kit.errors import UsageError
from kit.labs import sql
from kit.labs.sql import Console
from kit.launch.server import Server
from kit.launch.start import start
from kit.widgets.parts import VIEW
from tests.traces import await_true

HOSTILE = "<script>alert(1)</script>"
COLUMN = "<b>da</b> \u202e漢字"
NAME = '<img src=x onerror=alert(1)> "it\'s"'


@pytest.fixture(scope="module", params=["postgresql", "mysql"])
def server(request: pytest.FixtureRequest, home: Path) -> Iterator[Server]:
    with start(request.param, name="console") as running:
        yield running


@pytest.fixture
def console(server: Server) -> Iterator[Console]:
    opened = sql.console(server, tree=False)
    opened.run("DROP TABLE IF EXISTS t; CREATE TABLE t (n int PRIMARY KEY, s text)")
    yield opened
    opened.run("ROLLBACK; DROP TABLE t")
    opened.close()


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Console]:
    opened = sql.console(f"sqlite:///{tmp_path / 'lite.db'}")
    yield opened
    opened.close()


def is_postgresql(server: Server) -> bool:
    return server.database == "postgresql"


def quoted(server: Server, name: str) -> str:
    mark = '"' if is_postgresql(server) else "`"
    return mark + name.replace(mark, mark * 2) + mark


def said(console: Console) -> str:
    return re.sub("<[^>]+>", "", console.status.value).strip()


def rows(console: Console, script: str) -> list[tuple[Any, ...]]:
    result = console.run(script)[-1]
    assert result.refusal is None, result.refusal
    return list(result.rows)


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


def test_the_row_limit_is_kept_and_told(server: Server) -> None:
    console = sql.console(server, "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r "
        "WHERE n < 250) SELECT n FROM r", limit=20, tree=False)  # fmt: skip
    result = console.results[0]
    assert (len(result.rows), result.count, result.more) == (20, 250, True)
    assert "First 20 of 250 rows" in console.table.html
    assert "✓ 250 rows" in said(console)
    console.limit.value = 1000
    assert len(console.run()[0].rows) == 250
    assert "First" not in console.table.html
    console.close()


def test_names_and_values_of_a_hostile_table_are_inert_in_table_tree_and_picture(
    server: Server,
) -> None:
    table, column = quoted(server, NAME), quoted(server, COLUMN)
    console = sql.console(server)
    console.run(f"CREATE TABLE {table} (n int PRIMARY KEY, {column} text)")
    console.run(f"INSERT INTO {table} VALUES (1, '{HOSTILE}'), (2, NULL), (3, '')")
    console.run(f"SELECT * FROM {table} ORDER BY n")
    shown = console.table.html + console.static_html()
    for hostile in ("<script", "<img src=x", "<b>", "\u202e"):
        assert hostile not in shown
    assert "&lt;script&gt;" in shown
    assert len(set(re.findall(r"<td[^>]*>(<em[^>]*>\w+)</em>", console.table.html))) == 2
    (found,) = [node for node in console.tree.roots[0].children if node.label == NAME]
    assert found.picked == table
    assert rows(console, f"SELECT COUNT(*) FROM {found.picked}") == [(3,)]
    error = console.run(f"SELECT {quoted(server, COLUMN + 'x')} FROM {table}")[0].refusal
    assert error is not None
    assert "<b>" not in console.notice.value
    console.run(f"DROP TABLE {table}")
    console.close()


def test_the_tree_names_tables_columns_keys_and_indexes(server: Server) -> None:
    console = sql.console(server)
    console.run(
        "CREATE TABLE parent (id int PRIMARY KEY, name varchar(20) NOT NULL);"
        "CREATE TABLE child (id int PRIMARY KEY, parent_id int, note text,"
        " FOREIGN KEY (parent_id) REFERENCES parent (id));"
        "CREATE UNIQUE INDEX by_name ON parent (name);"
        "CREATE VIEW names AS SELECT name FROM parent"
    )
    tables = {node.label: node for node in console.tree.roots[0].children}
    assert set(tables) == {"parent", "child", "names"}
    notes = {(x.kind, x.label): x.note for node in tables.values() for x in node.children}
    assert notes["column", "parent_id"].endswith("→ parent")
    assert notes["index", "by_name"] == "unique index on name"
    assert "primary key" in notes["column", "id"]
    assert tables["names"].note == "view"
    console.run("DROP VIEW names; DROP TABLE child; DROP TABLE parent")
    assert list(console.tree.roots[0].children) == []
    console.close()


def test_a_panel_in_a_saved_notebook_shows_rows_and_the_sql_but_no_time(server: Server) -> None:
    console = sql.console(server, "SELECT 41 + 1 AS answer", tree=False)
    bundle = console._repr_mimebundle_()
    assert VIEW in bundle
    assert "answer" in bundle["text/plain"]
    assert "42" in bundle["text/html"]
    assert "SELECT 41 + 1 AS answer" in bundle["text/html"]
    saved = bundle["text/html"] + bundle["text/plain"]
    assert not re.search(r"\d (ms|µs|s)\b", saved)
    assert str(server.port) not in saved
    assert server.password not in saved
    console.close()


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


def test_a_server_killed_between_two_runs_gives_one_clear_message_and_comes_back(
    home: Path, server: Server
) -> None:
    with start(server.database, name="victim") as victim:
        console = sql.console(victim, "SELECT 1")
        victim.kill()
        refusal = console.run("SELECT 2")[0].refusal
        assert refusal is not None
        assert "restart()" in refusal.hint
        assert victim.password not in str(console.notice.value)
        console.look()
        assert said(console) == "✗ failed"
        victim.restart()
        assert rows(console, "SELECT 3") == [(3,)]
        console.close()


def test_a_transaction_lost_with_its_server_is_not_continued_in_silence(
    home: Path, server: Server
) -> None:
    with start(server.database, name="lost", durable=True) as victim:
        console = sql.console(victim, "CREATE TABLE t (n int)")
        console.run("BEGIN; INSERT INTO t VALUES (1)")
        victim.kill()
        victim.restart()
        refusal = console.run("INSERT INTO t VALUES (2); COMMIT")[0].refusal
        assert refusal is not None
        assert "rolled back" in refusal.message
        assert rows(console, "SELECT * FROM t") == []
        console.close()


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


def test_the_console_speaks_to_any_sqlalchemy_url(lite: Console) -> None:
    lite.run("CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'x')")
    assert rows(lite, "SELECT * FROM t") == [(1, "x")]
    assert [node.label for node in lite.tree.roots[0].children] == ["t"]
    lite.run("BEGIN; DELETE FROM t")
    assert "transaction open" in said(lite)
    lite.run("ROLLBACK")
    assert rows(lite, "SELECT * FROM t") == [(1, "x")]


def test_a_wrong_password_is_told_in_the_panel_without_the_password(server: Server) -> None:
    address = server.url.replace(server.password, "wrong-secret")
    console = sql.console(str(address), "SELECT 1")
    assert said(console) == "✗ failed"
    assert "wrong-secret" not in console.static_html() + repr(console.source)
    console.close()


@pytest.mark.parametrize("given", ["redis://:hunter2@h/0", "not a url", "hunter2", None, 42])
def test_what_is_no_sql_database_is_refused_without_quoting_it(given: Any) -> None:
    with pytest.raises(UsageError) as refused:
        sql.console(given)
    assert "hunter2" not in str(refused.value)

"""The console's panel: its tree, history and frames are true, and hostile names are inert."""

from __future__ import annotations

import re
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from kit.errors import UsageError
from kit.labs import sql
from kit.labs.sql import Console
from kit.launch.server import Server
from kit.widgets.parts import VIEW
from tests.labs.sql.console.questions import HOSTILE, is_postgresql, numbers, rows
from tests.panels import said
from tests.traces import await_true

COLUMN = "<b>da</b> \u202e漢字"
NAME = '<img src=x onerror=alert(1)> "it\'s"'


def quoted(server: Server, name: str) -> str:
    mark = '"' if is_postgresql(server) else "`"
    return mark + name.replace(mark, mark * 2) + mark


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


def test_the_tree_tells_about_how_many_rows_a_table_has(server: Server) -> None:
    console = sql.console(server)
    console.run(f"CREATE TABLE counted AS {numbers(server, 5000)}; ANALYZE TABLE counted")
    console.run("ANALYZE counted")

    def note() -> str:
        console.look()
        return next(n.note for n in console.tree.roots[0].children if n.label == "counted")

    await_true(lambda: re.fullmatch(r"about [\d,]+ rows", note()), "the server has counted")
    console.run("DROP TABLE counted")
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


def test_what_was_run_can_be_taken_up_again(console: Console) -> None:
    assert console.history.layout.display == "none"
    for script in ("SELECT 1", "SELECT  2\n-- two", "SELECT  2\n-- two"):
        console.run(script)
    assert [label for label, _ in console.history.options] == [
        "History",
        "SELECT 2 -- two",
        "SELECT 1",
    ]
    console.history.value = "SELECT 1"
    assert console.editor.value == "SELECT 1"
    assert console.history.value == ""


def test_the_last_rows_become_a_frame(console: Console) -> None:
    with pytest.raises(UsageError, match="SELECT first"):
        console.frame()
    console.run("SELECT 1 AS a, NULL AS a, 'x' AS b")
    frame = console.frame()
    assert list(frame.columns) == ["a", "a_2", "b"]
    assert frame.iloc[0].tolist() == [1, None, "x"]


def test_the_button_puts_a_frame_under_a_free_name(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert console.export.disabled
    names: dict[str, Any] = {"frame": "mine"}
    shell = SimpleNamespace(user_ns=names)
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: shell)
    console.run("SELECT 1 AS a UNION ALL SELECT 2")
    console.export.click()
    assert names["frame"] == "mine"
    assert names["frame_2"]["a"].tolist() == [1, 2]
    assert said(console) == "✓ 2 rows in the variable frame_2"


def test_no_thread_of_a_console_outlives_its_statement(console: Console) -> None:
    console.editor.value = "SELECT 1"
    console.go.click()
    await_true(
        lambda: "kit-panel" not in {thread.name for thread in threading.enumerate()},
        "the thread has ended",
    )

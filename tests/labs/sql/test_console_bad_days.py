"""The console under load and on bad days: large and hostile results, cancel, lost servers."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import NullPool

from kit.errors import UsageError
from kit.labs import beyond, sql, statements
from kit.labs import source as sources
from kit.labs.sql import Console
from kit.launch.server import Server
from kit.launch.start import start
from kit.widgets.sheet import Sheet
from kit.widgets.table import Grid
from tests.traces import await_true

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module", params=["postgresql", "mysql"])
def server(request: pytest.FixtureRequest, home: Path) -> Iterator[Server]:
    with start(request.param, name="large") as running:
        yield running


@pytest.fixture
def console(server: Server) -> Iterator[Console]:
    opened = sql.console(server, tree=False)
    yield opened
    opened.close()


def is_postgresql(server: Server) -> bool:
    return server.database == "postgresql"


def numbers(server: Server, count: int) -> str:
    if is_postgresql(server):
        return f"SELECT n, 'row ' || n AS s FROM generate_series(1, {count}) n"
    return f"SELECT seq AS n, concat('row ', seq) AS s FROM seq_1_to_{count}"


def endless(server: Server) -> str:
    return "SELECT pg_sleep(600)" if is_postgresql(server) else "SELECT SLEEP(600), 1"


def said(console: Console) -> str:
    return re.sub("<[^>]+>", "", console.status.value).strip()


def told(sheet: Sheet) -> list[dict[str, Any]]:
    """Collect what a sheet sends to the browser."""
    sent: list[dict[str, Any]] = []
    sheet.send = lambda content: sent.append(content)  # type: ignore[method-assign]
    return sent


def ask(sheet: Sheet, top: int, bottom: int, left: int = 0, right: int = 8) -> None:
    value = {"top": top, "bottom": bottom, "left": left, "right": right}
    sheet._hear(sheet, {"event": "block", "value": value}, [])


def running(console: Console, server: Server) -> Callable[[], bool]:
    """Tell whether the server itself sees the endless query at work."""
    where = "information_schema.processlist WHERE id <> connection_id() AND info"
    if is_postgresql(server):
        where = "pg_stat_activity WHERE pid <> pg_backend_pid() AND state = 'active' AND query"
    other = sql.console(server, tree=False)
    script = f"SELECT count(*) FROM {where} LIKE '%sleep(600)%'"
    return lambda: other.run(script)[0].rows == [(1,)]


def begin_endless(console: Console, server: Server) -> None:
    console.editor.value = endless(server)
    console.go.click()
    await_true(running(console, server), "the query runs")


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


def test_a_long_query_is_cancelled_by_its_button_and_the_session_goes_on(
    console: Console, server: Server
) -> None:
    console.run("BEGIN")
    begin_endless(console, server)
    assert said(console) == "◐ running"
    assert console.cancel.layout.display is None
    console.cancel.click()
    await_true(lambda: not console.go.disabled, "the query has ended")
    refusal = console.results[0].refusal
    if is_postgresql(server):
        assert refusal is not None
        assert "cancelled" in refusal.hint
    else:
        # MariaDB's SLEEP ends early and returns 1 instead of failing; either way it has ended.
        assert refusal is None or "cancelled" in refusal.hint
    console.run("ROLLBACK")
    assert console.run("SELECT 41 + 1")[0].rows == [(42,)]


def test_a_server_killed_in_mid_query_gives_one_message_and_the_console_goes_on(
    server: Server,
) -> None:
    with start(server.database, name="mid") as victim:
        console = sql.console(victim, tree=False)
        begin_endless(console, victim)
        victim.kill()
        await_true(lambda: not console.go.disabled, "the query has ended")
        assert said(console).startswith("✗ failed")
        refusal = console.results[0].refusal
        assert refusal is not None
        assert refusal.lost
        assert victim.password not in console.notice.value
        victim.restart()
        assert console.run("SELECT 1")[0].rows == [(1,)]
        console.close()


def test_a_session_ended_by_somebody_else_is_told_and_replaced(
    console: Console, server: Server
) -> None:
    own = "pg_backend_pid()" if is_postgresql(server) else "connection_id()"
    number = console.run(f"SELECT {own}")[0].rows[0][0]
    other = sql.console(server, tree=False)
    killed = f"SELECT pg_terminate_backend({number})" if is_postgresql(server) else f"KILL {number}"
    assert other.run(killed)[0].refusal is None
    other.close()
    await_true(lambda: console.run("SELECT 1")[0].refusal is None, "the console is connected again")


def test_a_user_who_may_only_read_is_told_so_and_can_read(console: Console, server: Server) -> None:
    setup = ["CREATE TABLE shared (n int)", "INSERT INTO shared VALUES (1)"]
    if is_postgresql(server):
        setup += ["CREATE ROLE reader LOGIN PASSWORD 'r'", "GRANT SELECT ON shared TO reader"]
    else:
        setup += ["CREATE USER reader IDENTIFIED BY 'r'", "GRANT SELECT ON shared TO reader"]
    made = console.run("; ".join(setup))
    if made[-1].refusal is not None and "postgresql" not in server.database:
        console.run("DROP TABLE shared")
        pytest.skip("this server's user may not create others")
    address = server.url.replace(f"{server.user}:{server.password}@", "reader:r@")
    reader = sql.console(address, tree=False)
    assert reader.run("SELECT n FROM shared")[0].rows == [(1,)]
    refusal = reader.run("INSERT INTO shared VALUES (2)")[0].refusal
    assert refusal is not None
    assert "GRANT" in refusal.hint
    assert reader.run("SELECT n FROM shared")[0].rows == [(1,)]
    reader.close()
    console.run("DROP TABLE shared")


def test_an_interrupted_cell_leaves_a_console_that_works(console: Console) -> None:
    def interrupt(_text: str) -> Any:
        raise KeyboardInterrupt

    answers, console._answers = console._answers, interrupt  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        console.run("SELECT 1")
    assert said(console).startswith("■ interrupted")
    assert not console.go.disabled
    console._answers = answers  # type: ignore[method-assign]
    assert console.run("SELECT 1")[0].rows == [(1,)]


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


def test_no_thread_of_a_console_outlives_its_statement(console: Console) -> None:
    console.editor.value = "SELECT 1"
    console.go.click()
    await_true(
        lambda: "kit-panel" not in {thread.name for thread in threading.enumerate()},
        "the thread has ended",
    )


def millions(server: Server, count: int) -> str:
    if is_postgresql(server):
        return f"SELECT generate_series(1, {count})"
    return f"SELECT seq FROM seq_1_to_{count}"


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


def test_a_transaction_outlives_a_question_with_too_many_rows(
    console: Console, server: Server
) -> None:
    console.run("CREATE TABLE kept (n int); BEGIN; INSERT INTO kept VALUES (1)")
    (result,) = console.run(millions(server, 200_000))
    assert (len(result.rows), result.more) == (100, True)
    # PostgreSQL would abort the transaction if it were stopped, so there all rows are read.
    assert result.count == (200_000 if is_postgresql(server) else None)
    assert "transaction open" in said(console)
    console.run("COMMIT")
    assert console.run("SELECT n FROM kept; DROP TABLE kept")[0].rows == [(1,)]


def test_rows_beyond_the_limit_are_counted_up_to_some_thousands(
    console: Console, server: Server
) -> None:
    (result,) = console.run(numbers(server, 5000))
    assert (len(result.rows), result.count, result.more) == (100, 5000, True)
    assert "5,000 rows" in said(console)


def test_a_statement_that_writes_is_never_stopped_by_the_limit(
    console: Console, server: Server
) -> None:
    console.run("CREATE TABLE written (n int)")
    fill = f"INSERT INTO written {millions(server, 30_000)} RETURNING n"
    (result,) = console.run(fill)
    assert (len(result.rows), result.count, result.more) == (100, 30_000, True)
    console.run("SELECT count(*) FROM written; DROP TABLE written")
    assert console.results[0].rows == [(30_000,)]


@pytest.mark.parametrize(
    ("statement", "plain"),
    [
        ("SELECT 1", True),
        ("-- why\n/* how */ (select 1) union (select 2)", True),
        ("WITH a AS (SELECT 1) SELECT * FROM a", True),
        ("WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a", False),
        ("SELECT * INTO t FROM u", False),
        ("SELECT * FROM t FOR UPDATE", False),
        ("INSERT INTO t SELECT 1 RETURNING *", False),
        ("CALL p()", False),
    ],
)
def test_only_a_plain_question_may_be_stopped(statement: str, plain: bool) -> None:
    assert beyond.reads(statement) is plain


def test_a_copy_from_or_to_the_client_is_refused_and_the_session_goes_on(
    console: Console, server: Server
) -> None:
    if not is_postgresql(server):
        pytest.skip("COPY is PostgreSQL's")
    console.run("CREATE TEMP TABLE here (n int); INSERT INTO here SELECT generate_series(1, 50000)")
    for statement in ("COPY here TO STDOUT", "COPY here FROM STDIN"):
        (result,) = console.run(statement)
        assert result.refusal is not None
        assert "COPY" in result.refusal.message
        # The temporary table shows that it is the same session.
        assert console.run("SELECT count(*) FROM here")[0].rows == [(50_000,)]


def test_an_answer_that_nobody_reads_does_not_keep_its_session_busy(server: Server) -> None:
    connection = statements.connect(sources.read(server).engine(poolclass=NullPool))
    connection.exec_driver_sql(numbers(server, 1000))
    (result,) = statements.run(connection, "SELECT 41 + 1")
    assert result.rows == [(42,)]
    connection.close()

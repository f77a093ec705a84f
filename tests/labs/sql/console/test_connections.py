"""The console and its session: cancelled, refused or lost, it says so and goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.errors import UsageError
from kit.labs import sql
from kit.labs.sql import Console
from kit.launch.server import Server
from kit.launch.start import start
from tests.labs.sql.console.questions import is_postgresql, rows
from tests.panels import said
from tests.traces import await_true


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Console]:
    opened = sql.console(f"sqlite:///{tmp_path / 'lite.db'}")
    yield opened
    opened.close()


def endless(server: Server) -> str:
    return "SELECT pg_sleep(600)" if is_postgresql(server) else "SELECT SLEEP(600), 1"


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

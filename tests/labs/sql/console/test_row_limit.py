"""The console's row limit: kept and told, and no statement that writes is stopped by it."""

from __future__ import annotations

import pytest
from sqlalchemy import NullPool

from kit.labs import beyond, sql, statements
from kit.labs import source as sources
from kit.labs.sql import Console
from kit.launch.server import Server
from tests.labs.sql.console.questions import is_postgresql, millions, numbers
from tests.panels import said


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


def test_an_answer_that_nobody_reads_does_not_keep_its_session_busy(server: Server) -> None:
    connection = statements.connect(sources.read(server).engine(poolclass=NullPool))
    connection.exec_driver_sql(numbers(server, 1000))
    (result,) = statements.run(connection, "SELECT 41 + 1")
    assert result.rows == [(42,)]
    connection.close()

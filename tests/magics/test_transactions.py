"""A transaction lasts from cell to cell: it is kept, undone, or lost as the server has it."""

from __future__ import annotations

import pytest

from tests.magics.notebook import Notebook, seen_by_others


@pytest.mark.parametrize("begin", ["BEGIN", "begin;", "START TRANSACTION"])
def test_a_rollback_in_a_later_cell_undoes_what_earlier_cells_did(
    notebook: Notebook, begin: str
) -> None:
    notebook("%sql INSERT INTO runs VALUES (1, 'kept')")
    notebook(f"%%sql\n{begin.rstrip(';')};\nUPDATE runs SET id = 2;")
    notebook("%sql INSERT INTO runs VALUES (3, 'undone')")
    assert sorted(notebook.rows("SELECT id FROM runs")) == [(2,), (3,)]
    assert seen_by_others(notebook.server) == [1]
    notebook("%sql ROLLBACK")
    assert notebook.rows("SELECT id FROM runs") == [(1,)]


def test_a_commit_in_a_later_cell_keeps_what_earlier_cells_did(notebook: Notebook) -> None:
    notebook("%sql BEGIN")
    notebook("%sql INSERT INTO runs VALUES (1, 'a')")
    assert seen_by_others(notebook.server) == []
    notebook("%sql COMMIT")
    assert seen_by_others(notebook.server) == [1]


def test_without_begin_each_statement_is_committed_at_once(notebook: Notebook) -> None:
    notebook("%sql INSERT INTO runs VALUES (1, 'a')")
    assert seen_by_others(notebook.server) == [1]


def test_a_savepoint_undoes_a_part(notebook: Notebook) -> None:
    notebook("%%sql\nBEGIN; INSERT INTO runs VALUES (1, 'a'); SAVEPOINT half")
    notebook("%sql INSERT INTO runs VALUES (2, 'b')")
    notebook("%%sql\nROLLBACK TO SAVEPOINT half; COMMIT")
    assert seen_by_others(notebook.server) == [1]


def test_what_must_not_run_in_a_transaction_runs(notebook: Notebook) -> None:
    notebook("%%sql\nDROP DATABASE IF EXISTS scratch; CREATE DATABASE scratch")
    if notebook.server.database == "postgresql":
        notebook("%sql VACUUM ANALYZE runs")
        notebook("%sql CREATE INDEX CONCURRENTLY runs_id ON runs (id)")
        notebook("%sql BEGIN")
        assert "%sql COMMIT" in notebook.refuses("%sql VACUUM")
        notebook("%sql ROLLBACK")
    notebook("%sql DROP DATABASE scratch")


@pytest.mark.parametrize("server", ["mysql"], indirect=True)
def test_an_error_leaves_mysqls_transaction_open_and_says_so(notebook: Notebook) -> None:
    notebook("%%sql\nBEGIN; INSERT INTO runs VALUES (1, 'a')")
    assert "still open" in notebook.refuses("%sql SELECT * FROM missing")
    notebook("%sql COMMIT")
    assert seen_by_others(notebook.server) == [1]


def test_two_sessions_on_one_server_do_not_see_each_others_open_work(notebook: Notebook) -> None:
    notebook("kit.sql(server, name='first')")
    notebook("kit.sql(server, name='second')")
    notebook("%%sql @first\nBEGIN; INSERT INTO runs VALUES (1, 'a')")
    assert not notebook("%sql @second SELECT * FROM runs")
    assert len(notebook("%sql @first SELECT * FROM runs")) == 1
    notebook("%sql @first ROLLBACK")


def test_connecting_again_keeps_the_session_and_its_open_transaction(notebook: Notebook) -> None:
    notebook("%%sql\nBEGIN; INSERT INTO runs VALUES (1, 'a')")
    notebook("kit.sql(server)")
    assert notebook.rows("SELECT id FROM runs") == [(1,)]
    notebook("%sql ROLLBACK")


def test_a_transaction_lost_in_a_restart_fails_the_next_cell(notebook: Notebook) -> None:
    notebook("%%sql\nBEGIN; INSERT INTO runs VALUES (1, 'a')")
    notebook.server.restart()
    assert "start over from BEGIN" in notebook.refuses("%sql INSERT INTO runs VALUES (2, 'b')")
    assert notebook.rows("SELECT id FROM runs") == []

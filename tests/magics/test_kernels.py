"""`%sql` in kernels of their own: an error stops papermill and nbval, an interrupt is obeyed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import papermill
import pytest
from jupyter_client.manager import start_new_kernel
from papermill.exceptions import PapermillExecutionError

from kit.launch.server import Server
from tests.magics.notebook import Notebook, seen_by_others


@pytest.fixture
def environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    if server.state != "running":
        server.restart()
    monkeypatch.setenv("KIT_TEST_SQL", str(server.url))


def _headless(path: Path, *cells: str) -> Path:
    setup = "import os, kit\nkit.sql(os.environ['KIT_TEST_SQL'], name='lesson')"
    sheet = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(cell, id=f"cell-{n}")
            for n, cell in enumerate([setup, *cells])
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(sheet, path)
    return path


GOOD = (
    "%%sql\nDROP TABLE IF EXISTS runs; CREATE TABLE runs (id int)",
    "%%sql\nBEGIN; INSERT INTO runs VALUES (1)",
    "%sql ROLLBACK",
    "%sql SELECT count(*) AS number FROM runs",
)


@pytest.mark.usefixtures("environment")
def test_papermill_runs_a_lesson_and_stores_rows_but_no_password(
    tmp_path: Path, server: Server
) -> None:
    done = tmp_path / "done.ipynb"
    papermill.execute_notebook(
        _headless(tmp_path / "in.ipynb", *GOOD, "%sql -l"), done, progress_bar=False
    )
    sheet = nbformat.read(done, as_version=4)
    assert set(sheet.cells[4].outputs[0].data) == {"text/html", "text/plain"}
    assert "0" in sheet.cells[4].outputs[0].data["text/plain"]
    assert server.password not in done.read_text()


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_papermill_stops_at_an_error_of_sql(tmp_path: Path, server: Server) -> None:
    done = tmp_path / "done.ipynb"
    sheet = _headless(tmp_path / "in.ipynb", "%sql SELECT * FROM missing", "print('went on')")
    with pytest.raises(PapermillExecutionError, match="missing") as caught:
        papermill.execute_notebook(sheet, done, progress_bar=False)
    assert caught.value.ename == "SQLError"
    assert "went on" not in "".join(str(cell.outputs) for cell in nbformat.read(done, 4).cells[3:])
    assert server.password not in done.read_text()


def test_nbval_passes_a_lesson_and_fails_an_error_of_sql(
    tmp_path: Path, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_TEST_SQL", str(postgresql.url))
    _headless(tmp_path / "good.ipynb", *GOOD)
    _headless(tmp_path / "bad.ipynb", "%sql SELECT * FROM missing")
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "-p", "no:cacheprovider", "-rA"]
    ran = subprocess.run(
        [*command, "good.ipynb", "bad.ipynb"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 6 passed" in ran.stdout
    assert "FAILED bad.ipynb::Cell 1" in ran.stdout
    assert "says: ERROR 42P01" in ran.stdout


WAITING = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity "
    "WHERE state = 'active' AND query = 'UPDATE runs SET id = 2'",
    "mysql": "SELECT count(*) FROM information_schema.processlist "
    "WHERE info = 'UPDATE runs SET id = 2'",
}


@pytest.mark.usefixtures("environment")
def test_an_interrupted_statement_is_not_carried_out_behind_the_learners_back(
    notebook: Notebook,
) -> None:
    server = notebook.server
    notebook("%sql INSERT INTO runs VALUES (1, 'a')")
    notebook("%%sql\nBEGIN; UPDATE runs SET name = 'locked'")
    manager, client = start_new_kernel()
    try:
        client.execute_interactive(
            "import os, kit; kit.sql(os.environ['KIT_TEST_SQL'])", timeout=60
        )
        client.execute("%sql UPDATE runs SET id = 2")
        wait_until(lambda: seen_by_others(server, WAITING[server.database]) == [1])
        manager.interrupt_kernel()
        reply = client.get_shell_msg(timeout=30)["content"]
        assert reply["ename"] == "Interrupted"
        assert len(reply["traceback"]) == 1
        notebook("%sql COMMIT")
        client.execute("%sql INSERT INTO runs VALUES (3, 'after')")
        assert client.get_shell_msg(timeout=30)["content"]["status"] == "ok"
        assert seen_by_others(server) == [1, 3]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)

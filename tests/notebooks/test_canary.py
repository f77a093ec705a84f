"""The runners themselves: a notebook that is broken must be reported as broken."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from papermill.exceptions import PapermillExecutionError

from tests.notebooks import book
from tests.notebooks.clean import Unfit, clean
from tests.notebooks.leaks import Leak, refuse
from tests.notebooks.run import desk, execute, nbval

pytestmark = pytest.mark.timeout(400)

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def notebook_of(*sources: str, tags: tuple[str, ...] = ()) -> book.Notebook:
    cells = [new_code_cell(source, metadata={"tags": list(tags)}) for source in sources]
    return new_notebook(cells=cells, metadata=KERNEL)


def test_an_unknown_magic_fails_under_nbval() -> None:
    with desk() as at:
        done = nbval(book.load(book.CANARY), at)
    assert done.returncode == 1, done.stdout
    assert "1 failed, 1 passed" in done.stdout
    assert "%no_such_magic" in done.stdout


def test_an_unknown_magic_fails_under_papermill() -> None:
    with desk() as at, pytest.raises(PapermillExecutionError):
        execute(book.load(book.CANARY), at)


def test_nbval_fails_a_checked_cell_whose_output_changed() -> None:
    notebook = notebook_of("1 + 1", tags=("nbval-check-output",))
    (cell,) = notebook.cells
    cell.execution_count = 1
    cell.outputs = [
        nbformat.v4.new_output("execute_result", {"text/plain": "3"}, execution_count=1)
    ]
    with desk() as at:
        done = nbval(notebook, at)
    assert done.returncode == 1, done.stdout
    assert "Cell outputs differ" in done.stdout


def test_a_wrong_answer_cell_is_seen_in_the_progress_file() -> None:
    notebook = new_notebook(
        cells=[
            new_code_cell("answer = ...", metadata={"tags": ["exercise:pg-1"]}),
            new_code_cell('import kit; kit.check("pg-1", answer)'),
            new_markdown_cell(
                "```python\nanswer = 'wrong'\n```", metadata={"tags": ["solution:pg-1"]}
            ),
        ],
        metadata=KERNEL,
    )
    with desk() as at:
        done = execute(book.solved(notebook), at)
        assert at.solved() == set()
    assert "✓" not in str(done.cells[1].outputs)


def test_a_run_sees_no_progress_and_no_server_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "progress.json"
    mine.write_text('{"pg-1": {"solved": true, "wrong": 0}}')
    monkeypatch.setenv("KIT_PROGRESS_FILE", str(mine))
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    with desk() as at:
        done = execute(
            notebook_of("import kit, os; print(os.environ['KIT_HOME'])", "kit.progress()"), at
        )
        assert at.solved() == set()
    assert str(tmp_path) not in str(done.cells)
    assert "✓" not in str(done.cells[1].outputs)


def test_a_password_of_a_running_server_in_an_output_stops_the_run() -> None:
    with desk() as at, pytest.raises(Leak):
        execute(
            notebook_of(
                "import kit\nr = kit.start('redis')", "print('see', r.password)", "r.stop()"
            ),
            at,
        )


@pytest.mark.parametrize("spelling", ["p&w/1", "p%26w/1", "p%26w%2F1", "p&amp;w/1"])
def test_a_password_is_found_in_whatever_way_it_is_written(spelling: str) -> None:
    notebook = notebook_of("x")
    notebook.cells[0].outputs = [
        nbformat.v4.new_output("stream", text=f"postgresql://mlflow:{spelling}@127.0.0.1/mlflow")
    ]
    with pytest.raises(Leak):
        refuse(notebook, ["p&w/1"])


def test_a_panel_without_a_static_picture_cannot_be_committed() -> None:
    notebook = notebook_of("import ipywidgets; ipywidgets.IntSlider()")
    with desk() as at, pytest.raises(Unfit, match="static picture"):
        clean(execute(notebook, at))


def test_what_is_written_to_the_error_stream_cannot_be_committed() -> None:
    notebook = notebook_of("import sys; print('Warning', file=sys.stderr)")
    with desk() as at, pytest.raises(Unfit, match="Warning"):
        clean(execute(notebook, at))

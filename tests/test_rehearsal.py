"""`kit test`: what a teacher runs the night before, and what it says in the morning."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from typer.testing import CliRunner

from kit.cli import app
from kit.errors import UnknownName
from kit.rehearsal import find, rehearse


def written(folder: Path, *sources: str) -> Path:
    notebook = new_notebook(cells=[new_markdown_cell("# A"), *map(new_code_cell, sources)])
    path = folder / "99_written.ipynb"
    nbformat.write(notebook, path)
    return path


def test_a_notebook_goes_by_its_name_its_number_or_its_subject() -> None:
    assert [path.stem for path in find(["postgresql", "00"])] == ["00_start_here", "01_postgresql"]
    assert len(find(None)) >= 2
    with pytest.raises(UnknownName, match="Did you mean '01_postgresql'"):
        find(["01_postgres"])


def test_a_notebook_that_runs_has_passed_and_every_cell_was_counted(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    done = rehearse(written(tmp_path, "1", "2"), "process", lambda *counts: seen.append(counts))
    assert done.passed
    assert seen == [(0, 3), (1, 3), (2, 3)]


def test_a_failing_cell_is_named_with_its_error_and_nothing_it_started_is_left(
    tmp_path: Path,
) -> None:
    started = "import kit; r = kit.start('redis'); open('home', 'w').write(os.environ['KIT_HOME'])"
    kept = tmp_path / "home"
    source = f"import os\n{started.replace(chr(39) + 'home' + chr(39), repr(str(kept)))}"
    done = rehearse(written(tmp_path, source, "1 / 0", "2"), "process")
    assert (done.passed, done.cell) == (False, 3)
    assert done.reason == "ZeroDivisionError: division by zero"
    assert "JupyterLab" in done.remedy
    assert not Path(kept.read_text()).exists()


def test_a_kernel_that_dies_is_a_failure_and_not_a_hang(tmp_path: Path) -> None:
    done = rehearse(written(tmp_path, "import os; os.kill(os.getpid(), 9)"), "process")
    assert not done.passed
    assert done.cell == 2


def test_neither_progress_nor_settings_of_the_teacher_are_touched(tmp_path: Path) -> None:
    before = dict(os.environ)
    mine = Path(os.environ["KIT_PROGRESS_FILE"])
    known = mine.read_bytes() if mine.exists() else None
    assert rehearse(written(tmp_path, "import kit; kit.check('pg-1', 1)"), "process").passed
    assert dict(os.environ) == before
    assert (mine.read_bytes() if mine.exists() else None) == known


def test_an_unknown_backend_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'process'"):
        rehearse(written(tmp_path), "proces")


def test_the_command_reports_each_notebook_and_its_exit_code_says_whether_all_passed() -> None:
    done = CliRunner().invoke(app, ["test", "00", "--backend", "process"])
    assert done.exit_code == 0, done.output
    assert "00_start_here" in done.output
    assert "passed" in done.output

"""Each notebook with every exercise answered: every check passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.exercises.exercise import sections
from tests.notebooks import book
from tests.notebooks.run import desk, execute

pytestmark = pytest.mark.timeout(400)


@pytest.mark.parametrize("path", book.everything(), ids=lambda path: path.stem)
def test_a_solved_notebook_passes_every_one_of_its_checks(path: Path) -> None:
    notebook = book.load(path)
    asked = set(book.tagged(notebook, "exercise"))
    with desk() as at:
        done = execute(book.solved(notebook), at)
        assert at.solved() == asked
    for name, cell in book.tagged(done, "check").items():
        (output,) = cell.outputs
        assert output.data["text/plain"].startswith(f"✓ {name} "), output.data["text/plain"]


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.notebook)
def test_every_exercise_of_the_kit_is_asked_in_its_notebook(section: object) -> None:
    notebook = book.load(book.FOLDER / f"{section.notebook}.ipynb")  # type: ignore[attr-defined]
    asked = list(book.tagged(notebook, "exercise"))
    assert asked == [exercise.id for exercise in section.exercises]  # type: ignore[attr-defined]

"""Each notebook as a learner gets it: it runs, and shows what it promises to show."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.notebooks import book
from tests.notebooks.run import desk, nbval

pytestmark = pytest.mark.timeout(400)


@pytest.mark.parametrize("path", book.everything(), ids=lambda path: path.stem)
def test_a_shipped_notebook_runs_and_its_checked_cells_show_what_was_committed(path: Path) -> None:
    with desk() as at:
        done = nbval(book.load(path), at)
        litter = at.litter()
    assert done.returncode == 0, done.stdout + done.stderr
    assert litter == set(), "it left files beside itself"

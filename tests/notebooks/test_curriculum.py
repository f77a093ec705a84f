"""The curriculum: every row whose notebook is here is taught by a cell that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.notebooks import book
from tests.notebooks.curriculum import CONCEPTS, NOT_YET, ROWS

ALL = {row for rows in ROWS.values() for row in rows}
HERE = {path.stem for path in book.everything()}
DUE = {row for home, rows in ROWS.items() if home in HERE for row in rows}


def taught(path: Path) -> dict[str, list[book.Cell]]:
    rows: dict[str, list[book.Cell]] = {}
    for cell in book.load(path).cells:
        for tag in book.tags(cell):
            if tag.startswith("teaches:"):
                rows.setdefault(tag.removeprefix("teaches:"), []).append(cell)
    return rows


TAUGHT = {path.stem: taught(path) for path in book.everything()}


def test_every_row_whose_notebook_is_here_is_taught() -> None:
    assert {row for rows in TAUGHT.values() for row in rows} >= DUE - NOT_YET


@pytest.mark.parametrize("name", sorted(TAUGHT))
def test_a_notebook_teaches_only_rows_that_there_are(name: str) -> None:
    assert set(TAUGHT[name]) <= ALL


@pytest.mark.parametrize("name", sorted(TAUGHT))
def test_a_row_is_taught_by_code_unless_it_is_a_concept(name: str) -> None:
    for row, cells in TAUGHT[name].items():
        assert row in CONCEPTS or any(cell.cell_type == "code" for cell in cells), row


def test_the_list_of_rows_still_to_come_names_no_other() -> None:
    assert NOT_YET <= DUE
    assert NOT_YET.isdisjoint({row for rows in TAUGHT.values() for row in rows})

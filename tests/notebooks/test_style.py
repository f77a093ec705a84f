"""The notebooks' form: the same in every lesson, so that a learner always knows where they are."""

from __future__ import annotations

import itertools
import re
import statistics
from pathlib import Path

import pytest

from tests.notebooks import book

NOTEBOOKS = pytest.mark.parametrize("path", book.everything(), ids=lambda path: path.stem)
LESSONS = pytest.mark.parametrize(
    "path",
    [path for path in book.everything() if not path.stem.startswith("00")],
    ids=lambda path: path.stem,
)
LAST_PARTS = ["Summary", "Exercises", "Further reading", "Stop"]
MACHINERY = {"exercise", "check", "solution"}  # kinds of cells that are not the lesson's own text


def lines(cell: book.Cell) -> int:
    return len([line for line in cell.source.splitlines() if line.strip()])


def kinds(cell: book.Cell) -> set[str]:
    return {tag.partition(":")[0] for tag in book.tags(cell)}


def headings(notebook: book.Notebook, level: int) -> list[str]:
    mark = "#" * level + " "
    return [
        line.removeprefix(mark)
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith(mark)
    ]


@NOTEBOOKS
def test_a_notebook_opens_with_its_one_title(path: Path) -> None:
    notebook = book.load(path)
    assert notebook.cells[0].source.startswith("# ")
    assert len(headings(notebook, 1)) == 1


@NOTEBOOKS
def test_parameters_come_first_and_set_up_takes_five_lines_at_most(path: Path) -> None:
    first, second, *rest = book.code_cells(book.load(path))
    assert "parameters" in book.tags(first)
    assert not any("parameters" in book.tags(cell) for cell in [second, *rest])
    assert lines(first) <= 5
    assert lines(second) <= 5


@NOTEBOOKS
def test_the_last_cell_stops_what_the_notebook_started(path: Path) -> None:
    last = book.load(path).cells[-1]
    assert "stop" in book.tags(last)
    assert ".stop()" in last.source


@NOTEBOOKS
def test_code_cells_are_short(path: Path) -> None:
    lengths = [lines(cell) for cell in book.code_cells(book.load(path))]
    assert statistics.median(lengths) <= 3
    assert max(lengths) <= 15


@NOTEBOOKS
def test_text_and_code_keep_their_rhythm(path: Path) -> None:
    cells = [cell for cell in book.load(path).cells if not kinds(cell) & MACHINERY]
    text = sum(cell.cell_type == "markdown" for cell in cells)
    assert 0.9 <= text / (len(cells) - text) <= 1.5


@NOTEBOOKS
def test_most_code_stands_alone_between_text(path: Path) -> None:
    cells = book.load(path).cells
    pairs = [
        before.cell_type == after.cell_type == "code"
        for before, after in itertools.pairwise(cells)
        if not (kinds(before) | kinds(after)) & MACHINERY
    ]
    assert sum(pairs) <= 0.25 * len(book.code_cells(book.load(path)))


@NOTEBOOKS
def test_prose_does_not_shout(path: Path) -> None:
    for cell in book.load(path).cells:
        if cell.cell_type == "markdown":
            prose = re.sub(r"```.*?```|`[^`]*`|!\[", "", cell.source, flags=re.DOTALL)
            assert "!" not in prose, prose


@NOTEBOOKS
def test_links_to_other_notebooks_lead_somewhere(path: Path) -> None:
    for cell in book.load(path).cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\(([^)#:]+\.ipynb)", cell.source):
                assert (path.parent / target).exists(), target


@NOTEBOOKS
def test_cell_ids_are_unique_and_no_cell_is_let_fail(path: Path) -> None:
    cells = book.load(path).cells
    assert len({cell.id for cell in cells}) == len(cells)
    assert not any("raises-exception" in book.tags(cell) for cell in cells)


@LESSONS
def test_a_lesson_has_four_to_seven_parts_and_then_the_four_last_ones(path: Path) -> None:
    parts = headings(book.load(path), 2)
    assert parts[-4:] == LAST_PARTS
    assert 4 <= len(parts[:-4]) <= 7


@LESSONS
def test_each_part_asks_for_a_prediction_before_it_runs_code(path: Path) -> None:
    part, asked = "", False
    for cell in book.load(path).cells:
        if cell.cell_type == "markdown":
            if found := re.search(r"^## (.*)", cell.source, re.MULTILINE):
                part, asked = found[1], False
            asked = asked or "?" in cell.source
        elif part and part not in LAST_PARTS:
            assert asked, f"the part {part!r} runs code before it asks a question"


@LESSONS
def test_a_lesson_provokes_a_failure_and_catches_it(path: Path) -> None:
    failures = [cell for cell in book.load(path).cells if "failure" in book.tags(cell)]
    assert failures
    assert all("except" in cell.source and cell.outputs for cell in failures)


@LESSONS
def test_an_exercise_is_prompt_stub_check_and_folded_answer(path: Path) -> None:
    cells = book.load(path).cells
    stubs = book.tagged(book.load(path), "exercise")
    assert 4 <= len(stubs) <= 6
    for name in stubs:
        place = next(n for n, cell in enumerate(cells) if f"exercise:{name}" in book.tags(cell))
        prompt, stub, check, answer = cells[place - 1 : place + 3]
        assert prompt.cell_type == "markdown"
        assert re.search(r"= \.\.\.", stub.source)
        assert {f"check:{name}", "nbval-check-output"} <= set(book.tags(check))
        assert check.source.startswith(f'kit.check("{name}", ')
        assert f"solution:{name}" in book.tags(answer)
        assert "<details>" in answer.source
        assert book.answer_code(answer)

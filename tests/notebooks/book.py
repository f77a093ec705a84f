"""The notebooks as files: which there are, what their cells are tagged, how stubs are solved."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import nbformat

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"
CANARY = Path(__file__).with_name("canary.ipynb")

_FENCED = re.compile(r"^```\w*\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)

Notebook = Any
Cell = Any


def everything() -> list[Path]:
    """Return every notebook, in the order of the lessons."""
    return sorted(FOLDER.glob("*.ipynb"))


def load(path: Path) -> Notebook:
    """Read one notebook."""
    return nbformat.read(path, as_version=4)


def tags(cell: Cell) -> list[str]:
    """Return a cell's tags."""
    return list(cell.metadata.get("tags", []))


def code_cells(notebook: Notebook) -> list[Cell]:
    """Return the cells that run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tagged(notebook: Notebook, kind: str) -> dict[str, Cell]:
    """Return the cells with a tag `kind:<id>`, by id; the same id twice is an error."""
    found: dict[str, Cell] = {}
    for cell in notebook.cells:
        for tag in tags(cell):
            head, _, name = tag.partition(":")
            if head == kind and name:
                assert name not in found, f"two cells are tagged {tag}"
                found[name] = cell
    return found


def solved(notebook: Notebook) -> Notebook:
    """Return a copy with each exercise's stub replaced by the code of its answer."""
    answered = copy.deepcopy(notebook)
    answers = tagged(answered, "solution")
    for name, stub in tagged(answered, "exercise").items():
        stub.source = answer_code(answers[name])
    return answered


def answer_code(cell: Cell) -> str:
    """Return the code of an answer cell: the first fenced block of its text."""
    block = _FENCED.search(cell.source)
    assert block is not None, f"the answer holds no fenced code: {cell.source!r}"
    return block["code"].rstrip("\n")

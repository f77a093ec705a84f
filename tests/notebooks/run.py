"""Running a notebook where nothing of this machine's own servers, progress or settings is seen."""

from __future__ import annotations

import ast
import contextlib
import copy
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import papermill

from kit.exercises.store import ProgressFile
from tests.notebooks import leaks
from tests.notebooks.book import ROOT, Notebook
from tests.traces import kit_home

NBVAL_CELL_TIMEOUT = 120  # seconds

_SECRETS = """\
import json, kit
print(json.dumps([server.password for server in list(globals().values())
                  if isinstance(server, kit.Server) and server.password]))"""


@dataclass(frozen=True)
class Desk:
    """Hold the empty folder, the progress file and the environment of one run."""

    folder: Path
    progress: ProgressFile
    environment: dict[str, str]

    def solved(self) -> set[str]:
        """Return the exercises that were solved in this run."""
        return {name for name, tries in self.progress.read().items() if tries.solved}

    def litter(self) -> set[str]:
        """Return the names of the files that a run left beside its notebook."""
        return {path.name for path in self.folder.iterdir() if path.suffix != ".ipynb"}


@contextlib.contextmanager
def desk() -> Iterator[Desk]:
    """Give one run a place of its own, and fail afterwards if a server outlived it."""
    with kit_home() as home, tempfile.TemporaryDirectory(prefix="kit-book-") as top:
        folder, environment = Path(top, "desk"), _environment(home, Path(top))
        folder.mkdir()
        yield Desk(folder, ProgressFile(Path(environment["KIT_PROGRESS_FILE"])), environment)


def _environment(home: Path, top: Path) -> dict[str, str]:
    """Keep what says how servers are started, but never write to somebody's own server."""
    kept = {
        name: text
        for name, text in os.environ.items()
        if not (name.startswith("KIT_") and name.endswith("_URL"))
    }
    return kept | {
        "KIT_HOME": str(home),
        "KIT_PROGRESS_FILE": str(top / "progress.json"),
        "IPYTHONDIR": str(top / "ipython"),
        "PYTHONPATH": str(ROOT),
        "TZ": "UTC",
    }


def execute(notebook: Notebook, at: Desk) -> Notebook:
    """Run a notebook by papermill, its parameters given as papermill would be given them.

    Raises PermissionError when a password of a server that it started is in an output.
    """
    copied = copy.deepcopy(notebook)
    copied.cells.append(nbformat.v4.new_code_cell(_SECRETS))
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(at.environment)
    try:
        done = papermill.execute_notebook(
            copied, None, parameters=parameters(notebook), cwd=at.folder, progress_bar=False
        )
    finally:
        os.environ.clear()
        os.environ.update(before)
    secrets = json.loads("".join(output.text for output in done.cells.pop().outputs))
    leaks.refuse(done, secrets)
    return done


def parameters(notebook: Notebook) -> dict[str, object]:
    """Return the defaults that stand in the parameters cell."""
    with tempfile.NamedTemporaryFile("w", suffix=".ipynb") as file:
        nbformat.write(notebook, file.name)
        found = papermill.inspect_notebook(file.name)
    return {name: ast.literal_eval(entry["default"]) for name, entry in found.items()}


def nbval(notebook: Notebook, at: Desk) -> subprocess.CompletedProcess[str]:
    """Run a notebook by nbval, comparing the cells that ask for it, volatile parts aside."""
    book, masks = at.folder / "book.ipynb", at.folder.with_name("masks.cfg")
    nbformat.write(notebook, book)
    masks.write_text(leaks.sanitizer(), encoding="utf-8")
    plugins = ["-p", "tests.notebooks.strict", "-p", "no:cacheprovider", "-p", "no:randomly"]
    options = [
        "--nbval-lax",
        f"--nbval-sanitize-with={masks}",
        f"--nbval-cell-timeout={NBVAL_CELL_TIMEOUT}",
        "--color=no",
    ]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, *options, str(book)],
        cwd=at.folder,
        env=at.environment,
        capture_output=True,
        text=True,
        check=False,
    )

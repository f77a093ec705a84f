"""Run the notebooks as a learner would, the night before a workshop, and say what came of it."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.errors import MissingError, UnknownName
from kit.launch.request import BACKENDS

Progress = Callable[[int, int], None]
_CELL_TAKES = 600
_LEAVING_TAKES = 20.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one notebook: how long it took, in seconds, and why it failed, if it did."""

    notebook: str
    backend: str
    seconds: float
    cell: int = 0
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Tell whether every cell ran to its end."""
        return not self.reason

    @property
    def remedy(self) -> str:
        """Say what to do about a failure."""
        if self.passed:
            return ""
        return f"Run it up to cell {self.cell} in JupyterLab, and see: kit doctor"


def find(names: Sequence[str] | None) -> list[Path]:
    """Return the notebooks of these names, all if there are none.

    A name is a notebook's, whole or in part: `05_redis`, `redis` or `05`. Raise UnknownName, or
    MissingError where the notebooks are not beside the kit nor in the current directory.
    """
    known = {path.stem: path for path in sorted(_folder().glob("[0-9][0-9]_*.ipynb"))}
    short = {part: stem for stem in known for part in (stem, *stem.split("_", 1))}
    for name in names or ():
        if name not in short:
            raise UnknownName.among("notebook", name, known)
    chosen = {short[name] for name in names} if names else set(known)
    return [path for stem, path in known.items() if stem in chosen]


def rehearse(notebook: Path, backend: str, progress: Progress = lambda done, of: None) -> Outcome:
    """Run one notebook on a backend, away from this user's servers, progress and settings.

    `progress` is called with the number of cells that have run, and of all there are. Raise
    UnknownName for an unknown backend; a notebook that fails is no error but an outcome.
    """
    began = time.monotonic()
    if backend not in BACKENDS:
        raise UnknownName.among("backend", backend, BACKENDS)
    with _stage(backend) as desk:
        cell, reason = _execute(notebook, desk, progress)
        if not reason and not _all_gone(desk.with_name("home")):
            reason = "a server outlived the notebook that started it"
    return Outcome(
        notebook=notebook.stem,
        backend=backend,
        seconds=time.monotonic() - began,
        cell=cell,
        reason=reason,
    )


def _folder() -> Path:
    for place in (Path(__file__).resolve().parents[1], Path.cwd()):
        if (place / "notebooks").is_dir():
            return place / "notebooks"
    raise MissingError(
        "The notebooks are not here. Change to the folder that holds `notebooks`, then again: "
        "kit test"
    )


def _execute(notebook: Path, desk: Path, progress: Progress) -> tuple[int, str]:
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    read: Any = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    begun: list[int] = []

    def note(cell_index: int, **_: object) -> None:
        begun.append(cell_index)
        progress(cell_index, len(read.cells))

    client = NotebookClient(
        read,
        timeout=_CELL_TAKES,
        resources={"metadata": {"path": str(desk)}},
        on_cell_start=note,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        return (begun or [0])[-1] + 1, _reason(error)
    return len(read.cells), ""


def _reason(error: Exception) -> str:
    name, value = getattr(error, "ename", ""), getattr(error, "evalue", "")
    if name:
        return f"{name}: {value}"
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _all_gone(home: Path) -> bool:
    """Wait until the servers have ended with their kernel; tell whether they did."""
    deadline = time.monotonic() + _LEAVING_TAKES
    while any(home.glob("servers/*")):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@contextmanager
def _stage(backend: str) -> Iterator[Path]:
    """Give a run a home and a folder of its own; what it started ends with its kernel."""
    before = dict(os.environ)
    # Sockets want short paths, and servers that refuse root must pass through.
    with tempfile.TemporaryDirectory(prefix="kit-", dir="/tmp", ignore_cleanup_errors=True) as top:
        home, desk = Path(top, "home"), Path(top, "desk")
        for place in (Path(top), home):
            place.mkdir(exist_ok=True)
            place.chmod(0o711)
        desk.mkdir()
        os.environ |= {
            "KIT_BACKEND": backend,
            "KIT_HOME": str(home),
            "KIT_PROGRESS_FILE": str(Path(top, "progress.json")),
            "IPYTHONDIR": str(Path(top, "ipython")),
        }
        try:
            yield desk
        finally:
            os.environ.clear()
            os.environ.update(before)

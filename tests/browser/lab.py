"""A JupyterLab of the tests' own: its settings, servers and progress in a directory that goes."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import v4

from kit.launch.instance import Message
from kit.launch.spawn import spawn
from tests.notebooks import book
from tests.notebooks.run import desk
from tests.traces import await_true, processes

STARTS = 90  # seconds
ENDS = 30

# Cells outside the window are laid out too, so that one picture can show the whole notebook.
SETTINGS = {"notebook-extension/tracker": {"windowingMode": "none"}}


@dataclass(frozen=True)
class Lab:
    """Hold the address of a running JupyterLab, its token in it, and the folder that it shows."""

    folder: Path
    url: str = field(repr=False)

    def write(self, name: str, sources: Sequence[str]) -> None:
        """Put a notebook of these code cells into the folder."""
        notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, self.folder / name)


@contextlib.contextmanager
def running() -> Iterator[Lab]:
    """Run a JupyterLab on copies of the notebooks; afterwards nothing that it started is left."""
    with desk() as at:
        for path in book.everything():
            shutil.copy(path, at.folder)
        top, token = at.folder.parent, secrets.token_hex(16)
        _write_settings(top / "settings")
        environment = {**at.environment, **_places(top), "JUPYTER_TOKEN": token}
        with (top / "lab.log").open("w") as log:
            process = spawn(_spelled(at.folder, environment), at.folder, log.fileno())
        try:
            yield Lab(at.folder, f"http://127.0.0.1:{_port(process, top)}/lab?token={token}")
        finally:
            _end(process)
            await_true(lambda: not processes(top), f"nothing works in {top} any more")


def _write_settings(folder: Path) -> None:
    for plugin, values in SETTINGS.items():
        file = folder / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(values))


def _places(top: Path) -> dict[str, str]:
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }
    return {name: str(top / place) for name, place in places.items()}


def _spelled(folder: Path, environment: dict[str, str]) -> Message:
    """Spell a JupyterLab that ends with the tests, even where these are killed."""
    argv = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0",
        f"--ServerApp.root_dir={folder}",
        "--LabApp.extension_manager=readonly",
        "--LabApp.expose_app_in_browser=True",
        *(["--allow-root"] if os.getuid() == 0 else []),
    ]
    return {"argv": argv, "env": environment, "quit": int(signal.SIGTERM), "account": None}


def _port(process: subprocess.Popen[bytes], top: Path) -> int:
    found: list[int] = []

    def look() -> bool:
        assert process.poll() is None, f"JupyterLab ended: {(top / 'lab.log').read_text()}"
        for file in (top / "runtime").glob("jpserver-*.json"):
            # The file may still be being written.
            with contextlib.suppress(json.JSONDecodeError):
                found.append(json.loads(file.read_text())["port"])
        return bool(found)

    await_true(look, "JupyterLab says on which port it listens", STARTS)
    return found[0]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(ENDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

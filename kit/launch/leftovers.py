"""Remove what servers leave: out of sight at once, off the disk without hurry."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from kit.launch import paths, processes
from kit.launch.instance import RECORD

_DEATH_TAKES = 3.0
_TRASH = "trash"


def sweep(home: Path) -> None:
    """Remove every server that a supervisor which is no more left behind."""
    for directory in [*home.glob(f"{paths.SERVERS}/*"), *home.glob(f"{paths.AHEAD}/*")]:
        record = _record(directory)
        if record.get("backend") == "container":
            subprocess.run(removal(directory.name), check=False)
        processes.clear(directory, _DEATH_TAKES)
        pid = record.get("pid")
        if isinstance(pid, int):
            processes.free_shared_memory({pid})
        discard(home, directory)
    processes.clear(home / _TRASH, _DEATH_TAKES)
    empty_trash(home)


def exist(home: Path) -> bool:
    """Tell whether a server's directory is there; all of them may be removed at this moment."""
    return any(_holds_any(home / name) for name in (paths.SERVERS, paths.AHEAD))


def _holds_any(place: Path) -> bool:
    try:
        with os.scandir(place) as found:
            return any(found)
    except FileNotFoundError:
        return False


def discard(home: Path, directory: Path) -> None:
    """Move a server's directory out of the way; `empty_trash` deletes it."""
    trash = home / _TRASH
    try:
        trash.mkdir(exist_ok=True)
        directory.rename(trash / uuid4().hex)
    except OSError:
        # A full disk may have no room for one more directory.
        shutil.rmtree(directory, ignore_errors=True)


def empty_trash(home: Path) -> None:
    """Delete what was discarded."""
    for trash in home.glob(f"{_TRASH}*"):
        shutil.rmtree(trash, ignore_errors=True)


def emptying(home: Path) -> list[str]:
    """Return the command that deletes what was discarded so far, beside other work."""
    aside = home / f"{_TRASH}-{uuid4().hex}"
    with suppress(FileNotFoundError):
        (home / _TRASH).rename(aside)
    return ["rm", "-rf", str(aside)]


def removal(identity: str) -> list[str]:
    """Return the command that removes the container of the server `identity`."""
    return [sys.executable, "-m", "kit.launch.container", "remove", identity]


def _record(directory: Path) -> dict[str, object]:
    try:
        found = json.loads((directory / RECORD).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def remove_empty(home: Path) -> None:
    """Remove the directories of running servers themselves where they are empty."""
    for name in (paths.SERVERS, paths.AHEAD, _TRASH):
        try:
            os.rmdir(home / name)
        except OSError:
            continue

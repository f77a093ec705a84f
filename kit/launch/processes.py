"""Processes told apart by where they work: each server's working directory is its own."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from glob import glob
from pathlib import Path
from typing import NamedTuple

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_SHARED_MEMORY = Path("/proc/sysvipc/shm")
_IPC_RMID = 0
# PostgreSQL takes such memory while it creates its files, whatever it is told to take later.
_NAMED_MEMORY = "/dev/shm/PostgreSQL."  # noqa: S108
_MOMENT = 0.01


def inside(directory: Path) -> list[int]:
    """List the live processes whose working directory is `directory` or below it."""
    prefix = f"{directory}/"
    return [pid for pid, place in _places() if f"{place}/".startswith(prefix)]


def kill_inside(directory: Path) -> list[int]:
    """Kill every process of the server that lives in `directory`; return those there were.

    What was forked meanwhile, or has not ended yet, is found by asking again. Memory that they
    share by name goes with them.
    """
    found = inside(directory)
    for pid in found:
        for name in _named_memory(pid):
            Path(name).unlink(missing_ok=True)
        send(pid, signal.SIGKILL)
    return found


def clear(directory: Path, patience: float) -> None:
    """Kill what lives in `directory` until nothing does, and free its shared memory."""
    deadline = time.monotonic() + patience
    killed: set[int] = set()
    while (found := kill_inside(directory)) and time.monotonic() < deadline:
        killed.update(found)
        time.sleep(_MOMENT)
    free_shared_memory(killed)


def send(pid: int, number: int) -> None:
    """Signal a process; one that has ended meanwhile, or is not ours, is no error."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def free_shared_memory(creators: Collection[int]) -> None:
    """Remove System V segments that killed processes left; only Linux shows whose they are."""
    _free(lambda segment: segment.creator in creators)


def free_orphaned_memory(owner: int, since: float) -> None:
    """Remove what the account `owner` left without a user since that time (epoch seconds)."""
    _free(lambda segment: segment.owner == owner and segment.made >= int(since))
    left = {name for name in glob(f"{_NAMED_MEMORY}*") if _made(name, owner, since)}
    for pid in _everything() if left else ():
        left.difference_update(_named_memory(pid))
    for name in left:
        Path(name).unlink(missing_ok=True)


def die_with_parent(death: int) -> None:
    """Ask Linux for the signal `death` when the parent dies; other systems cannot do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death)


def open_files(pid: int) -> Iterator[str]:
    """Name what a process has open, as /proc does; nothing where it has ended."""
    gone = (FileNotFoundError, ProcessLookupError)
    with suppress(*gone):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with suppress(*gone):
                yield os.readlink(entry)


def adopt_orphans() -> None:
    """Become the parent of processes that descendants leave behind, so that they are reaped."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _everything() -> Iterator[int]:
    yield from (int(entry) for entry in os.listdir("/proc") if entry.isdigit())


def _named_memory(pid: int) -> Iterator[str]:
    with suppress(OSError), open(f"/proc/{pid}/maps", "rb") as maps:
        for fields in (line.split() for line in maps):
            name = os.fsdecode(fields[-1])
            if name.startswith(_NAMED_MEMORY):
                yield name


def _places() -> Iterator[tuple[int, str]]:
    if sys.platform != "linux":
        yield from _places_elsewhere()
        return
    for pid in _everything():
        try:
            yield pid, os.readlink(f"/proc/{pid}/cwd")
        except OSError:
            continue


def _places_elsewhere() -> Iterator[tuple[int, str]]:
    import psutil

    for process in psutil.process_iter():
        try:
            yield process.pid, process.cwd()
        except psutil.Error:
            continue


def _made(name: str, owner: int, since: float) -> bool:
    try:
        found = os.stat(name)
    except FileNotFoundError:
        return False
    return found.st_uid == owner and found.st_mtime >= since


class _Segment(NamedTuple):
    identity: int
    creator: int
    attached: int
    owner: int
    made: int


def _free(chosen: Callable[[_Segment], bool]) -> None:
    rows = _SHARED_MEMORY.read_text().splitlines()[1:] if _SHARED_MEMORY.exists() else []
    for fields in (line.split() for line in rows):
        segment = _Segment(*(int(fields[column]) for column in (1, 4, 6, 7, 13)))
        if not segment.attached and chosen(segment):
            ctypes.CDLL(None).shmctl(segment.identity, _IPC_RMID, None)

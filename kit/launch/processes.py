"""Processes told apart by where they work: each server's working directory is its own."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_SHARED_MEMORY = Path("/proc/sysvipc/shm")
_IPC_RMID = 0


def inside(directory: Path) -> list[int]:
    """List the live processes whose working directory is `directory` or below it."""
    prefix = f"{directory}/"
    return [pid for pid, place in _places() if f"{place}/".startswith(prefix)]


def kill_inside(directory: Path) -> bool:
    """Kill every process of the server that lives in `directory`; return whether there was one.

    What was forked meanwhile, or has not ended yet, is found by asking again.
    """
    found = inside(directory)
    for pid in found:
        send(pid, signal.SIGKILL)
    return bool(found)


def send(pid: int, number: int) -> None:
    """Signal a process; one that has ended meanwhile, or is not ours, is no error."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def free_shared_memory(creator: int) -> None:
    """Remove System V segments that a killed process left; only Linux shows whose they are."""
    if not _SHARED_MEMORY.exists():
        return
    for line in _SHARED_MEMORY.read_text().splitlines()[1:]:
        fields = line.split()
        segment, made_by, attached = int(fields[1]), int(fields[4]), int(fields[6])
        if made_by == creator and not attached:
            ctypes.CDLL(None).shmctl(segment, _IPC_RMID, None)


def die_with_parent(death: int) -> None:
    """Ask Linux for the signal `death` when the parent dies; other systems cannot do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death)


def adopt_orphans() -> None:
    """Become the parent of processes that descendants leave behind, so that they are reaped."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _places() -> Iterator[tuple[int, str]]:
    if sys.platform != "linux":
        yield from _places_elsewhere()
        return
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                yield int(entry), os.readlink(f"/proc/{entry}/cwd")
            except OSError:
                continue


def _places_elsewhere() -> Iterator[tuple[int, str]]:
    import psutil

    for process in psutil.process_iter():
        try:
            yield process.pid, process.cwd()
        except psutil.Error:
            continue

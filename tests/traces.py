"""What servers leave on a machine, found without asking the kit."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from glob import glob
from pathlib import Path

import psutil

PATIENCE = 30.0
"""Seconds after which a condition is given up; a busy machine needs far fewer."""

_SEGMENTS = Path("/proc/sysvipc/shm")
_NAMED_MEMORY = "/dev/shm/PostgreSQL.*"  # noqa: S108


def await_true(condition: Callable[[], object], what: str, patience: float = PATIENCE) -> float:
    """Wait for a condition; return the seconds that it took, and fail if it never holds."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < patience, f"not within {patience:.0f} s: {what}"
        time.sleep(0.01)
    return time.monotonic() - began


def await_nothing_left(home: Path, patience: float = PATIENCE) -> float:
    """Wait until neither a server's process nor a directory is left; return the seconds.

    Nor may anything be left of what is made ready for the next server.
    """
    began = time.monotonic()
    while left := {**servers(home), **dict.fromkeys([*directories(home), *home.glob("ahead/*")])}:
        assert time.monotonic() - began < patience, f"left after {patience:.0f} s: {left}"
        time.sleep(0.01)
    return time.monotonic() - began


def processes(home: Path) -> dict[int, str]:
    """Return the live processes that work below a kit home, its supervisor included."""
    found = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            place = Path(process.cwd())
            if place.is_relative_to(home) and process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = " ".join(process.cmdline())
    return found


def servers(home: Path) -> dict[int, str]:
    """Return the live processes of servers below a kit home."""
    directories = home / "servers"
    return {pid: line for pid, line in processes(home).items() if _inside(pid, directories)}


def makers(home: Path) -> list[int]:
    """Return the processes that make data ready for the next server."""
    return [pid for pid, line in processes(home).items() if "kit.launch.spare" in line]


def directories(home: Path) -> list[str]:
    """Return the names of the servers' directories."""
    return sorted(path.name for path in home.glob("servers/*"))


def supervisor(home: Path) -> int | None:
    """Return the process that the supervisor's lock names, if it lives."""
    try:
        pid = int((home / "supervisor.lock").read_text())
        alive = psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, psutil.NoSuchProcess):
        return None
    return pid if alive and pid in processes(home) else None


def end_supervisor(home: Path, number: int = signal.SIGTERM) -> None:
    """End the supervisor and wait until it has gone."""
    pid = supervisor(home)
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        await_true(lambda: supervisor(home) != pid, "the supervisor has ended")


def segments() -> dict[int, int]:
    """Return the System V shared memory that nobody is attached to, and the pid that made it."""
    if not _SEGMENTS.exists():
        return {}
    rows = [line.split() for line in _SEGMENTS.read_text().splitlines()[1:]]
    return {int(row[1]): int(row[4]) for row in rows if row[6] == "0"}


def named_memory() -> set[str]:
    """Return the names of the shared memory that PostgreSQL takes while it creates its files."""
    return set(glob(_NAMED_MEMORY))


def unmapped(names: Collection[str]) -> set[str]:
    """Return those names of shared memory that no process maps any more."""
    left = set(names)
    for maps in Path("/proc").glob("[0-9]*/maps") if left else ():
        with suppress(OSError):
            text = maps.read_text()
            left = {name for name in left if name not in text}
    return left


def listens(port: int) -> bool:
    """Tell whether something accepts connections on a port of the loopback interface."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def kit_home() -> Iterator[Path]:
    """Give the kit a home of its own; at the end, fail if it holds anything that outlived it."""
    # A Unix socket's path is short, and servers that refuse root must pass through.
    home = Path(tempfile.mkdtemp(dir="/tmp", prefix="kit-"))
    home.chmod(0o711)
    before, named = set(segments()), named_memory()
    try:
        yield home
        await_nothing_left(home)
        end_supervisor(home)
        await_true(lambda: not processes(home), f"nothing works in {home} any more")
        await_true(lambda: not set(segments()) - before, "shared memory is freed")
        await_true(lambda: not unmapped(named_memory() - named), "named memory is removed")
    finally:
        end_supervisor(home, signal.SIGKILL)
        for pid in processes(home):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(home, ignore_errors=True)


def _inside(pid: int, directory: Path) -> bool:
    with suppress(psutil.Error):
        return Path(psutil.Process(pid).cwd()).is_relative_to(directory)
    return False

"""A limit on the memory that a process and all its children may use together."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kit.launch import processes

BINDER = 2 * 1024**3
"""Bytes that a session on mybinder.org may use, by its documentation: 2 GB."""

_ROOT = Path("/sys/fs/cgroup")
_OLD, _NEW = _ROOT / "memory", _ROOT / "cgroup.controllers"
_LEAVING_TAKES = 30.0


@contextmanager
def capped(limit: int) -> Iterator[tuple[Callable[[], None], str]]:
    """Give what a child calls to be limited to so many bytes, and words for the limit."""
    if _OLD.is_dir():
        place, most = _OLD, "memory.limit_in_bytes"
    elif _NEW.exists() and "memory" in _NEW.read_text():
        place, most = _ROOT, "memory.max"
    else:
        yield lambda: None, "memory not limited: this machine has no control groups for it"
        return
    group = place / f"kit-fresh-{os.getpid()}"
    group.mkdir()
    try:
        (group / most).write_text(str(limit))
        yield lambda: _join(group), f"within {limit / 1024**3:.0f} GB"
    finally:
        _remove(group)


def _join(group: Path) -> None:
    (group / "cgroup.procs").write_text(str(os.getpid()))


def _remove(group: Path) -> None:
    """Remove the group once the last of its processes has ended: a supervisor takes its time.

    Where a step failed, servers may run on that nobody will stop.
    """
    deadline = time.monotonic() + _LEAVING_TAKES
    while left := (group / "cgroup.procs").read_text().split():
        if time.monotonic() > deadline:
            for process in left:
                processes.send(int(process), signal.SIGKILL)
        time.sleep(0.1)
    group.rmdir()

"""A limit on the memory that a process and all its children may use together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

BINDER = 2 * 1024**3
"""Bytes, as in mybinder.org's documentation: at most 2 GB for a session."""
_ROOT = Path("/sys/fs/cgroup")
_OLD, _NEW = _ROOT / "memory", _ROOT / "cgroup.controllers"


@contextmanager
def capped(limit: int) -> Iterator[tuple[Callable[[], None], Callable[[], str]]]:
    """Give what a child calls to be limited to so many bytes, and what says how many it used."""
    name = f"kit-fresh-{os.getpid()}"
    if _OLD.is_dir():
        group, most, used = _OLD / name, "memory.limit_in_bytes", "memory.max_usage_in_bytes"
    elif _NEW.exists() and "memory" in _NEW.read_text():
        group, most, used = _ROOT / name, "memory.max", "memory.peak"
    else:
        yield lambda: None, lambda: "memory not limited: this machine has no such control"
        return
    group.mkdir()
    try:
        (group / most).write_text(str(limit))
        yield (
            lambda: (group / "cgroup.procs").write_text(str(os.getpid())) and None,
            lambda: f"{int((group / used).read_text()) / 1e6:.0f} MB at most",
        )
    finally:
        group.rmdir()

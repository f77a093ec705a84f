"""Run the supervisor: `python -m kit.launch DIRECTORY`."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
import time
from pathlib import Path
from typing import TextIO

from kit.launch import leftovers, processes
from kit.launch.supervisor import Supervisor

_ENDING_TAKES = 1.0


def main() -> None:
    """Detach, take the lock, sweep, serve."""
    home = Path(sys.argv[1])
    if os.fork():
        os._exit(0)
    # Logs and data are nobody else's business.
    os.umask(0o077)
    with open(home / "supervisor.lock", "a") as lock:
        if _taken(lock):
            return
        lock.truncate(0)
        print(os.getpid(), file=lock, flush=True)
        processes.adopt_orphans()
        leftovers.sweep(home)
        asyncio.run(Supervisor(home).serve())
        leftovers.remove_empty(home)


def _taken(lock: TextIO) -> bool:
    """Tell whether another supervisor keeps the lock, giving one that is ending time to go."""
    deadline = time.monotonic() + _ENDING_TAKES
    while time.monotonic() < deadline:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return False
    return True


if __name__ == "__main__":
    main()

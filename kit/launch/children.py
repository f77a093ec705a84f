"""The supervisor's child processes: started, and reaped when they end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kit.launch.spawn import spawn

Ending = Callable[[int], None]
"""Called with the exit code; minus the signal's number where a signal ended the process."""


class Children:
    """Start processes and learn of their ends, adopted orphans among them."""

    def __init__(self) -> None:
        self._endings: dict[int, tuple[subprocess.Popen[bytes], Ending]] = {}

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Reap whatever ends from now on."""
        loop.add_signal_handler(signal.SIGCHLD, self._reap)

    def start(
        self, command: dict[str, Any], directory: Path, log: int, ending: Ending
    ) -> subprocess.Popen[bytes]:
        """Start a server that dies with this process; tell `ending` when it has ended."""
        process = spawn(command, directory, log)
        self._endings[process.pid] = process, ending
        return process

    async def run(self, argv: list[str]) -> None:
        """Run a command to its end."""
        ended = asyncio.Event()
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
        self._endings[process.pid] = process, lambda _: ended.set()
        await ended.wait()

    def _reap(self) -> None:
        while found := _ended():
            pid, code = found
            if pid in self._endings:
                process, ending = self._endings.pop(pid)
                process.returncode = code
                ending(code)


def _ended() -> tuple[int, int] | None:
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, os.waitstatus_to_exitcode(status)) if pid else None

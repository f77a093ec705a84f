"""A command that a server's set-up runs, under the server's own account, to its end."""

from __future__ import annotations

import math
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from kit.databases.base import Database
from kit.errors import StartError, StartTimeout
from kit.launch import processes
from kit.launch.account import Account
from kit.launch.watch import complaints, full, no_space, open_log

_DEATH_TAKES = 3.0


@dataclass(frozen=True)
class Run:
    """Run a command to its end under the server's own account."""

    database: Database
    directory: Path
    who: Account | None
    deadline: float = math.inf

    def __call__(self, argv: Sequence[str | Path], *, stdin: str = "") -> None:
        """Run `argv`; raise StartTimeout, NoSpace, or StartError with what it said last."""
        began = time.time()
        with open_log(self.directory) as output:
            try:
                code = self._wait(self._start(argv, output), stdin)
            except BaseException:
                processes.clear(self.directory, _DEATH_TAKES)
                self._free_memory(began)
                raise
        if code:
            self._free_memory(began)
            log = complaints(self.directory, 8)
            if full(self.directory):
                raise no_space(self.database, log)
            raise StartError(
                f"{self.database.title} could not create its files (exit code {code}). "
                f"What it said:\n{log}\nCheck the disk and the installation: kit doctor"
            )

    def _start(self, argv: Sequence[str | Path], output: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(part) for part in argv],
            cwd=self.directory,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.directory)},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
            user=self.who.uid if self.who else None,
            group=self.who.gid if self.who else None,
            extra_groups=[] if self.who else None,
        )

    def _free_memory(self, since: float) -> None:
        # What crashed may have been a child whose number nobody knows.
        processes.free_orphaned_memory(self.who.uid if self.who else os.getuid(), since)

    def _wait(self, process: subprocess.Popen[bytes], stdin: str) -> int:
        left = None if self.deadline == math.inf else max(0.0, self.deadline - time.monotonic())
        try:
            process.communicate(stdin.encode(), timeout=left)
        except BaseException as error:
            process.kill()
            process.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            raise StartTimeout(
                f"{self.database.title} did not create its files in time. The machine may be "
                "busy: give it longer with kit.start(..., timeout=180)"
            ) from None
        return process.returncode

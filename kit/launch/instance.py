"""One server as the supervisor knows it."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kit.launch import paths, processes

Message = dict[str, Any]
RECORD = "record.json"
_GRACE = 8.0
_MOMENT = 0.002


@dataclass
class Instance:
    """One server, from the moment its name is claimed until nothing of it is left."""

    id: str
    name: str
    backend: str
    asked: Message
    directory: Path
    owner: str
    keep: bool = False
    state: str = "starting"
    facts: Message = field(default_factory=dict)
    command: Message = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    code: int | None = None
    leases: set[str] = field(default_factory=set)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    ending: bool = False
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def describe(self) -> Message:
        """Return what clients may know, the password included: the socket is the user's own."""
        shown = ("id", "name", "backend", "asked", "state", "facts", "keep")
        return {key: getattr(self, key) for key in shown} | {
            "directory": str(self.directory),
            # While it is being ended to start again, it has not ended for good.
            "code": None if self.turn.locked() else self.code,
            "pid": self.process.pid if self.process else None,
            "users": len(self.leases),
        }

    def reserve(self) -> None:
        """Create the directory, or leave nothing."""
        try:
            paths.create(self.directory.parent)
            paths.create(self.directory)
            self.write_record()
        except OSError:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise

    def begin(self, process: subprocess.Popen[bytes]) -> None:
        """Take note of the main process that was just started."""
        self.process, self.code = process, None
        self.ended.clear()
        self.write_record()

    async def end(self, number: int) -> None:
        """Send the main process a signal, kill what has not gone after a while, and its forks."""
        if self.process and self.alive and number != signal.SIGKILL:
            processes.send(self.process.pid, number)
            await self._await_end()
        creators = {self.process.pid} if self.process else set()
        deadline = time.monotonic() + _GRACE
        while (found := processes.kill_inside(self.directory)) and time.monotonic() < deadline:
            creators.update(found)
            await asyncio.sleep(_MOMENT)
        await self._await_end()
        processes.free_shared_memory(creators)

    async def _await_end(self) -> None:
        if self.alive:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.ended.wait(), _GRACE)

    def write_record(self) -> None:
        """Leave on disk what a later supervisor needs to clean up after this one."""
        record = {"backend": self.backend, "pid": self.process.pid if self.process else None}
        (self.directory / RECORD).write_text(json.dumps(record))

    @property
    def alive(self) -> bool:
        """Tell whether the main process runs."""
        return self.process is not None and self.code is None

    @property
    def unused(self) -> bool:
        """Tell whether nobody holds the server any more."""
        return self.state != "starting" and not self.leases and not self.keep


async def send(writer: asyncio.StreamWriter, message: Message) -> None:
    """Write one message; a reader that has gone is no error."""
    try:
        writer.write(json.dumps(message).encode() + b"\n")
        await writer.drain()
    except ConnectionError:
        pass

"""Notice at once that a server died while it was starting, and say why."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import IO

from kit.databases.base import Database
from kit.errors import NoSpace, PortTaken, ServerDied
from kit.launch.lease import Lease

LOG = "log"
_PORT_TAKEN = re.compile(r"address already in use|port.*(already )?in use", re.IGNORECASE)
_NO_SPACE = re.compile(
    r"no space left on device|disk quota exceeded|free disk space|out of disk space", re.IGNORECASE
)
_COMPLAINT = re.compile(r"error|fatal|panic|denied|failed", re.IGNORECASE)
_LONG = 100


class Watch:
    """Look after one server process until it has answered."""

    def __init__(
        self, lease: Lease, identity: str, directory: Path, database: Database, secret: str
    ) -> None:
        self._lease = lease
        self._identity = identity
        self._directory = directory
        self._database = database
        self._secret = secret

    def check(self) -> None:
        """Raise PortTaken, NoSpace or ServerDied if the process has ended."""
        shown = self._lease.call("show", id=self._identity)["instance"]
        if shown["code"] is None:
            return
        log = tail(self._directory, 12)
        log = log.replace(self._secret, "***") if self._secret else log
        if _PORT_TAKEN.search(log):
            raise PortTaken(
                f"{self._database.title} found its port taken by another program:\n{log}\n"
                "See which programs listen: ss -ltnp"
            )
        if full(self._directory):
            raise no_space(self._database, log)
        raise ServerDied(
            f"{self._database.title} ended while it was starting (exit code {shown['code']}). "
            f"Check the settings= that you gave it. What it said last:\n{log}"
        )


def full(directory: Path) -> bool:
    """Tell whether a server's log speaks of a full disk."""
    return _NO_SPACE.search(tail(directory, _LONG)) is not None


def no_space(database: Database, log: str) -> NoSpace:
    """Describe a server that found the disk full."""
    return NoSpace(
        f"{database.title} found no space on the disk:\n{log}\n"
        "Free some space, or name another directory: export KIT_HOME=/path/with/space"
    )


def complaints(directory: Path, lines: int) -> str:
    """Return what a log complains of, or its last lines where it complains of nothing."""
    said = tail(directory, _LONG).splitlines()
    found = [line for line in said if _COMPLAINT.search(line)]
    return "\n".join(found[:lines] or said[-lines:])


def open_log(directory: Path) -> IO[bytes]:
    """Open a server's log to add to it; nobody else may read it."""
    return open(directory / LOG, "ab", opener=lambda path, flags: os.open(path, flags, 0o600))


def tail(directory: Path, lines: int) -> str:
    """Return the last lines of a server's log."""
    try:
        with open(directory / LOG, "rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 400 * lines))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""

"""Under which account a server runs that refuses to be root."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kit.databases.base import Database
from kit.errors import MissingError, NoSpace

_PREFERRED = ("nobody",)


@dataclass(frozen=True)
class Account:
    """A system account, by number."""

    uid: int
    gid: int


def for_database(database: Database) -> Account | None:
    """Return the account to drop to, or None where the server runs as the present user."""
    if os.getuid() != 0 or not database.refuses_root:
        return None
    return _unprivileged()


def barrier(path: Path, account: Account | None) -> Path | None:
    """Return the first place on the way to `path` that is closed to the account, if any is.

    Without an account nothing is: the present user found the path.
    """
    way = [*reversed(path.parents), path] if account else []
    return next((place for place in way if not place.stat().st_mode & stat.S_IXOTH), None)


def check_reach(directory: Path, account: Account | None) -> None:
    """Raise NoSpace if a directory on the way to `directory` is closed to the account."""
    if place := barrier(directory, account):
        raise NoSpace(
            f"This server refuses to run as root, and {place} is closed to the account that "
            "it runs as instead. Name another directory: export KIT_HOME=/tmp/kit"
        )


def give(path: Path, account: Account | None) -> None:
    """Hand a file or directory to the account that the server runs under."""
    if account:
        os.chown(path, account.uid, account.gid)


@cache
def _unprivileged() -> Account:
    for name in _PREFERRED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise MissingError(
        "This server refuses to run as root, and there is no account `nobody` to run it as. "
        "Start JupyterLab as an ordinary user."
    )

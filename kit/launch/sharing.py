"""A server that others use as well: who the learner is, and what a lesson may not do to it."""

from __future__ import annotations

import getpass
import os
import re
import socket
from zlib import crc32

from kit.errors import Unsupported

LEARNER = "KIT_LEARNER"
"""The environment variable that names a learner where user and machine do not tell them apart."""

_LONGEST = 24


def learner() -> str:
    """Return a short name of whoever learns here: given, or made of the user and the machine."""
    given = os.environ.get(LEARNER)
    name = given or f"{_user()}-{crc32(socket.gethostname().encode()):08x}"
    plain = re.sub(r"[^A-Za-z0-9_.-]", "-", name)
    if plain == name and len(name) <= _LONGEST:
        return name
    # Two names that look alike once they are made plain and short must stay two.
    return f"{plain[: _LONGEST - 9]}-{crc32(name.encode()):08x}"


def own(database: str, also: str = "") -> str:
    """Write the call that starts a server of one's own."""
    options = ", ".join(filter(None, [f'"{database}"', 'backend="process"', 'name="mine"', also]))
    return f"kit.start({options})"


def refusal(database: str, does: str) -> Unsupported:
    """Return the error for a lesson that `does` something to a server that others use."""
    return Unsupported(
        f"This lesson {does}, and others may be using this server. "
        f"Start one of your own for it: {own(database)}"
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        return str(os.getuid())

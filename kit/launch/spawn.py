"""How a server's process is started: spelled by whoever wants it, done by whoever keeps it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from kit.databases.base import Command, Site
from kit.launch import processes
from kit.launch.account import Account
from kit.launch.instance import Message


def spell(command: Command, site: Site, who: Account | None) -> Message:
    """Spell the command as `spawn` wants it."""
    base = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(site.directory),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }
    return {
        "argv": list(command.argv),
        "env": base | dict(command.env),
        "stop": int(command.stop),
        "quit": int(command.quit),
        "account": [who.uid, who.gid] if who else None,
    }


def spawn(spelled: Message, directory: Path, log: int) -> subprocess.Popen[bytes]:
    """Start a server; on Linux it ends with this process, however this process ends."""
    argv, options = (_bound if _setpriv() else _bound_by_hand)(spelled)
    return subprocess.Popen(
        argv,
        cwd=directory,
        env=spelled["env"],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        # The Interrupt button signals the kernel's whole process group.
        start_new_session=True,
        **options,
    )


def _bound(spelled: Message) -> tuple[list[str], dict[str, Any]]:
    # A fork that runs Python before it turns into the server takes 5 ms longer.
    death = signal.Signals(spelled["quit"]).name.removeprefix("SIG")
    account = []
    if spelled["account"]:
        uid, gid = spelled["account"]
        account = [f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
    return [str(_setpriv()), f"--pdeathsig={death}", *account, "--", *spelled["argv"]], {}


def _bound_by_hand(spelled: Message) -> tuple[list[str], dict[str, Any]]:
    uid, gid = spelled["account"] or (None, None)
    return spelled["argv"], {
        # Set after the change of account, which would clear it.
        "preexec_fn": lambda: processes.die_with_parent(spelled["quit"]),
        "user": uid,
        "group": gid,
        "extra_groups": [] if spelled["account"] else None,
    }


@cache
def _setpriv() -> str | None:
    """Find the program of util-linux; BusyBox has one of its name that lacks --pdeathsig."""
    found = shutil.which("setpriv") if sys.platform == "linux" else None
    return found if found and Path(found).resolve().name == "setpriv" else None

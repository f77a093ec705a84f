"""This process's side of the supervisor: requests, the lease, and news of servers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from kit.errors import NoSpace, ServerGone, StartError, SupervisorError
from kit.launch import paths
from kit.launch.instance import Message

Listener = Callable[[str], None]
_START_TAKES = 15.0
_ANSWER_TAKES = 40.0


class Lease:
    """One connection that keeps this process's servers alive, and one more for each request."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.client = uuid4().hex
        self._listeners: dict[str, list[Listener]] = {}
        self._held: socket.socket | None = None
        self._guard = threading.Lock()
        os.register_at_fork(after_in_child=self._forget)

    def call(self, op: str, **fields: Any) -> Message:
        """Ask the supervisor; raise ServerGone, StartError or SupervisorError."""
        answer = self._ask({"op": op, **fields})
        if answer.get("error") == "gone":
            raise ServerGone(
                "This server is no longer there: it was stopped, or the process that kept it was "
                "killed. Start a fresh one with kit.start(...)."
            )
        if answer.get("error") == "system":
            raise _system_error(self.home, answer)
        return answer

    def claim(self, **fields: Any) -> Message:
        """Attach to a server by name, or reserve its name, holding a lease on it."""
        self._hold()
        return self.call("claim", client=self.client, **fields)

    def listen(self, identity: str, listener: Listener) -> Callable[[], None]:
        """Call `listener(state)` from a thread when the state changes; return the way out."""
        listeners = self._listeners.setdefault(identity, [])
        listeners.append(listener)
        return lambda: listeners.remove(listener) if listener in listeners else None

    def _ask(self, message: Message) -> Message:
        for _ in range(3):
            with self._connect() as connection:
                try:
                    return _exchange(connection, message)
                except (ConnectionError, ValueError):
                    continue
        raise SupervisorError(
            "The process that keeps servers alive closed the connection three times. "
            f"See {self.home / 'supervisor.log'}, then try again."
        )

    def _connect(self) -> socket.socket:
        connection = _dial(self.home)
        deadline = time.monotonic() + _START_TAKES
        while connection is None:
            started = time.monotonic()
            start_supervisor(self.home)
            while connection is None and time.monotonic() - started < 1.5:
                time.sleep(0.005)
                connection = _dial(self.home)
            if connection is None and time.monotonic() > deadline:
                raise SupervisorError(
                    "The process that keeps servers alive did not start. "
                    f"See {self.home / 'supervisor.log'}, then try again."
                )
        return connection

    def _hold(self) -> None:
        with self._guard:
            if self._held is not None:
                return
            connection = self._connect()
            connection.settimeout(_ANSWER_TAKES)
            _send(connection, {"op": "lease", "client": self.client})
            news = connection.makefile("r")
            news.readline()
            connection.settimeout(None)
            self._held = connection
            threading.Thread(
                target=self._follow, args=(connection, news), name="kit-lease", daemon=True
            ).start()

    def _follow(self, connection: socket.socket, news: Any) -> None:
        with suppress(OSError, ValueError):
            for line in news:
                message = json.loads(line)
                self._tell(message["id"], message["event"])
        with self._guard:
            if self._held is not connection:
                return
            self._held = None
        connection.close()
        for identity in list(self._listeners):
            self._tell(identity, "stopped")
        # The next supervisor sweeps up what this one, killed, could not.
        with suppress(OSError):
            start_supervisor(self.home)

    def _tell(self, identity: str, state: str) -> None:
        for listener in list(self._listeners.get(identity, [])):
            listener(state)

    def _forget(self) -> None:
        """Close the child's copy of the connection, which would outlive this process's lease."""
        if self._held is not None:
            self._held.close()
        self._held = None
        self._guard = threading.Lock()
        self._listeners = {}
        self.client = uuid4().hex


_leases: dict[Path, Lease] = {}


def current() -> Lease:
    """Return this process's lease on the directory of running servers."""
    home = paths.ensure_home()
    return _leases.setdefault(home, Lease(home)) if home not in _leases else _leases[home]


def supervised() -> bool:
    """Tell whether a supervisor is running, without starting one."""
    connection = _dial(paths.home())
    if connection is None:
        return False
    connection.close()
    return True


def start_supervisor(home: Path) -> None:
    """Start a supervisor; one that finds another at work ends by itself."""
    package = Path(__file__).parents[2]
    keep = ("PATH", "HOME", "LANG", "DOCKER_HOST", "XDG_RUNTIME_DIR", "TMPDIR")
    env = {key: os.environ[key] for key in keep if key in os.environ}
    env["PYTHONPATH"] = str(package)
    with open(home / "supervisor.log", "ab") as log:
        starter = subprocess.Popen(
            [sys.executable, "-m", "kit.launch", str(home)],
            cwd=home,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    starter.wait()


def _dial(home: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(paths.socket_path(home)))
    except OSError:
        connection.close()
        return None
    return connection


def _send(connection: socket.socket, message: Message) -> None:
    connection.sendall(json.dumps(message).encode() + b"\n")


def _exchange(connection: socket.socket, message: Message) -> Message:
    connection.settimeout(_ANSWER_TAKES)
    _send(connection, message)
    with connection.makefile("r") as answer:
        found: Message = json.loads(answer.readline())
    return found


def _system_error(home: Path, answer: Message) -> StartError:
    import errno

    if answer["errno"] in {errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT}:
        return NoSpace(
            f"{home} cannot be written: {answer['text']}. "
            "Free some space, or name another directory: export KIT_HOME=/path/with/space"
        )
    return StartError(f"The server could not be started: {answer['text']}. Try: kit doctor")

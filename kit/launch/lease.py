"""This process's side of the supervisor: requests, the lease, and news of servers."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from kit.errors import ServerGone, SupervisorError
from kit.launch import leftovers, paths
from kit.launch.instance import Message

Listener = Callable[[str], None]
_START_TAKES = 15.0
_ANSWER_TAKES = 40.0
_MOMENT = 0.005
_ROOM = 4096


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
            raise paths.failure(self.home, OSError(answer["errno"], answer["text"]))
        return answer

    def claim(self, **fields: Any) -> Message:
        """Find the server of a name, or reserve the name; this process's lease is held."""
        while True:
            self._hold()
            answer = self.call("claim", client=self.client, **fields)
            if answer["claim"] != "unheld":
                return answer
            # The supervisor that knew this lease has gone; the thread is about to notice.
            time.sleep(_MOMENT)

    def abandon(self, identity: str) -> None:
        """Give back what was reserved under `identity`, if anything was."""
        message = {"op": "abandon", "identity": identity}
        # Impatience interrupts twice; the second time must not stop the tidying.
        thread = threading.Thread(target=self._tell_once, args=(message,), name="kit-abandon")
        thread.start()
        thread.join()

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
                except TimeoutError:
                    break
                except (ConnectionError, ValueError):
                    continue
        raise self._silent()

    def _tell_once(self, message: Message) -> None:
        # Where no supervisor is left, nothing is reserved.
        if connection := _dial(self.home):
            with connection, suppress(OSError, ValueError):
                _exchange(connection, message)

    def _connect(self) -> socket.socket:
        connection = _dial(self.home)
        deadline = time.monotonic() + _START_TAKES
        while connection is None:
            started = time.monotonic()
            try:
                start_supervisor(self.home)
            except OSError as error:
                raise paths.failure(self.home, error) from None
            while connection is None and time.monotonic() - started < 1.5:
                time.sleep(_MOMENT)
                connection = _dial(self.home)
            if connection is None and time.monotonic() > deadline:
                raise self._silent()
        return connection

    def _hold(self) -> None:
        with self._guard:
            attempts = 0
            while self._held is None:
                attempts += 1
                if attempts > 3:
                    raise self._silent()
                self._held = self._open()

    def _open(self) -> socket.socket | None:
        connection = self._connect()
        news = connection.makefile("r")
        connection.settimeout(_ANSWER_TAKES)
        try:
            _send(connection, {"op": "lease", "client": self.client})
            held = bool(news.readline())
        except OSError:
            held = False
        if not held:
            news.close()
            connection.close()
            return None
        connection.settimeout(None)
        threading.Thread(
            target=self._follow, args=(connection, news), name="kit-lease", daemon=True
        ).start()
        return connection

    def _follow(self, connection: socket.socket, news: Any) -> None:
        with suppress(OSError, ValueError):
            for line in news:
                message = json.loads(line)
                self._tell(message["id"], message["event"])
        with self._guard:
            self._held = None
        news.close()
        connection.close()
        for identity in list(self._listeners):
            self._tell(identity, "stopped")
        if leftovers.exist(self.home):
            # The next supervisor removes what this one, killed, could not.
            with suppress(OSError):
                start_supervisor(self.home)

    def _tell(self, identity: str, state: str) -> None:
        for listener in list(self._listeners.get(identity, [])):
            try:
                listener(state)
            except Exception:
                logging.getLogger(__name__).exception("A listener failed at the news %r", state)
        if state == "stopped":
            self._listeners.pop(identity, None)

    def _forget(self) -> None:
        """Close the child's copy of the connection, which would outlive this process's lease."""
        if self._held is not None:
            # To close the socket would wait for the file that reads from it.
            os.close(self._held.detach())
        self._held = None
        self._guard = threading.Lock()
        self._listeners = {}
        self.client = uuid4().hex

    def _silent(self) -> SupervisorError:
        return SupervisorError(
            "The process that keeps servers alive does not answer. "
            f"See {self.home / 'supervisor.log'}, then try again."
        )


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
    # A supervisor without room for a few bytes could not even say so.
    with tempfile.TemporaryFile(dir=home) as probe:
        probe.write(bytes(_ROOM))
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

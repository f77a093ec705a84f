"""One small process beside each container, so that the supervisor knows it like any other server.

It copies what the server writes into the log, and ends with the container's exit code. Where a
server is started again, it starts the container, too. Signals pass the supervisor's wishes on:

    SIGINT     stop the server in good order
    SIGUSR1    end it as a crash would
    SIGTERM    remove the container and its volumes; also sent when the supervisor itself is killed
"""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, NoReturn

from kit.errors import EngineMissing
from kit.launch import engine

if TYPE_CHECKING:
    from kit.launch.instance import Message

STOP, CRASH, REMOVE = signal.SIGINT, signal.SIGUSR1, signal.SIGTERM
HOME = "kit.home"
_INSTANCE = "kit.instance"
_NOTE = "container.json"
_PRESENT = "kept"
_MOMENT = 0.01
# Shorter than the supervisor's patience.
_GRACE = 6
# A caller that was killed may have left a request for a container under way.
_CREATION_TAKES = 3.0
_REMOVAL_TAKES = 5.0
_LOG_ENDS = 2.0
_SILENT = (OSError, ValueError, http.client.HTTPException)


def labels(home: Path, identity: str) -> dict[str, str]:
    """Return the labels by which the containers of one kit home are known."""
    return {HOME: _name(home), _INSTANCE: identity}


def note(directory: Path, where: Path, container: str, network: str = "") -> None:
    """Leave word in a server's directory of its engine, its network and, once made, its container.

    What is written last must be whole: others read it to see which networks are needed.
    """
    draft = directory / f"{_NOTE}.new"
    draft.write_text(json.dumps([str(where), container, network]))
    draft.replace(directory / _NOTE)


def withdraw(directory: Path) -> None:
    """Take the note back: there is nothing to remove."""
    (directory / _NOTE).unlink(missing_ok=True)


def command() -> Message:
    """Return the command that keeps the container noted in its working directory."""
    return {
        "argv": [sys.executable, "-m", __name__],
        "env": {"PYTHONPATH": str(Path(__file__).parents[2])},
        "stop": int(STOP),
        "quit": int(REMOVE),
        "account": None,
    }


def check_present(directory: Path) -> None:
    """Raise OSError until the keeper is ready to take signals."""
    (directory / _PRESENT).stat()


def sweep(home: Path, where: Path) -> None:
    """Remove the containers of this kit home whose servers are no more.

    What an engine does not do now is left to the next start.
    """
    with suppress(*_SILENT):
        for found in engine.labelled(where, f"{HOME}={_name(home)}"):
            if not (home / "servers" / found["Labels"].get(_INSTANCE, "?")).is_dir():
                remove(where, found["Id"])
        for network in engine.labelled(where, f"{HOME}={_name(home)}", what="networks"):
            with networks(home):
                _release(home / "servers", where, network["Name"])


@contextmanager
def networks(home: Path) -> Iterator[None]:
    """Let nobody else make or remove a network of this kit home meanwhile."""
    with open(home / "networks.lock", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def remove(where: Path, container: str) -> None:
    """Remove a container, running or not, with its volumes; one that is gone is no error."""
    deadline = time.monotonic() + _REMOVAL_TAKES
    path = f"/containers/{container}?force=true&v=true"
    # 409: somebody else is removing it.
    while engine.call(where, "DELETE", path)[0] == 409 and time.monotonic() < deadline:
        time.sleep(0.05)


def remove_noted(directory: Path) -> None:
    """Remove the container that a server's directory tells of; the next sweep does what fails."""
    found = _read(directory)
    if not found:
        return
    where, container, network = found
    try:
        # The next supervisor waits for this.
        engine.check(where, patience=2.0)
        for one in [container] if container else _await(where, directory.name):
            remove(where, one)
        withdraw(directory)
        if network:
            with networks(directory.parent.parent):
                _release(directory.parent, where, network)
    except (*_SILENT, EngineMissing) as error:
        _say(f"The container of {directory.name} could not be removed: {error}")


def main(directory: Path) -> NoReturn:
    """Keep the container that `directory` tells of until it ends."""
    _on(STOP, lambda: _ask(directory, f"stop?t={_GRACE}"))
    _on(CRASH, lambda: _ask(directory, "kill"))
    _on(REMOVE, lambda: _end(directory))
    # Whoever makes a container starts it; it may have ended since, and is not to be revived.
    again = (directory / _PRESENT).exists()
    (directory / _PRESENT).touch()
    where, container = _await_note(directory)
    path = f"/containers/{container}"
    try:
        since = _start(where, path) if again else 0
        # Not every log driver closes the log of a container that has ended: docker/for-linux#575.
        copying = Thread(target=_copy_log, args=(where, path, since), daemon=True)
        copying.start()
        _, ended = engine.call(where, "POST", f"{path}/wait", timeout=None)
        copying.join(_LOG_ENDS)
        os._exit(int(ended["StatusCode"]) & 0xFF)
    except (*_SILENT, TypeError, LookupError) as error:
        sys.exit(f"The container engine went away: {error}")


def _await_note(directory: Path) -> tuple[Path, str]:
    """Wait until there is a container: it is made while the keeper gets ready."""
    while True:
        found = _read(directory)
        if found and found[1]:
            return found[:2]
        time.sleep(_MOMENT)


def _start(where: Path, path: str) -> float:
    """Start the container, and say from when on its log is new."""
    begin = time.time()
    status, said = engine.call(where, "POST", f"{path}/start")
    if status >= 400:
        sys.exit(f"The container engine refused to start it: {said['message']}")
    # 304: it ran on, and what it wrote meanwhile has not been copied.
    return 0 if status == 304 else begin


def _copy_log(where: Path, path: str, since: float) -> None:
    asked = f"{path}/logs?follow=true&stdout=true&stderr=true&since={since:.6f}"
    with suppress(*_SILENT), engine.request(where, "GET", asked, timeout=None) as answer:
        # Each piece comes after a header: which stream, and how many bytes.
        while answer.status == 200 and (header := answer.read(8)):
            sys.stdout.buffer.write(answer.read(int.from_bytes(header[4:], "big")))
            sys.stdout.flush()


def _on(number: signal.Signals, action: Callable[[], object]) -> None:
    def act(*_: object) -> None:
        try:
            action()
        except _SILENT as error:
            _say(f"The container engine went away: {error}")
            os._exit(1)

    signal.signal(number, act)


def _ask(directory: Path, wish: str) -> None:
    if found := _read(directory):
        where, container, _ = found
        engine.call(where, "POST", f"/containers/{container}/{wish}")


def _end(directory: Path) -> NoReturn:
    remove_noted(directory)
    # The main program is in the middle of a request that nobody wants any more.
    os._exit(0)


def _await(where: Path, identity: str) -> Sequence[str]:
    deadline = time.monotonic() + _CREATION_TAKES
    while time.monotonic() < deadline:
        if found := engine.labelled(where, f"{_INSTANCE}={identity}"):
            return [one["Id"] for one in found]
        time.sleep(0.05)
    return []


def _release(servers: Path, where: Path, network: str) -> None:
    """Remove a network that no server has a note of: one that is down needs its place still."""
    notes = map(_read, servers.glob("*"))
    if network not in {found[2] for found in notes if found}:
        engine.call(where, "DELETE", f"/networks/{network}")


def _read(directory: Path) -> tuple[Path, str, str] | None:
    try:
        where, container, network = json.loads((directory / _NOTE).read_text())
    except (OSError, ValueError):
        return None
    return Path(where), container, network


def _name(home: Path) -> str:
    # Machines that share an engine spare each other's containers.
    return f"{platform.node()}:{home}"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(Path.cwd())

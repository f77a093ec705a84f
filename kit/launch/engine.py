"""Find the container engine of this machine, speak to it, and put its refusals into words.

Docker's and Podman's engines answer the same requests on a Unix socket. An engine elsewhere is of
no use: the kit reaches its servers on this machine's loopback interface. Looking for an engine and
the few requests of the keepers do without its library, which takes a third of a second to load.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kit.errors import EngineMissing, NoSpace, PortTaken, StartError
from kit.launch import sockets

PATIENCE = 60
"""Seconds that one request of the library may take."""

_PORT_TAKEN = re.compile(r"address already in use|port is already allocated", re.IGNORECASE)
_NO_SPACE = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_OTHERWISE = 'use local processes instead: kit.start(..., backend="process")'


def answers() -> bool:
    """Tell whether an engine answers on one of its sockets."""
    return any(_state(path, patience=2.0) == "answers" for path in sockets.possible())


def find() -> Path:
    """Return the socket of the engine that answers; raise EngineMissing if there is none."""
    for path in sockets.possible():
        # An engine that is started by the first request takes its time.
        if _state(path, patience=15.0) == "answers":
            return path
    raise explain()


def check(where: Path, *, patience: float = 15.0) -> None:
    """Raise EngineMissing unless the engine at `where` answers within `patience` seconds."""
    state = _state(where, patience=patience)
    if state == "closed":
        raise _closed(where)
    if state != "answers":
        raise _silent(where)


def explain() -> EngineMissing:
    """Say why no engine can be used, and what to type."""
    states = [(path, _state(path, patience=2.0)) for path in sockets.possible()]
    for path, state in states:
        if state == "closed":
            return _closed(path)
        if state == "silent":
            return _silent(path)
    named = sockets.named()
    if named and not states:
        return EngineMissing(
            f"The container engine named by DOCKER_HOST or the Docker context is reached by "
            f"{named.partition(':')[0]}, and the kit needs one on this machine. "
            f"Leave it for this session: unset DOCKER_HOST; docker context use default, "
            f"or {_OTHERWISE}"
        )
    where = f"at {states[0][0]}" if named else "on this machine"
    return EngineMissing(
        f"There is no container engine {where}. Install Docker or Podman, or {_OTHERWISE}"
    )


def call(where: Path, method: str, path: str, *, timeout: float | None = 20.0) -> tuple[int, Any]:
    """Send one request; return the status and what the engine answered.

    `timeout` is in seconds, None waits for ever. Raise OSError or http.client.HTTPException when
    the engine does not answer.
    """
    with request(where, method, path, timeout=timeout) as answer:
        text = answer.read()
        return answer.status, json.loads(text) if text.strip() else None


@contextmanager
def request(
    where: Path, method: str, path: str, *, timeout: float | None
) -> Iterator[http.client.HTTPResponse]:
    """Send one request; yield the answer while it comes in."""
    connection = _Connection(where, timeout)
    try:
        connection.request(method, path)
        yield connection.getresponse()
    finally:
        connection.close()


def labelled(where: Path, label: str, *, what: str = "containers/json") -> list[dict[str, Any]]:
    """List the containers, running or not, or the networks, that carry `label` (as name=value)."""
    filters = quote(json.dumps({"label": [label]}))
    status, found = call(where, "GET", f"/{what}?all=true&filters={filters}")
    return list(found) if status == 200 else []


@contextmanager
def client(where: Path) -> Iterator[Any]:
    """Open the library's client; what the engine refuses is raised in the kit's words."""
    import docker

    with told(where):
        opened = docker.DockerClient(
            base_url=f"unix://{where}", version=version(where), timeout=PATIENCE
        )
        try:
            yield opened
        finally:
            opened.close()


def version(where: Path) -> str | None:
    """Return the newest version of its interface that the engine speaks, where it tells.

    The library would ask by `GET /version`, for which Docker asks its own parts: 10 ms more.
    """
    silent = (OSError, http.client.HTTPException)
    with suppress(*silent), request(where, "GET", "/_ping", timeout=PATIENCE) as answer:
        return answer.getheader("Api-Version")
    return None


@contextmanager
def told(where: Path) -> Iterator[None]:
    """Turn the library's errors into PortTaken, NoSpace, StartError or EngineMissing."""
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException

    try:
        yield
    except APIError as error:
        raise _refusal(str(error.explanation or error)) from None
    except (DockerException, RequestException) as error:
        raise _broken_off(where, error) from None


def lacks_space(said: str) -> bool:
    """Tell whether an engine or a server complains of a full disk."""
    return bool(_NO_SPACE.search(said))


def first_line(said: str) -> str:
    """Return the first line of what an engine said."""
    return (said.strip().splitlines() or ["it gave no reason"])[0]


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, where: Path, timeout: float | None) -> None:
        super().__init__("engine", timeout=timeout)
        self._where = str(where)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._where)


def _state(path: Path, *, patience: float) -> str:
    """Return answers, absent, closed (no permission) or silent."""
    try:
        with request(path, "GET", "/_ping", timeout=patience) as answer:
            return "answers" if answer.status == 200 else "silent"
    except FileNotFoundError:
        return "absent"
    except PermissionError:
        # The folder of another user's socket is closed as well, and says nothing of an engine.
        return "closed" if os.path.exists(path) else "absent"
    except (OSError, ValueError, http.client.HTTPException):
        return "silent"


def _refusal(said: str) -> StartError:
    first = first_line(said)
    if _PORT_TAKEN.search(said):
        return PortTaken(f"The container engine found the port taken: {first}")
    if lacks_space(said):
        return NoSpace(
            f"The container engine found no space: {first}. "
            "Free some where it keeps its data: docker system df, docker system prune"
        )
    return StartError(f"The container engine refused: {first}. See its own view: docker ps -a")


def _broken_off(where: Path, error: Exception) -> EngineMissing:
    if _state(where, patience=2.0) == "answers":
        return EngineMissing(
            f"The container engine at {where} broke off a request: {first_line(str(error))}. "
            f"Try again, or {_OTHERWISE}"
        )
    return _silent(where)


def _closed(where: Path) -> EngineMissing:
    return EngineMissing(
        f"A container engine is here, but {where} is closed to you. "
        f"Join its group and log in again: sudo usermod -aG docker $USER, or {_OTHERWISE}"
    )


def _silent(where: Path) -> EngineMissing:
    return EngineMissing(
        f"The container engine at {where} does not answer. "
        f"Start it: {_how_to_start(where)}, or {_OTHERWISE}"
    )


def _how_to_start(path: Path) -> str:
    if sys.platform == "darwin":
        return "open -a Docker"
    if path.name == "podman.sock":
        return "systemctl --user start podman.socket"
    return "sudo systemctl start docker"

"""The external backend: a server that somebody else runs."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from dataclasses import asdict
from urllib.parse import quote

from kit import databases
from kit.databases.base import Database
from kit.databases.endpoint import Endpoint
from kit.errors import ConnectionRefused, KitError, Unsupported
from kit.launch import proxies
from kit.launch.instance import Message
from kit.launch.request import Request, matches
from kit.launch.server import Server
from kit.launch.sharing import learner, own

# Drivers try for up to a minute; what does not answer by now is not there.
_PATIENCE = 8.0


class ExternalControl:
    """Know a server, and leave it alone."""

    def __init__(self, facts: Message) -> None:
        self._facts = facts

    def state(self) -> str:
        return "running"

    def facts(self) -> Message:
        return self._facts

    def logs(self, lines: int) -> str:
        return "The log of an external server is kept where that server runs."

    def restart(self, timeout: float) -> None:
        raise self._refusal("restarted")

    def stop(self) -> None:
        """Leave the server running, and take away what the learner put there."""
        database = databases.get(self._facts["database"])
        database.vacate(Endpoint(**self._facts["endpoint"]))

    def kill(self) -> None:
        raise self._refusal("killed")

    def read(self, name: str) -> str:
        raise self._refusal("configured")

    def write(self, name: str, text: str) -> None:
        raise self._refusal("configured")

    def listen(self, listener: Callable[[str], None]) -> Callable[[], None]:
        return lambda: None

    def _refusal(self, done: str) -> Unsupported:
        return Unsupported(
            f"An external server is not {done} by the kit: others may be using it. "
            f"For this lesson start one of your own: {own(self._facts['database'])}"
        )


def wanted(request: Request) -> bool:
    """Tell whether the request is for an external server.

    KIT_<NAME>_URL stands for the server that goes by the database's own name; further servers,
    for replicas and rings, are the kit's own, and so is one that is asked for by own=True.
    """
    if request.url or request.backend == "external":
        return True
    auto = request.backend == "auto" and not request.own
    usual = auto and request.name == request.database.name
    return usual and bool(os.environ.get(_variable(request.database)))


def attach(request: Request) -> Server:
    """Connect to an external server; raise ConnectionRefused if it cannot be reached."""
    proxies.bypass()
    database = request.database
    endpoint = database.parse(_address(request))
    if request.settings:
        raise Unsupported(
            "settings= cannot change an external server: that is for those who run it. "
            f"Start one of your own: {own(database.name, 'settings=...')}"
        )
    product, version = _introduce(database, endpoint, min(request.timeout, _PATIENCE))
    if not matches(version, request.version):
        raise Unsupported(
            f"The external {database.title} is {product} {version}, not {request.version}. "
            f"Leave version= out, or start one of your own: {own(database.name)}"
        )
    endpoint = _roomed(database, endpoint)
    facts = {
        "database": database.name,
        "product": product,
        "version": version,
        "endpoint": asdict(endpoint),
        "port": endpoint.port,
        "note": database.room(endpoint),
    }
    return Server(ExternalControl(facts), name=request.name, backend="external")


def _roomed(database: Database, endpoint: Endpoint) -> Endpoint:
    try:
        return database.confine(endpoint, learner())
    except KitError:
        raise
    except Exception as error:  # each driver has errors of its own
        raise _refused(database, endpoint, error) from None


def _address(request: Request) -> str:
    variable = _variable(request.database)
    url = request.url or os.environ.get(variable)
    if not url:
        raise Unsupported(
            f"No external {request.database.title} is known. Give its address: "
            f'kit.start("{request.database.name}", url="...") or export {variable}=...'
        )
    return url


def _introduce(database: Database, endpoint: Endpoint, patience: float) -> tuple[str, str]:
    answers: queue.SimpleQueue[tuple[str, str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            database.reach(endpoint, patience)
            answers.put(database.introduce(endpoint))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, name="kit-external", daemon=True).start()
    try:
        answer = answers.get(timeout=patience)
    except queue.Empty:
        answer = TimeoutError(f"it did not answer within {patience:.0f} s")
    if isinstance(answer, Exception):
        raise _refused(database, endpoint, answer)
    return answer


def _refused(database: Database, endpoint: Endpoint, error: Exception) -> ConnectionRefused:
    said = next(iter(str(error).strip().splitlines()), type(error).__name__)
    for secret in {endpoint.password, quote(endpoint.password, safe="")} - {""}:
        said = said.replace(secret, "***")
    return ConnectionRefused(
        f"{database.title} at {endpoint.host}:{endpoint.port} did not let us in: {said}. "
        f"Check host, port, user and password in the address (url= or {_variable(database)})."
    )


def _variable(database: Database) -> str:
    return f"KIT_{database.name.upper()}_URL"

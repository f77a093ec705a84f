"""The external backend: a server that somebody else runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict

from kit.errors import ConnectionRefused, KitError, Unsupported
from kit.launch import ready
from kit.launch.instance import Message
from kit.launch.request import Request
from kit.launch.server import Server


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
        raise _refusal("restarted")

    def stop(self) -> None:
        return

    def kill(self) -> None:
        raise _refusal("killed")

    def listen(self, listener: Callable[[str], None]) -> Callable[[], None]:
        return lambda: None


def address(request: Request) -> str | None:
    """Return the external server's URL: the argument, or KIT_<NAME>_URL."""
    return request.url or os.environ.get(f"KIT_{request.database.name.upper()}_URL") or None


def attach(request: Request) -> Server:
    """Connect to an external server; raise ConnectionRefused if it cannot be reached."""
    database = request.database
    url = address(request)
    if not url:
        variable = f"KIT_{database.name.upper()}_URL"
        raise Unsupported(
            f"No external {database.title} is known. Give its address: "
            f'kit.start("{database.name}", url="...") or export {variable}=...'
        )
    endpoint = database.parse(url)
    try:
        product, version = ready.introduce(database, endpoint)
    except KitError:
        raise
    except Exception as error:
        reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
        said = reason[0].replace(endpoint.password, "***") if endpoint.password else reason[0]
        raise ConnectionRefused(
            f"{database.title} at {endpoint.host}:{endpoint.port} did not let us in: {said}. "
            "Check host, port, user and password in the address."
        ) from None
    facts = {
        "database": database.name,
        "product": product,
        "version": version,
        "endpoint": asdict(endpoint),
        "port": endpoint.port,
    }
    return Server(ExternalControl(facts), name=request.name, backend="external")


def _refusal(done: str) -> Unsupported:
    return Unsupported(
        f"An external server is not {done} by the kit: others may be using it. For this lesson "
        'start one of your own: kit.start("...", backend="process", name="mine")'
    )

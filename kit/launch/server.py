"""The handle that a notebook holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, Protocol

from kit import databases
from kit.databases.base import Database
from kit.databases.endpoint import Endpoint
from kit.errors import ServerGone, UsageError
from kit.launch.instance import Message
from kit.launch.sharing import refusal

_SECRET_OPTION = re.compile(r"([?&][^=&]*(?:password|secret|token)[^=&]*)=[^&]*", re.IGNORECASE)


class SecretURL(str):
    """A URL whose repr hides the password, so that a cell's last line does not print it."""

    __slots__ = ()

    def __repr__(self) -> str:
        from urllib.parse import urlsplit

        password = urlsplit(self).password
        shown = self.replace(f":{password}@", ":***@") if password else str(self)
        return repr(_SECRET_OPTION.sub(r"\1=***", shown))


class Control(Protocol):
    """What a backend can do to a server."""

    def state(self) -> str:
        """Return running, exited or stopped."""

    def facts(self) -> Message:
        """Return what is known of the server."""

    def logs(self, lines: int) -> str:
        """Return the last lines that the server wrote."""

    def restart(self, timeout: float) -> None:
        """End the server if it runs, start it again with its data, wait until it answers."""

    def stop(self) -> None:
        """End the server and remove everything of it."""

    def kill(self) -> None:
        """End the server as a crash would."""

    def read(self, name: str) -> str:
        """Return a file of the server's configuration; raise FileNotFoundError without one."""

    def write(self, name: str, text: str) -> None:
        """Put a file among the server's configuration."""

    def listen(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call `listener` when the state changes; return the way out."""


class Server:
    """A running database, whichever backend runs it."""

    def __init__(self, control: Control, *, name: str, backend: str) -> None:
        self._control = control
        self.name = name
        self.backend = backend

    def __repr__(self) -> str:
        return f"<{self.product} {self.version} {self.name!r}, {self.backend}, {self.state}>"

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def database(self) -> str:
        """Return which database this is, as `kit.start` spells it."""
        return str(self._facts["database"])

    @property
    def title(self) -> str:
        """Return the database's name as its makers write it."""
        return self._kind.title

    @property
    def product(self) -> str:
        """Return what really answers: MariaDB, SecantusDB and moto stand in for others."""
        return str(self._facts["product"])

    @property
    def version(self) -> str:
        """Return the version that the product gave itself."""
        return str(self._facts["version"])

    @property
    def state(self) -> str:
        """Return running, exited (its data is still there) or stopped."""
        return self._control.state()

    @property
    def host(self) -> str:
        """Return the host that clients connect to."""
        return self.endpoint.host

    @property
    def port(self) -> int:
        """Return the port that clients connect to."""
        return self.endpoint.port

    @property
    def user(self) -> str:
        """Return the user that clients connect as; empty where the server has none."""
        return self.endpoint.user

    @property
    def password(self) -> str:
        """Return the password; it is never part of a repr."""
        return self.endpoint.password

    @property
    def shared(self) -> bool:
        """Tell whether others may use the server, which is not the kit's then."""
        return self.backend == "external"

    @property
    def catalog(self) -> str:
        """Return the database that clients open; on a shared server it is the learner's own."""
        return self.endpoint.catalog

    @property
    def address(self) -> str:
        """Return host and port in one."""
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> SecretURL:
        """Return the address with user and password as one URL."""
        return SecretURL(self._kind.url(self.endpoint))

    @property
    def endpoint(self) -> Endpoint:
        """Return where, and as whom, a client connects."""
        return Endpoint(**self._facts["endpoint"])

    @property
    def peer(self) -> Endpoint:
        """Return where other servers of the kit connect: a container sees another address."""
        facts = self._facts
        return Endpoint(**(facts.get("peer") or facts["endpoint"]))

    @property
    def notebook(self) -> str:
        """Return the host at which the server reaches a program of this notebook."""
        return str(self._facts.get("notebook", "127.0.0.1"))

    @property
    def note(self) -> str:
        """Return what a learner should know of how this server came to be; often empty."""
        return str(self._facts.get("note", ""))

    def connect(self, **options: Any) -> Any:
        """Open the driver's own client, passing it the options; raise ServerGone if it is down."""
        self._require_running()
        return self._kind.connect(self.endpoint, **options)

    def supports(self, feature: str) -> bool:
        """Tell whether the product that answers can do `feature`, for example "replication"."""
        return feature in self._kind.features(self.product, self.version)

    def require_own(self, does: str) -> None:
        """Raise Unsupported where others may use the server; `does` says what a lesson does to it.

        It is the rest of a sentence: "fills the whole memory".
        """
        if self.shared:
            raise refusal(self.database, does)

    def logs(self, lines: int = 50) -> str:
        """Return the last lines of the server's log, with the password struck out."""
        text = self._control.logs(lines)
        return text.replace(self.password, "***") if self.password else text

    def restart(self, *, timeout: float = 60.0) -> None:
        """Start the server again on its data and its port; it must not have been stopped."""
        self._control.restart(timeout)

    def stop(self) -> None:
        """End the server for everyone and remove its data; stopping twice is no error."""
        self._control.stop()

    def kill(self) -> None:
        """End the server as a power cut would; `restart()` brings it back with what survived."""
        self._control.kill()

    def read(self, name: str) -> str:
        """Return the text of a file beside the server's configuration, as `prometheus.yml`.

        Raise FileNotFoundError where there is none.
        """
        return self._control.read(_inside(name))

    def write(self, name: str, text: str) -> None:
        """Put a file beside the server's configuration; the server alone decides when it reads it.

        Raise Unsupported for an external server, UsageError for a name that leads elsewhere.
        """
        self._control.write(_inside(name), text)

    def on_change(self, listener: Callable[[Server], None]) -> Callable[[], None]:
        """Call `listener(server)` from a thread when the state changes; return the way out."""
        return self._control.listen(lambda _: listener(self))

    @property
    def _facts(self) -> Message:
        return self._control.facts()

    @property
    def _kind(self) -> Database:
        return databases.get(self.database)

    def _require_running(self) -> None:
        state = self.state
        if state == "exited":
            raise ServerGone(
                f"{self.product} {self.name!r} is not running: it ended or was killed. "
                "Bring it back with its data: .restart(). What it said last: .logs()"
            )
        if state == "stopped":
            raise ServerGone(
                f"{self.product} {self.name!r} was stopped and its data removed. "
                f'Start a fresh one: kit.start("{self.database}")'
            )


def _inside(name: str) -> str:
    """Return a relative path that stays where it begins."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise UsageError(
            f"{name!r} is not the name of a file beside the server's configuration: "
            "write it without a leading slash and without '..', as in rules/alerts.yml."
        )
    return str(path)

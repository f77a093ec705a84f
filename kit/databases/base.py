"""What every database module says of itself."""

from __future__ import annotations

import signal
import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol
from urllib.parse import SplitResult, quote, unquote, urlsplit

from kit.databases.endpoint import Endpoint
from kit.databases.rooms import Rooms
from kit.databases.topologies import Topologies
from kit.errors import UsageError


class Run(Protocol):
    """What `initialise` is given to run commands with."""

    def __call__(self, argv: Sequence[str | Path], *, stdin: str = "") -> None:
        """Run a command to its end under the server's own account; raise StartError if it fails."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A server program found on this machine."""

    path: Path
    product: str
    version: str


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where one server lives on this machine, and how it was asked to run.

    One that is not `alone` works together with others of its database.
    """

    directory: Path
    port: int
    password: str = field(repr=False)
    durable: bool = False
    role: str = ""
    alone: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """The directory that holds the database's files."""
        return self.directory / "data"


@dataclass(frozen=True, kw_only=True)
class Command:
    """How a server program is run.

    `files` are written, readable by the server alone, into the site's directory before each start.
    `stop` ends the server in good order; `quit` ends it at once but lets it free what the system
    would not free by itself.
    """

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    stop: signal.Signals = signal.SIGTERM
    quit: signal.Signals = signal.SIGKILL


@dataclass(frozen=True, kw_only=True)
class Container:
    """How a server is run from its official image."""

    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    command: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    tmpfs: Sequence[str] = ()


class Database(Rooms, Topologies, ABC):
    """One kind of database: its facts, how it runs, how it is asked, how a client reaches it.

    `templated` says that `initialise` is slow and its files serve any server; `admits_ahead`, that
    `admit` is slow and its outcome lies in those files.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    lesson: ClassVar[str]
    accent: ClassVar[str]
    scheme: ClassVar[str]
    schemes: ClassVar[Sequence[str]] = ()
    stand_ins: ClassVar[Sequence[str]] = ()
    port: ClassVar[int]
    image: ClassVar[str]
    folder: ClassVar[str] = ""
    volume: ClassVar[str] = ""
    health: ClassVar[str] = ""
    install: ClassVar[Mapping[str, str]]
    user: ClassVar[str] = ""
    catalog: ClassVar[str] = ""
    has_password: ClassVar[bool] = True
    refuses_root: ClassVar[bool] = False
    templated: ClassVar[bool] = False
    admits_ahead: ClassVar[bool] = False
    shared_settings: ClassVar[Mapping[str, str]] = {}
    minimum_free_mb: ClassVar[int] = 64

    @abstractmethod
    def programs(self) -> list[Program]:
        """List the programs of this database on this machine, the preferred one first."""

    @abstractmethod
    def command(self, program: Program, site: Site) -> Command:
        """Say how `program` is run at `site`."""

    @abstractmethod
    def container(self, site: Site) -> Container:
        """Say how the official image is run."""

    @abstractmethod
    def connect(self, endpoint: Endpoint, **options: Any) -> Any:
        """Open the driver's own client."""

    @abstractmethod
    def ping(self, client: Any) -> None:
        """Have the server answer a real query; raise the driver's own error if it does not."""

    @abstractmethod
    def identify(self, client: Any) -> tuple[str, str]:
        """Ask the server for its product and version."""

    @abstractmethod
    def remember(self, client: Any) -> str:
        """Leave one fact with the server and return the token to ask for it."""

    @abstractmethod
    def recall(self, client: Any, token: str) -> bool:
        """Tell whether the server still has the fact."""

    def initialise(self, program: Program, site: Site, run: Run) -> None:
        """Create the data directory of a fresh server; called once per template."""

    def admit(self, site: Site) -> None:
        """Give a freshly started local server its password; called until it succeeds."""

    def admit_container(self, endpoint: Endpoint) -> None:
        """Finish what an image's own variables cannot set up; called once it answers."""

    def introduce(self, endpoint: Endpoint) -> tuple[str, str]:
        """Have the server answer a real query, and say its product and version."""
        client = self.connect(endpoint)
        try:
            self.ping(client)
            return self.identify(client)
        finally:
            with suppress(Exception):
                self.close(client)

    def close(self, client: Any) -> None:
        """Close a client of `connect`."""
        client.close()

    def features(self, product: str, version: str) -> frozenset[str]:
        """Name what `product` in this `version` can really do."""
        return frozenset()

    def endpoint(self, host: str, port: int, password: str) -> Endpoint:
        """Describe how a client reaches a server of the kit's own."""
        secret = password if self.has_password else ""
        return Endpoint(host=host, port=port, user=self.user, password=secret, catalog=self.catalog)

    def url(self, endpoint: Endpoint) -> str:
        """Spell the endpoint as a URL."""
        credentials = ""
        if endpoint.password or endpoint.user:
            secret = f":{quote(endpoint.password, safe='')}" if endpoint.password else ""
            credentials = f"{quote(endpoint.user, safe='')}{secret}@"
        # MongoDB's form of an address wants a slash before options (Connection String, Syntax).
        bare = "/" if endpoint.query else ""
        path = f"/{quote(endpoint.catalog, safe='')}" if endpoint.catalog else bare
        query = f"?{endpoint.query}" if endpoint.query else ""
        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        return f"{self._scheme(endpoint)}://{credentials}{host}:{endpoint.port}{path}{query}"

    def parse(self, url: str) -> Endpoint:
        """Read the URL of an existing server; raise UsageError where it cannot be one."""
        parts = self._split(url)
        try:
            port = parts.port or self.port
        except ValueError:
            raise UsageError(
                f"The port in that {self.title} address is not a number from 1 to 65535. "
                f"Write it after the host, as in {parts.hostname}:{self.port}."
            ) from None
        catalog = unquote(parts.path.lstrip("/"))
        return Endpoint(
            host=parts.hostname or "",
            port=port,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            catalog=catalog or self.catalog,
            named=bool(catalog),
            query=parts.query,
            tls=parts.scheme in {"https", "rediss"},
        )

    def reach(self, endpoint: Endpoint, timeout: float) -> None:
        """Raise OSError unless something accepts connections at the endpoint."""
        socket.create_connection((endpoint.host, endpoint.port), timeout).close()

    def _split(self, url: str) -> SplitResult:
        try:
            parts = urlsplit(url)
        except ValueError:
            parts = urlsplit("")
        families = {self.scheme.partition("+")[0], *self.schemes}
        if parts.hostname and parts.scheme.partition("+")[0] in families:
            return parts
        example = self.url(Endpoint(host="host", port=self.port, user=self.user, named=False))
        raise UsageError(f"That is not a {self.title} address. One looks like {example}")

    def _scheme(self, endpoint: Endpoint) -> str:
        return self.scheme


def at_port(site: Site, port: int) -> Site:
    """Return the same site on another port."""
    return replace(site, port=port)

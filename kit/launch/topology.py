"""Several servers of one database that work together."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from kit import databases
from kit.databases.base import Database
from kit.databases.topologies import WATCHER, Shape
from kit.errors import ServerDied, UnknownName, UsageError
from kit.launch.ready import Wait
from kit.launch.request import Progress, Request, read
from kit.launch.server import Server
from kit.launch.site import password
from kit.launch.start import obtain, running

MOST = 16
_REFUSED = ("port", "url")


class Topology:
    """Servers that work together: a sequence of those that hold data.

    `watchers` are servers that only keep watch over the others.
    """

    def __init__(self, plan: _Plan, servers: Sequence[Server], watchers: Sequence[Server]) -> None:
        self._plan = plan
        self._servers = list(servers)
        self.watchers = tuple(watchers)

    def __repr__(self) -> str:
        named = ", ".join(server.name for server in self._servers)
        return f"<{self.title} {self.kind}: {named}>"

    def __enter__(self) -> Topology:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __len__(self) -> int:
        return len(self._servers)

    def __iter__(self) -> Iterator[Server]:
        return iter(self.servers)

    def __getitem__(self, index: int) -> Server:
        return self._servers[index]

    @property
    def database(self) -> str:
        """Return which database this is, as `kit.start` spells it."""
        return self._plan.database.name

    @property
    def title(self) -> str:
        """Return the database's name as its makers write it."""
        return self._plan.database.title

    @property
    def kind(self) -> str:
        """Return what the servers are to each other: ring, replica and so on."""
        return self._plan.kind

    @property
    def servers(self) -> tuple[Server, ...]:
        """Return the servers that hold data, in the order in which they joined."""
        return tuple(self._servers)

    @property
    def primary(self) -> Server:
        """Return the server that takes writes at present."""
        roles = self.roles()
        return next(one for one in self._servers if roles[one.name] != "replica")

    @property
    def replicas(self) -> tuple[Server, ...]:
        """Return every server but the primary."""
        primary = self.primary
        return tuple(server for server in self._servers if server.name != primary.name)

    def roles(self) -> dict[str, str]:
        """Return what each server does at present, by its name."""
        leaders = {one.name for one in self._plan.database.leaders(self.kind, self.servers)}
        leads = "node" if len(leaders) == len(self) else "primary"
        does = {one.name: leads if one.name in leaders else "replica" for one in self._servers}
        return does | {watcher.name: WATCHER for watcher in self.watchers}

    def add(self) -> Server:
        """Start one more server and have it join the others; return it when it has."""
        taken = [int(server.name.rpartition("-")[2]) for server in self._servers]
        (added,) = _start_all([self._plan.node(max(taken, default=0) + 1)])
        try:
            self._plan.wire([*self._servers, added], self.watchers)
        except BaseException:
            added.stop()
            raise
        self._servers.append(added)
        return added

    def remove(self, server: Server) -> None:
        """Take a server out of the topology and stop it."""
        if server.name not in {one.name for one in self._servers}:
            raise UsageError(f"{server.name!r} is not one of {self!r}.")
        others = [one for one in self._servers if one.name != server.name]
        self._plan.database.leave(self.kind, server, others)
        self._servers = others
        server.stop()

    def stop(self) -> None:
        """End all servers and remove their data; stopping twice is no error."""
        for server in (*self.watchers, *self._servers):
            server.stop()


def topology(database: str, kind: str, *, nodes: int | None = None, **options: Any) -> Topology:
    """Start several servers that work together, or attach to those that do already.

    `kind` is one of the database's shapes, such as "replica" or "ring"; `nodes` counts the servers
    that hold data. Further options are those of `kit.start`, but for port and url; `name` is what
    the servers' names begin with. Raise UsageError, MissingError or StartError.
    """
    progress: Progress = options.pop("progress", None) or (lambda _: None)
    plan = _plan(database, kind, nodes, options)
    plan.progress = progress
    found = {server.name: server for server in running()}
    before = [one for one in plan.everyone() if one.name in found]
    if before:
        # Some may have been left by a notebook that was interrupted: the others must get in.
        plan.request = replace(plan.request, secret=found[before[0].name].password)
    servers = _start_all(plan.everyone(), spare=set(found), progress=progress)
    made = Topology(plan, servers[: plan.nodes], servers[plan.nodes :])
    try:
        plan.wire(made.servers, made.watchers)
    except BaseException:
        _stop([server for server in servers if server.name not in found])
        raise
    return made


class _Plan:
    """What a topology was asked to be."""

    def __init__(self, request: Request, kind: str, shape: Shape, nodes: int) -> None:
        self.request = request
        self.kind = kind
        self.shape = shape
        self.nodes = nodes
        self.progress: Progress = lambda _: None

    @property
    def database(self) -> Database:
        return self.request.database

    def node(self, number: int, role: str = "") -> Request:
        settings = dict(self.database.node_settings(self.kind, number)) if not role else {}
        name = f"{self.request.name}-{role}-{number}" if role else f"{self.request.name}-{number}"
        return replace(
            self.request,
            name=name,
            role=role,
            group=self.request.name,
            seat=number + (MOST if role else 0),
            settings=settings | dict(self.request.settings),
        )

    def everyone(self) -> list[Request]:
        nodes = [self.node(number + 1) for number in range(self.nodes)]
        return nodes + [self.node(number + 1, WATCHER) for number in range(self.shape.watchers)]

    def wire(self, servers: Sequence[Server], watchers: Sequence[Server]) -> None:
        self.progress("Joining them")
        deadline = time.monotonic() + self.request.timeout
        wait = Wait(
            f"{self.database.title} {self.kind}", deadline, partial(_check, [*servers, *watchers])
        )
        wait.until(lambda: self.database.join(self.kind, servers, watchers))


def _plan(database: str, kind: str, nodes: int | None, options: Mapping[str, Any]) -> _Plan:
    for option in set(options) & set(_REFUSED):
        raise UsageError(f"{option}= is for a single server; a topology chooses its own.")
    known = databases.get(str(database)).topologies()
    if kind not in known:
        raise UnknownName.among(f"topology of {databases.get(database).title}", kind, known)
    shape = known[kind]
    count = shape.nodes if nodes is None else nodes
    if not isinstance(count, int) or not shape.least <= count <= MOST:
        raise UsageError(f"nodes= is a whole number from {shape.least} to {MOST} for a {kind}.")
    request = read(database, {"name": f"{database}-{kind}", **options})
    if request.backend == "external":
        raise UsageError(
            "A topology is made of servers of the kit's own: leave backend= out, or choose "
            '"process" or "container".'
        )
    return _Plan(replace(request, secret=password()), kind, shape, count)


def _start_all(
    requests: Sequence[Request],
    *,
    spare: Set[str] = frozenset(),
    progress: Progress = lambda _: None,
) -> list[Server]:
    """Start servers side by side; if one fails, those that were started here are stopped."""
    pool = ThreadPoolExecutor(max(1, len(requests)), thread_name_prefix="kit-topology")
    starting = [pool.submit(obtain, one, _named(progress, one.name)) for one in requests]
    try:
        return [future.result() for future in starting]
    except BaseException:
        for future in starting:
            future.add_done_callback(partial(_undo, spare))
        raise
    finally:
        pool.shutdown(wait=False)


def _named(progress: Progress, name: str) -> Progress:
    def say(step: str) -> None:
        progress(f"{name} · {step}")

    return say


def _undo(spare: Set[str], future: Future[Server]) -> None:
    """Stop what comes up after all, so that an interrupt leaves nothing; earlier servers stay."""
    if not future.cancelled() and future.exception() is None:
        _stop([server for server in [future.result()] if server.name not in spare])


def _stop(servers: Sequence[Server]) -> None:
    for server in servers:
        server.stop()


def _check(servers: Sequence[Server]) -> None:
    for server in servers:
        if server.state != "running":
            raise ServerDied(
                f"{server.product} {server.name!r} ended while it was joining the others. "
                f"What it said last:\n{server.logs(12)}"
            )

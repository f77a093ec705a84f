"""A primary lost under load: how long nobody can write, and which writes are gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from redis import cluster, sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from kit.databases.topologies.redis_sentinel import SERVICE
from kit.errors import KitError
from kit.labs.redis.source import Client
from kit.labs.redis.writers import Writers, surviving

if TYPE_CHECKING:
    from kit.launch.server import Server
    from kit.launch.topology import Topology

PATIENCE = 30.0
"""Seconds after which service is given up."""

GAP = 0.25
"""Seconds without an acknowledged write that count as no service: shorter ones are no news."""

LOOK = 0.1
_IMPATIENT = 0.5  # seconds that a client waits for an answer before it looks for another server

Roles = list[tuple[float, str]]


@dataclass
class Loss:
    """What happened when a server was killed; times are in seconds from the start of the load.

    `roles` holds, by server, what it did from when on. `lost` counts acknowledged writes that were
    gone afterwards; `outage` is the longest time without any acknowledged write after the kill, 0
    where that stayed below GAP.
    """

    killed: str
    at: float = 0.0
    back: float | None = None
    lasted: float = 0.0
    acknowledged: Sequence[float] = ()
    refused: Sequence[float] = ()
    lost: int = 0
    roles: dict[str, Roles] = field(default_factory=dict)

    @property
    def outage(self) -> float:
        """Return for how long nobody could write."""
        return max((end - begin for begin, end in self.gaps), default=0.0)

    @property
    def gaps(self) -> list[tuple[float, float]]:
        """Return the times of more than GAP in which no write was acknowledged."""
        moments = [0.0, *self.acknowledged, self.lasted]
        pairs = pairwise(moments)
        return [(begin, end) for begin, end in pairs if end - begin > GAP and end > self.at]


def connect(topology: Topology) -> Client:
    """Open the client that finds its server by itself: by Sentinels, or by the cluster's map."""
    options: dict[str, Any] = {
        "password": topology[0].password,
        "socket_timeout": _IMPATIENT,
        "socket_connect_timeout": _IMPATIENT,
        "protocol": 2,
    }
    up = [one for one in (*topology.watchers, *topology.servers) if one.state == "running"]
    if topology.kind == "cluster":
        found: Any = cluster
        nodes = [found.ClusterNode(one.host, one.port) for one in up]
        return found.RedisCluster(startup_nodes=nodes, retry=Retry(NoBackoff(), 1), **options)
    watchers = [(one.host, one.port) for one in topology.watchers if one.state == "running"]
    makers: Any = sentinel
    asked = makers.Sentinel(watchers, sentinel_kwargs=options, **options)
    return asked.master_for(SERVICE, retry=Retry(NoBackoff(), 0))


def lose(
    topology: Topology,
    *,
    clients: int = 4,
    before: float = 1.0,
    after: float = 1.0,
    revive: float | None = None,
    stop: threading.Event | None = None,
) -> Loss:
    """Kill the primary (of a cluster: its first node) under load; see service come back.

    The load goes on until writes have been acknowledged for `after` seconds; it is given up after
    PATIENCE. `revive` starts the lost server again after so many seconds, for a cluster that has no
    replicas. Otherwise it is started again once all has been counted.
    """
    halt = stop or threading.Event()
    _await_whole(topology, halt)
    victim = topology.primary
    loss, begun = Loss(victim.name), time.monotonic()
    looking = threading.Event()
    looker = threading.Thread(
        target=_look, args=(topology, loss, begun, looking), name="kit-roles", daemon=True
    )
    looker.start()
    try:
        with Writers(lambda: connect(topology), clients=clients, pause=0.002) as writers:
            halt.wait(before)
            loss.at = time.monotonic() - begun
            victim.kill()
            _await_service(writers, victim, loss, (begun, after, revive), halt)
        _count(topology, writers, loss, begun)
    finally:
        looking.set()
        looker.join(10)
        if victim.state == "exited":
            victim.restart()
    return loss


def _await_whole(topology: Topology, halt: threading.Event) -> None:
    """Wait until a former primary follows: lost before, it could not be replaced without loss."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and topology.kind == "sentinel":
        if [_role(server) for server in topology.servers].count("primary") == 1:
            return
        if halt.wait(LOOK):
            return


def _await_service(
    writers: Writers,
    victim: Server,
    loss: Loss,
    when: tuple[float, float, float | None],
    halt: threading.Event,
) -> None:
    """Wait until every writer writes again, with no refusal for a while."""
    begun, after, revive = when
    killed = time.monotonic()
    until = killed + PATIENCE
    while time.monotonic() < until and not halt.wait(0.02):
        now = time.monotonic()
        if revive is not None and now - killed > revive and victim.state == "exited":
            victim.restart()
        last = [one.acknowledged[-1][0] if one.acknowledged else 0.0 for one in writers.all]
        refused = max((one.refused[-1] for one in writers.all if one.refused), default=killed)
        if min(last) > max(refused, killed) + after:
            loss.back = refused - begun
            return


def _count(topology: Topology, writers: Writers, loss: Loss, begun: float) -> None:
    loss.lasted = time.monotonic() - begun
    loss.acknowledged = [moment - begun for moment in writers.acknowledged]
    loss.refused = [moment - begun for moment in writers.refused]
    if loss.back is not None:
        with closing(connect(topology)) as client:
            there = surviving(client, writers.all)
        loss.lost = sum(one.count(False) for one in there)


def _look(topology: Topology, loss: Loss, begun: float, end: threading.Event) -> None:
    """Note down what each server does, whenever that changes."""
    while not end.wait(LOOK):
        for server in topology.servers:
            role = _role(server)
            seen = loss.roles.setdefault(server.name, [])
            if not seen or seen[-1][1] != role:
                seen.append((time.monotonic() - begun, role))


def _role(server: Server) -> str:
    with (
        suppress(RedisError, KitError, OSError),
        closing(server.connect(socket_timeout=_IMPATIENT, protocol=2)) as client,
    ):
        return "primary" if client.role()[0] in (b"master", "master") else "replica"
    return "down"

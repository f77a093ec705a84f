"""Change the number of nodes under two rules at once, and count on the servers what moves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from kit.errors import UsageError
from kit.labs.memcached import counts
from kit.labs.memcached.counts import Tally
from kit.labs.memcached.nodes import POINTS, Ketama, Rule, connect, join

if TYPE_CHECKING:
    from kit.launch.server import Server
    from kit.launch.topology import Topology

RULES: tuple[Rule, ...] = ("ring", "modulo")
READS = 300
"""Reads of one batch of traffic."""

_VALUE = b"0.12 0.85 0.03"


@dataclass(frozen=True, kw_only=True)
class Change:
    """What happened to the nodes, and what the servers counted when every key was read once.

    A key that moved is a miss: it is asked for where it was never written. `unanswered` counts, by
    rule, the reads that no node answered, before the client knew that one was dead.
    """

    what: str
    nodes: int
    counted: dict[Rule, Tally]
    unanswered: dict[Rule, int] = field(default_factory=dict)

    def moved(self, rule: Rule) -> float:
        """Return the share of all keys that moved."""
        tally = self.counted[rule]
        return tally.missed / tally.reads if tally.reads else float("nan")


class Moving:
    """The same keys on the same nodes twice: placed by a ring, and by modulo.

    Each rule has a prefix of its own, so that the two do not see each other's values. `history`
    holds, by rule, the reads so far and the share of each batch that was found.
    """

    def __init__(
        self, topology: Topology, *, keys: int = 6000, points: int = POINTS, seed: int = 0
    ) -> None:
        self.topology = topology
        self.points = points
        self.keys = [f"features:{number}" for number in range(keys)]
        self.changes: list[Change] = []
        self.history: dict[Rule, list[tuple[float, float]]] = {rule: [] for rule in RULES}
        self.reads = 0
        self._random = np.random.default_rng(seed)
        ranks = np.arange(1, keys + 1)
        self._popular = self._random.permutation((1 / ranks) / (1 / ranks).sum())
        self.clients: dict[Rule, Any] = {rule: self._client(rule) for rule in RULES}
        self.held = Tally({}, {})
        self.refill()

    @property
    def ring(self) -> Ketama:
        """Return the ring."""
        hasher: Ketama = self.clients["ring"].hasher
        return hasher

    def refill(self) -> None:
        """Empty the nodes, write every key by both rules, and count what each holds by the ring.

        Without emptying them, a key's old copy on a node that it left would be found again later.
        """
        for server in self._live():
            client = server.connect()
            client.flush_all(noreply=False)
            client.close()
        for client in self.clients.values():
            counts.fill(client, self.keys, _VALUE)
        self.held = self.audit("ring")[0]

    def audit(self, rule: Rule) -> tuple[Tally, int]:
        """Read every key once; return what the nodes counted, and how many reads got no answer."""
        absent: list[str] = []

        def read() -> None:
            absent.extend(counts.read(self.clients[rule], self.keys))

        tally = counts.tally(self._live(), read)
        return tally, len(absent) - tally.missed

    def add(self) -> Change:
        """Start one more node, and count the keys that move to it."""
        server = self.topology.add()
        for client in self.clients.values():
            join(client, server)
        return self._counted(f"{server.name} joined")

    def lose(self, name: str) -> Change:
        """Kill a node between two reads, and count the keys that are looked for elsewhere."""
        server = self._server(name)
        if len(self.topology) < 2:
            raise UsageError("This is the last node: with it, everything would be gone.")
        server.kill()
        unanswered = {rule: self.audit(rule)[1] for rule in RULES}
        self.topology.remove(server)
        return self._counted(f"{name} died", unanswered)

    def turn(self, points: int) -> Change:
        """Give each node another number of points on the ring, and count the keys that move."""
        self.points = points
        self.clients["ring"].close()
        self.clients["ring"] = self._client("ring")
        return self._counted(f"{points} points per node")

    def traffic(self, batches: int, seen: Callable[[], object], stop: threading.Event) -> None:
        """Read popular keys often, rare ones seldom; what is missing is computed and written."""
        for _ in range(batches):
            if stop.is_set():
                return
            chosen = self._random.choice(len(self.keys), size=READS, p=self._popular)
            batch = [self.keys[number] for number in chosen]
            for rule in RULES:
                tally = self._served(self.clients[rule], batch)
                self.history[rule].append((self.reads + READS, tally.ratio))
            self.reads += READS
            seen()

    def close(self) -> None:
        """Close every connection."""
        for client in self.clients.values():
            client.close()

    def _served(self, client: Any, batch: Sequence[str]) -> Tally:
        absent: list[str] = []
        tally = counts.tally(self._live(), lambda: absent.extend(counts.read(client, batch)))
        counts.fill(client, absent, _VALUE)
        return tally

    def _counted(self, what: str, unanswered: dict[Rule, int] | None = None) -> Change:
        counted = {rule: self.audit(rule)[0] for rule in RULES}
        self.changes.append(
            Change(
                what=what,
                nodes=len(self.topology),
                counted=counted,
                unanswered=unanswered or {},
            )
        )
        return self.changes[-1]

    def _client(self, rule: Rule) -> Any:
        return connect(self.topology, by=rule, points=self.points, prefix=f"{rule}:")

    def _live(self) -> list[Server]:
        return [server for server in self.topology.servers if server.state == "running"]

    def _server(self, name: str) -> Server:
        for server in self.topology.servers:
            if server.name == name:
                return server
        known = ", ".join(server.name for server in self.topology.servers)
        raise UsageError(f"There is no node called {name!r}. Choose one of: {known}.")

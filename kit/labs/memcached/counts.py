"""Counting on the servers themselves: what each node was asked, what it had, what it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kit.labs.memcached.refusal import FAULTS

if TYPE_CHECKING:
    from kit.launch.server import Server

BATCH = 500
"""Keys that are read or written in one call."""


@dataclass(frozen=True)
class Tally:
    """Hits and misses of each node, by the node's own counters."""

    hits: Mapping[str, int]
    misses: Mapping[str, int]

    @property
    def hit(self) -> int:
        """Return the hits of all nodes."""
        return sum(self.hits.values())

    @property
    def missed(self) -> int:
        """Return the misses of all nodes."""
        return sum(self.misses.values())

    @property
    def reads(self) -> int:
        """Return how many reads reached a node."""
        return self.hit + self.missed

    @property
    def ratio(self) -> float:
        """Return the share of reads that found something, NaN where nothing was read."""
        return self.hit / self.reads if self.reads else float("nan")


def stats(server: Server, *arguments: str) -> dict[str, Any]:
    """Ask one server for its `stats`, or for a part of them, such as "items"."""
    client = server.connect()
    try:
        return {name.decode(): value for name, value in client.stats(*arguments).items()}
    finally:
        client.close()


def tally(servers: Iterable[Server], work: Callable[[], object]) -> Tally:
    """Do `work`, and return what it added to the counters get_hits and get_misses.

    A server that dies meanwhile takes its counters with it. Nobody else may read meanwhile.
    """
    watched = list(servers)
    before = {server.name: _counters(server) for server in watched}
    work()
    hits, misses = {}, {}
    for server in watched:
        was, now = before[server.name], _counters(server)
        if was is not None and now is not None:
            hits[server.name], misses[server.name] = now[0] - was[0], now[1] - was[1]
    return Tally(hits, misses)


def _counters(server: Server) -> tuple[int, int] | None:
    try:
        found = stats(server)
    except FAULTS:
        return None
    return int(found["get_hits"]), int(found["get_misses"])


def fill(client: Any, keys: Sequence[str], value: bytes) -> None:
    """Write the same value under every key."""
    for start in range(0, len(keys), BATCH):
        client.set_many(dict.fromkeys(keys[start : start + BATCH], value))


def read(client: Any, keys: Sequence[str]) -> list[str]:
    """Read every key once, and return those that were not found, in their order."""
    absent = []
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        found = client.get_many(batch)
        absent += [key for key in batch if key not in found]
    return absent

"""Keys spread over several nodes, by a ring or by modulo, with pymemcache's own HashClient."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pymemcache.client.hash import HashClient
from uhashring import HashRing  # type: ignore[import-untyped]

from kit.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from kit.launch.server import Server

Rule = Literal["ring", "modulo"]
POINTS = 160
"""Points that a node has on the ring: what libmemcached's ketama gives to each."""

CIRCLE = 2**32
_TOGETHER = 4  # ketama takes four points out of every MD5 digest


class Hasher(ABC):
    """Say which node has a key, as HashClient asks for it.

    HashClient knows nodes by host and port. Here they go by name, so that a node which comes back
    at another port keeps its keys.
    """

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def add_node(self, address: str) -> None:
        """Take a node in; its name was given before, or is its address."""
        self.join(self.names.setdefault(address, address))

    def remove_node(self, address: str) -> None:
        """Leave a node out from now on: HashClient calls this for one that is dead."""
        self.leave(self.names.pop(address))

    def get_node(self, key: str) -> str | None:
        """Return the address of the node that has the key, None where no node is left."""
        name = self.name(key)
        return next((address for address, known in self.names.items() if known == name), None)

    @abstractmethod
    def name(self, key: str) -> str | None:
        """Return the name of the node that has the key."""

    @abstractmethod
    def join(self, name: str) -> None:
        """Take a node in."""

    @abstractmethod
    def leave(self, name: str) -> None:
        """Leave a node out."""


class Ketama(Hasher):
    """uhashring's ketama ring: each node has points on a circle, a key goes to the next one."""

    def __init__(self, points: int = POINTS) -> None:
        super().__init__()
        if points < _TOGETHER or points % _TOGETHER:
            raise UsageError("points= is a multiple of 4: ketama takes four out of each hash.")
        self.ring = HashRing(nodes=[], hash_fn="ketama", vnodes=points // _TOGETHER)

    def name(self, key: str) -> str | None:
        """Return the node of the next point clockwise."""
        node: str | None = self.ring.get_node(key)
        return node

    def join(self, name: str) -> None:
        """Put a node's points on the circle."""
        self.ring.add_node(name)

    def leave(self, name: str) -> None:
        """Take a node's points off the circle."""
        self.ring.remove_node(name)

    def at(self, key: str) -> float:
        """Return where on the circle a key falls, from 0 to 1."""
        return float(self.ring.get_key(key)) / CIRCLE

    def points(self) -> list[tuple[float, str]]:
        """Return every point on the circle, from 0 to 1, with the name of its node."""
        return [(place / CIRCLE, name) for place, name in self.ring.get_points()]


class Modulo(Hasher):
    """The key's checksum modulo the number of nodes: simple, until that number changes."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []

    def name(self, key: str) -> str | None:
        """Return the node that stands at the remainder's place."""
        if not self.order:
            return None
        return self.order[zlib.crc32(key.encode()) % len(self.order)]

    def join(self, name: str) -> None:
        """Put a node at the end."""
        self.order.append(name)

    def leave(self, name: str) -> None:
        """Close the gap that a node leaves."""
        self.order.remove(name)


def connect(
    nodes: Iterable[Server], *, by: Rule = "ring", points: int = POINTS, prefix: str = ""
) -> Any:
    """Open pymemcache's HashClient over several servers; `.hasher.name(key)` tells a key's node.

    A node that does not answer is left out at once, as a cache may: its keys are misses then.
    `prefix` goes before each key on the servers, and has no part in the choice of a node.
    """
    if by not in ("ring", "modulo"):
        raise UnknownName.among("rule", by, ("ring", "modulo"))
    hasher = Ketama(points) if by == "ring" else Modulo()
    client = HashClient(
        [],
        hasher=lambda: hasher,
        key_prefix=prefix.encode(),
        default_noreply=False,
        connect_timeout=2,
        timeout=10,
        no_delay=True,
        ignore_exc=True,
        retry_attempts=0,
        dead_timeout=float("inf"),
    )
    for server in nodes:
        join(client, server)
    return client


def join(client: Any, server: Server) -> None:
    """Have a HashClient of `connect` take one more server in."""
    client.hasher.names[server.address] = server.name
    client.add_server((server.host, server.port))


def owners(client: Any, keys: Iterable[str]) -> dict[str, str]:
    """Return the name of each key's node."""
    return {key: client.hasher.name(key) for key in keys}


def arcs(points: Sequence[tuple[float, str]]) -> Mapping[str, list[tuple[float, float]]]:
    """Return each node's stretches of the circle: a point has all that lies before it.

    Stretches of one node that touch are joined.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    if not points:
        return found
    ends = [*points, (1.0, points[0][1])]
    before = 0.0
    for place, name in ends:
        mine = found.setdefault(name, [])
        if mine and mine[-1][1] == before:
            mine[-1] = (mine[-1][0], place)
        else:
            mine.append((before, place))
        before = place
    return found

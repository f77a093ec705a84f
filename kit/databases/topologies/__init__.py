"""The ways in which several servers of one database work together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kit.databases.endpoint import Endpoint

WATCHER = "watcher"
"""The role of a server that keeps watch over the others and holds no data."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How many servers a topology has, and what they are to each other.

    `nodes` hold data and `watchers` keep watch over them; `least` is the smallest number of nodes
    that makes sense.
    """

    summary: str
    nodes: int = 3
    least: int = 1
    watchers: int = 0


RING = Shape(summary="servers that know nothing of each other; the client chooses among them")
REPLICA = Shape(summary="a primary that is written to, and replicas that follow", nodes=2, least=2)


class Node(Protocol):
    """One server of a topology, as a database module sees it."""

    name: str

    @property
    def state(self) -> str:
        """Return running, exited or stopped."""

    @property
    def endpoint(self) -> Endpoint:
        """Return where a client connects."""

    @property
    def peer(self) -> Endpoint:
        """Return where the other servers of the topology connect."""

    def connect(self, **options: Any) -> Any:
        """Open the driver's own client."""


Nodes = Sequence[Node]


class Topologies:
    """What a database knows of its servers working together; by default no more than the ring."""

    def topologies(self) -> Mapping[str, Shape]:
        """Name the ways in which several of its servers work together."""
        return {"ring": RING}

    def node_settings(self, kind: str, number: int) -> Mapping[str, str]:
        """Return the settings that server `number` (from 1) of a topology needs from the start."""
        return {}

    def join(self, kind: str, nodes: Nodes, watchers: Nodes) -> None:
        """Make the servers a topology; called until it succeeds, and again when one was added."""

    def leave(self, kind: str, node: Node, others: Nodes) -> None:
        """Take a server out of a topology before it is stopped."""

    def leaders(self, kind: str, nodes: Nodes) -> Nodes:
        """Return the servers that take writes at present; ask them where that changes."""
        return nodes[:1] if kind == "replica" else nodes

"""The ways in which several servers of one database work together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kit.databases.base import Endpoint

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

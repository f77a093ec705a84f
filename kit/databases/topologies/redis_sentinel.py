"""Redis servers under the eyes of Sentinels, who agree on a new primary when one is lost."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from kit.databases.topologies import REPLICA, Node, Nodes, Shape
from kit.databases.topologies import redis as replication

SERVICE = "main"
"""The name by which clients ask the Sentinels for the primary."""

SHAPE = Shape(
    summary="a primary, its replicas, and three Sentinels that replace it when it is lost",
    nodes=REPLICA.nodes,
    least=REPLICA.least,
    watchers=3,
)
# A Sentinel dials an address at most once a second (sentinel.c, SENTINEL_PING_PERIOD), a new
# primary's too: with no more patience than that, it gives the new one up before they have met.
_PATIENCE = {"down-after-milliseconds": 2000, "failover-timeout": 10_000, "parallel-syncs": 1}


def config(password: str, local: Mapping[str, str]) -> str:
    """Return a Sentinel's configuration; whom it watches it is told later, and writes in here."""
    settings = {**local, "requirepass": password, "sentinel sentinel-pass": password}
    return "".join(f"{key} {value}\n" for key, value in settings.items())


def watch(nodes: Nodes, watchers: Nodes) -> None:
    """Have the Sentinels watch over the nodes; raise ConnectionError until all know each other."""
    leader = _leader(nodes, watchers)
    replication.follow(leader, nodes)
    quorum = len(watchers) // 2 + 1
    for watcher in watchers:
        with closing(watcher.connect()) as client:
            if SERVICE not in client.sentinel_masters():
                _begin(client, leader, quorum)
    for watcher in watchers:
        with closing(watcher.connect()) as client:
            state = client.sentinel_masters()[SERVICE]
            others = state["num-other-sentinels"], state["num-slaves"]
            if others != (len(watchers) - 1, len(nodes) - 1):
                raise ConnectionError(f"{watcher.name} has not met all the others yet")


def leaders(nodes: Nodes) -> Nodes:
    """Return the primary; a former one that is back and has not been told yet is further behind."""
    claims = replication.leaders(nodes)
    return claims if len(claims) < 2 else [max(claims, key=_written)]


def _leader(nodes: Nodes, watchers: Nodes) -> Node:
    """Return the primary that the Sentinels agreed on, or the one among the nodes."""
    for watcher in watchers:
        with closing(watcher.connect()) as client:
            if SERVICE in client.sentinel_masters():
                where = client.sentinel_get_master_addr_by_name(SERVICE)
                for node in nodes:
                    if (node.peer.host, node.peer.port) == where:
                        return node
    return leaders(nodes)[0]


def _begin(client: Any, leader: Node, quorum: int) -> None:
    where = leader.peer
    client.sentinel_monitor(SERVICE, where.host, where.port, quorum)
    client.sentinel_set(SERVICE, "auth-pass", where.password)
    for name, value in _PATIENCE.items():
        client.sentinel_set(SERVICE, name, value)


def _written(node: Node) -> int:
    with closing(node.connect()) as client:
        return int(client.info("replication")["master_repl_offset"])

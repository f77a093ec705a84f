"""A Redis cluster: 16,384 slots, shared out among servers that gossip with each other."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from itertools import cycle
from typing import Any

from kit.databases.topologies import Node, Nodes, Shape
from kit.errors import Unsupported

SLOTS = 16_384
SHAPE = Shape(
    summary="servers that share out the keys; from six on, each second one is a replica",
    nodes=3,
    least=3,
)
SETTINGS: Mapping[str, str] = {
    "cluster-enabled": "yes",
    "cluster-node-timeout": "1500",
    "cluster-require-full-coverage": "yes",
    # A node that has given all its slots away stays a node, and does not follow another.
    "cluster-allow-replica-migration": "no",
}
_OLDEST = 7  # knows cluster-port and cluster-allow-replica-migration
_REPLICATED = 6
_BUS = 10_000  # how far the port of the gossip lies above the clients', unless it is set
_BATCH = 100


def bus_port(version: str) -> int:
    """Return a free port for the gossip: the usual one may lie above the last port there is.

    Raise Unsupported for a version that cannot be told another one.
    """
    if int(version.partition(".")[0] or 0) < _OLDEST:
        raise Unsupported(
            f"The cluster of the lessons wants Redis {_OLDEST} or later; this is {version}. "
            'Use a container: kit.topology("redis", "cluster", backend="container")'
        )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def join(nodes: Nodes) -> None:
    """Make the nodes one cluster, all slots taken; raise ConnectionError while they disagree."""
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(node.connect(protocol=2))) for node in nodes]
        states = [_state(client) for client in clients]
        if any(int(state["cluster_known_nodes"]) < len(nodes) for state in states):
            _meet(clients[0], nodes, clients)
            raise ConnectionError("the nodes have not all met yet")
        if states[0]["cluster_slots_assigned"] == "0":
            _share_out(clients)
        if any(state["cluster_state"] != "ok" for state in states):
            raise ConnectionError("the nodes do not agree on their slots yet")


def leave(node: Node, others: Nodes) -> None:
    """Move a node's slots to the others, and have them forget it."""
    with closing(node.connect(protocol=2)) as client:
        identity, owned = _id(client), slots(client)
    takers = [one for one in others if _takes_writes(one)]
    for n, taker in enumerate(takers):
        move(owned[n :: len(takers)], node, taker)
    for other in others:
        with closing(other.connect(protocol=2)) as client:
            client.execute_command("CLUSTER FORGET", identity)


def move(wanted: Sequence[int], source: Node, target: Node) -> int:
    """Move slots with their keys, while both nodes go on serving; return how many keys they held.

    The steps are those of the documentation of CLUSTER SETSLOT; the other nodes learn by gossip.
    """
    with closing(source.connect(protocol=2)) as giver, closing(target.connect(protocol=2)) as taker:
        from_id, to_id = _id(giver), _id(taker)
        _each(taker, "CLUSTER SETSLOT", wanted, "IMPORTING", from_id)
        _each(giver, "CLUSTER SETSLOT", wanted, "MIGRATING", to_id)
        counts = _each(giver, "CLUSTER COUNTKEYSINSLOT", wanted)
        full = [slot for slot, count in zip(wanted, counts, strict=True) if count]
        moved = sum(_migrate(giver, slot, target) for slot in full)
        # The new owner is told first: until then it would send clients back.
        _each(taker, "CLUSTER SETSLOT", wanted, "NODE", to_id)
        _each(giver, "CLUSTER SETSLOT", wanted, "NODE", to_id)
    return moved


def _each(client: Any, command: str, wanted: Sequence[int], *rest: str) -> list[Any]:
    """Send a command for each slot, all in one round trip."""
    pipeline = client.pipeline(transaction=False)
    for slot in wanted:
        pipeline.execute_command(command, slot, *rest)
    replies: list[Any] = pipeline.execute()
    return replies


def slots(client: Any) -> list[int]:
    """Return the slots that the node behind a client serves."""
    for node in client.cluster("NODES").values():
        if "myself" in node["flags"]:
            return ranges(node["slots"])
    return []


def ranges(parts: Sequence[Sequence[str]]) -> list[int]:
    """Return the slots of ranges given by their two ends, or by the one where that is both."""
    return [slot for part in parts for slot in range(int(part[0]), int(part[-1]) + 1)]


def _migrate(client: Any, slot: int, target: Node) -> int:
    where, moved = target.peer, 0
    while keys := client.execute_command("CLUSTER GETKEYSINSLOT", slot, _BATCH):
        options = ["AUTH", where.password] if where.password else []
        client.execute_command(
            *("MIGRATE", where.host, where.port, "", 0, 5000, *options, "KEYS", *keys)
        )
        moved += len(keys)
    return moved


def _meet(client: Any, nodes: Nodes, clients: Sequence[Any]) -> None:
    for node, other in zip(nodes, clients, strict=True):
        where = node.peer
        port = int(other.config_get("cluster-port").get("cluster-port", 0))
        bus = port or where.port + _BUS
        client.execute_command("CLUSTER MEET", where.host, where.port, bus)


def _share_out(clients: Sequence[Any]) -> None:
    count = len(clients)
    primaries = clients[: count // 2] if count >= _REPLICATED else clients
    edges = [SLOTS * n // len(primaries) for n in range(len(primaries) + 1)]
    for client, begin, end in zip(primaries, edges, edges[1:], strict=False):
        client.execute_command("CLUSTER ADDSLOTS", *range(begin, end))
    for replica, primary in zip(clients[len(primaries) :], cycle(primaries), strict=False):
        replica.execute_command("CLUSTER REPLICATE", _id(primary))


def _takes_writes(node: Node) -> bool:
    with closing(node.connect(protocol=2)) as client:
        return bool(client.role()[0] in (b"master", "master"))


def _state(client: Any) -> dict[str, str]:
    found: dict[str, str] = client.cluster("INFO")
    return found


def _id(client: Any) -> str:
    return _text(client.execute_command("CLUSTER MYID"))


def _text(reply: Any) -> str:
    return reply.decode() if isinstance(reply, bytes) else str(reply)

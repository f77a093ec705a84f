"""A cluster's 16,384 slots: who serves them, where a key belongs, what a lost node takes along."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ipywidgets
from redis.exceptions import RedisError

from kit.databases.topologies import redis_cluster
from kit.errors import KitError, ServerGone
from kit.labs.redis import source as sources
from kit.labs.redis.experiment import Experiment, choice
from kit.labs.redis.reply import spelled
from kit.widgets import units
from kit.widgets.table import Grid, Table
from kit.widgets.timeline import Lane, Mark, Span, Timeline
from kit.widgets.values import Shown

if TYPE_CHECKING:
    from kit.launch.server import Server
    from kit.launch.topology import Topology

__all__ = ["Part", "Slots", "look", "panel", "slot_of"]

_ACTIONS = [
    ("show who serves the key", "look"),
    ("move its slot to the next node", "move"),
    ("lose its node", "lose"),
    ("bring the lost node back", "back"),
]


@dataclass(frozen=True)
class Part:
    """What one server has of the cluster: its slots in order, its keys, its state in the cluster.

    `state` is that of the whole cluster as this server sees it: ok or fail; "down" if it is gone.
    """

    name: str
    slots: Sequence[int]
    keys: int
    state: str
    role: str = "primary"

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """Return the slots as ranges, both ends included."""
        found: list[tuple[int, int]] = []
        for slot in self.slots:
            if found and slot == found[-1][1] + 1:
                found[-1] = found[-1][0], slot
            else:
                found.append((slot, slot))
        return found


def look(topology: Topology) -> list[Part]:
    """Ask every server for its part; one that is down has the slots that the others know of."""
    parts = [_part(server) for server in topology.servers]
    if all(part is not None for part in parts):
        return [part for part in parts if part is not None]
    known = _known(topology)
    return [
        part or Part(server.name, known.get(_address(server), []), 0, "down")
        for server, part in zip(topology.servers, parts, strict=True)
    ]


def slot_of(topology: Topology, key: str) -> int:
    """Return the slot of a key, as the servers compute it: CRC16 of the name, or of its {tag}."""
    with closing(_alive(topology).connect(protocol=2)) as client:
        return int(client.execute_command("CLUSTER KEYSLOT", key))


def panel(topology: Topology, key: str = "prediction:7") -> Slots:
    """Draw the slots of a cluster, and let a node be lost and a slot be moved."""
    shown = Slots(sources.together(topology, "cluster"), key)
    shown.run()
    return shown


class Slots(Experiment):
    """One lane of slots for each server, and the place of one key among them."""

    def __init__(self, topology: Topology, key: str) -> None:
        self.topology = topology
        self.parts: list[Part] = []
        self.key = ipywidgets.Text(value=key, description="Key", continuous_update=False)
        self.key.layout.width = "240px"
        self.action = choice("then", _ACTIONS)
        self.picture = Timeline("", of="slot", volatile=False)
        self.table = Table("Servers")
        super().__init__(
            sources.several(f"{topology.title} {topology.kind}", topology.servers),
            "Slots",
            go="Go",
            controls=[self.key, self.action],
            body=[self.picture, self.table],
        )

    def measure(self) -> str:
        """Do what was chosen to the key's slot or node, and draw the slots."""
        key = str(self.key.value)
        slot = slot_of(self.topology, key)
        owner = self._owner(slot)
        said = f"{key} belongs to slot {slot:,}"
        commands = [spelled(["CLUSTER", "KEYSLOT", key]), "CLUSTER NODES"]
        action = str(self.action.value)
        if action == "move":
            target = self._next(owner)
            moved = redis_cluster.move([slot], owner, target)
            said = f"slot {slot:,} moved to {target.name}, with {units.plural(moved, 'key')}"
            commands += _moving(slot)
        elif action == "lose":
            owner.kill()
            self._settle("fail")
        elif action == "back":
            for server in self.topology.servers:
                if server.state == "exited":
                    server.restart()
            self._settle("ok")
        self.ran("\n".join(commands))
        self._draw(slot, key)
        return said

    def _draw(self, slot: int, key: str) -> None:
        self.parts = look(self.topology)
        self.picture.show([_lane(part, slot, key) for part in self.parts])
        self.table.show(_grid(self.parts))

    def _owner(self, slot: int) -> Server:
        for part, server in zip(look(self.topology), self.topology.servers, strict=True):
            if slot in part.slots and part.role == "primary":
                return server
        raise KitError(f"No server serves slot {slot}.")

    def _next(self, owner: Server) -> Server:
        roles = self.topology.roles()
        takers = [one for one in self.topology.servers if roles[one.name] != "replica"]
        names = [one.name for one in takers]
        return takers[(names.index(owner.name) + 1) % len(takers)]

    def _settle(self, state: str) -> None:
        """Wait until the servers that run agree on the state of the cluster, or for a while."""
        halt = threading.Event()
        for _ in range(100):
            seen = {part.state for part in look(self.topology)} - {"down"}
            if seen == {state} or self.stop.is_set() or halt.wait(0.1):
                return


def _part(server: Server) -> Part | None:
    with (
        suppress(RedisError, OSError, ServerGone),
        closing(server.connect(protocol=2, socket_timeout=1)) as client,
    ):
        state = str(client.cluster("INFO")["cluster_state"])
        role = "primary" if client.role()[0] in (b"master", "master") else "replica"
        return Part(server.name, redis_cluster.slots(client), int(client.dbsize()), state, role)
    return None


def _known(topology: Topology) -> dict[str, list[int]]:
    """Return the slots by address, as a server that runs knows them."""
    with closing(_alive(topology).connect(protocol=2)) as client:
        nodes = client.cluster("NODES")
    return {address: redis_cluster.ranges(node["slots"]) for address, node in nodes.items()}


def _address(server: Server) -> str:
    return f"{server.peer.host}:{server.peer.port}"


def _alive(topology: Topology) -> Server:
    for server in topology.servers:
        if server.state == "running":
            return server
    raise ServerGone("No server of the cluster runs. Bring one back: its restart().")


def _lane(part: Part, slot: int, key: str) -> Lane:
    kind = "lost" if part.state == "down" else "served" if part.state == "ok" else "refused"
    spans = [Span(low, high + 1, kind, f"{low:,} – {high:,}") for low, high in part.ranges]
    here = [Mark(slot, "the key", key)] if slot in part.slots else []
    return Lane(part.name, spans, here)


def _grid(parts: Sequence[Part]) -> Grid:
    return Grid(
        columns=("server", "role", "slots", "keys", "cluster is"),
        rows=[
            (part.name, part.role, len(part.slots), part.keys, Shown(part.state, part.state))
            for part in parts
        ],
        volatile=frozenset({"keys"}),
    )


def _moving(slot: int) -> list[str]:
    return [
        f"CLUSTER SETSLOT {slot} IMPORTING …   # at the taker",
        f"CLUSTER SETSLOT {slot} MIGRATING …   # at the giver",
        f"CLUSTER GETKEYSINSLOT {slot} 100",
        'MIGRATE … … "" 0 5000 AUTH *** KEYS …',
        f"CLUSTER SETSLOT {slot} NODE …        # at both, the taker first",
    ]

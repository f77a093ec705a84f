"""High availability drawn: who led when, who could write, and what that cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.errors import KitError
from kit.labs.redis import source as sources
from kit.labs.redis.experiment import Experiment, choice
from kit.labs.redis.failover import PATIENCE, Loss, Roles, connect, lose
from kit.widgets import units
from kit.widgets.table import Grid, Table
from kit.widgets.timeline import Lane, Mark, Span, Timeline

if TYPE_CHECKING:
    from kit.launch.topology import Topology

__all__ = ["Loss", "Losses", "connect", "lose", "panel"]


def panel(topology: Topology, *, revive: float | None = None) -> Losses:
    """Lose the primary of a Sentinel topology or a node of a cluster, and draw what followed."""
    shown = Losses(sources.together(topology, "sentinel", "cluster"), revive)
    shown.run()
    return shown


class Losses(Experiment):
    """One lane for each server and one for the clients; press again to lose the next primary."""

    def __init__(self, topology: Topology, revive: float | None) -> None:
        self.topology = topology
        self.loss: Loss | None = None
        self.clients = choice("Clients", [1, 4, 8], 4)
        self.revive = choice(
            # None would be no choice at all, and the field would stand empty.
            "The lost one comes back",
            [("when all is over", 0.0), ("after 3 s", 3.0)],
            revive or 0.0,
        )
        self.timeline = Timeline("s")
        self.table = Table("What it cost")
        super().__init__(
            sources.several(f"{topology.title} {topology.kind}", topology.servers),
            "High availability",
            go="Lose the primary",
            controls=[self.clients, self.revive],
            body=[self.timeline, self.table],
        )

    def measure(self) -> str:
        """Lose the primary, and draw what followed."""
        self.ran(_RAN.get(self.topology.kind, "SET write:0:1 1"))
        self.loss = loss = lose(
            self.topology,
            clients=int(self.clients.value),
            revive=self.revive.value or None,
            stop=self.stop,
        )
        self.timeline.show(_lanes(loss))
        self.table.show(_grid(loss))
        if loss.back is None and not self.stop.is_set():
            raise KitError(f"No write was acknowledged within {PATIENCE:.0f} seconds of the loss.")
        return f"no service for {units.duration(loss.outage)}"


_RAN = {
    "sentinel": "SENTINEL get-master-addr-by-name main\nSET write:0:1 1\nROLE\n# … kill -9 …",
    "cluster": "CLUSTER SLOTS\nSET write:0:1 1\nROLE\n# … kill -9 …",
}


def _lanes(loss: Loss) -> list[Lane]:
    lanes = [Lane(name, _spans(seen, loss.lasted)) for name, seen in sorted(loss.roles.items())]
    gone = [Span(begin, end, "no service") for begin, end in loss.gaps]
    marks = [Mark(loss.at, "killed", loss.killed)]
    return [*lanes, Lane("clients", [*_served(loss), *gone], marks)]


def _spans(seen: Roles, end: float) -> list[Span]:
    ends = [moment for moment, _ in seen[1:]] + [max(end, seen[-1][0] if seen else 0.0)]
    spans = [Span(begin, until, role) for (begin, role), until in zip(seen, ends, strict=True)]
    return [Span(0.0, spans[0].end, spans[0].kind), *spans[1:]] if spans else []


def _served(loss: Loss) -> list[Span]:
    """Return the times between the gaps."""
    edges = [0.0, *(edge for gap in loss.gaps for edge in gap), loss.lasted]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [Span(begin, end, "writing") for begin, end in pairs if end > begin]


def _grid(loss: Loss) -> Grid:
    return Grid(
        columns=("killed", "no service", "acknowledged", "refused", "acknowledged and lost"),
        rows=[
            (
                loss.killed,
                units.duration(loss.outage),
                len(loss.acknowledged),
                len(loss.refused),
                loss.lost,
            )
        ],
        volatile=frozenset({"no service", "acknowledged", "refused", "acknowledged and lost"}),
    )

"""The replica lab: a real replica, writes that go on, and how far behind it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kit.errors import UsageError
from kit.labs.replication.panel import Lag
from kit.labs.replication.probe import Probe, Sample
from kit.labs.replication.traffic import Traffic

if TYPE_CHECKING:
    from kit.launch.server import Server
    from kit.launch.topology import Topology

__all__ = ["Lag", "Probe", "Sample", "Traffic", "lag"]


def lag(primary: Topology | Server, replica: Server | None = None, *, watch: bool = True) -> Lag:
    """Show a replica's lag, and keep looking; writes begin when they are asked for.

    Give a topology, of which the first replica is watched, or a primary and its replica. It makes
    tables of its own on the primary, `kit_heartbeat` and `kit_stream`. Without `watch` it looks
    only while it records. Raise UsageError for what is not a MySQL primary with a replica.
    """
    followers: Sequence[Server] = getattr(primary, "replicas", ())
    leader: Any = getattr(primary, "primary", primary)
    follower = replica or (followers[0] if followers else None)
    if follower is None or {leader.database, follower.database} != {"mysql"}:
        raise UsageError(
            "Give a MySQL primary and its replica, or a topology that has both: "
            'kit.topology("mysql", "replica").'
        )
    shown = Lag(leader, follower)
    if watch:
        shown.go_on()
    return shown

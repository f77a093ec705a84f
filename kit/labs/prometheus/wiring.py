"""What Prometheus is told: whom to scrape, where its companions are, and what to wait for."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kit.databases.companions import COMPANIONS
from kit.errors import StartTimeout, UsageError
from kit.labs.prometheus.api import Answer, Api

if TYPE_CHECKING:
    from kit.launch.server import Server

_MOMENT = 0.05


def scrape(
    server: Server, name: str, *addresses: str, labels: Mapping[str, str] | None = None
) -> None:
    """Write `targets/<name>.json`: the server scrapes these addresses from now on, or no more.

    Without addresses the file is emptied. `labels` are put on every series that comes from there.
    """
    group = {"targets": list(addresses), "labels": dict(labels or {})}
    server.write(f"targets/{name}.json", json.dumps([group] if addresses else [], indent=2))


def join(server: Server, companion: Server) -> None:
    """Tell Prometheus where a companion is, and its password."""
    if companion.database not in COMPANIONS:
        known = ", ".join(COMPANIONS)
        raise UsageError(f"Prometheus's companions are {known}; start one with kit.start(...).")
    peer = companion.peer
    server.write(f"{companion.database}.password", peer.password)
    group = {"targets": [f"{peer.host}:{peer.port}"]}
    server.write(f"{companion.database}.json", json.dumps([group]))


def until(server: Server, expression: str, *, patience: float = 30.0) -> Answer:
    """Ask again and again until an expression has a result, and return it.

    Raise StartTimeout after `patience` seconds.
    """
    api = Api(server)
    deadline = time.monotonic() + patience
    while not (found := api.instant(expression)).series:
        if time.monotonic() > deadline:
            raise StartTimeout(
                f"There was no result within {patience:.0f} s for {expression}. "
                "See whether its targets are up: the query `up` tells."
            )
        time.sleep(_MOMENT)
    return found

"""What the engine holds, seen without the kit's own eyes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kit.launch import engine
from tests.traces import PATIENCE, await_true

_LABELLED = {"label": "kit.home"}


def held(socket: Path, home: Path) -> list[dict[str, Any]]:
    """Return all that the engine knows of each container of a kit home, running or not."""
    with engine.client(socket) as client:
        everything = client.containers.list(all=True, filters=_LABELLED, ignore_removed=True)
        return [one.attrs for one in everything if _belongs(one.labels, home)]


def networks(socket: Path, home: Path) -> list[str]:
    """Return the names of the networks of a kit home."""
    with engine.client(socket) as client:
        everything = client.networks.list(filters=_LABELLED)
        return [one.name for one in everything if _belongs(one.attrs["Labels"], home)]


def await_none(socket: Path, home: Path, patience: float = PATIENCE) -> float:
    """Wait until no container or network of a kit home is left; return the seconds it took."""
    return await_true(
        lambda: not held(socket, home) and not networks(socket, home),
        "the containers and networks are gone",
        patience,
    )


def orphans(socket: Path) -> set[str]:
    """Return the names of the volumes that no container has; other tests' are had by theirs."""
    with engine.client(socket) as client:
        return {one.name for one in client.volumes.list(filters={"dangling": True})}


def _belongs(labels: dict[str, str], home: Path) -> bool:
    return labels["kit.home"].endswith(f":{home}")

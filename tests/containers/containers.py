"""What the engine holds, seen without the kit's own eyes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kit.launch import engine
from tests.traces import PATIENCE, await_true


def held(socket: Path, home: Path) -> list[dict[str, Any]]:
    """Return all that the engine knows of each container of a kit home, running or not."""
    with engine.client(socket) as client:
        everything = client.containers.list(
            all=True, filters={"label": "kit.home"}, ignore_removed=True
        )
        return [one.attrs for one in everything if one.labels["kit.home"].endswith(f":{home}")]


def await_none(socket: Path, home: Path, patience: float = PATIENCE) -> float:
    """Wait until no container of a kit home is left; return the seconds that it took."""
    return await_true(lambda: not held(socket, home), "the containers are gone", patience)


def unused(socket: Path) -> set[str]:
    """Return the names of volumes and networks that no container uses; other tests' are in use."""
    with engine.client(socket) as client:
        idle = {"dangling": True}
        lists = client.volumes.list(filters=idle), client.networks.list(filters=idle)
        return {one.name for found in lists for one in found}

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


def volumes(socket: Path) -> set[str]:
    """Return the names of all volumes."""
    with engine.client(socket) as client:
        return {one.name for one in client.volumes.list()}

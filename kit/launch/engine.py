"""Find out whether a container engine answers, without loading its library."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from kit.errors import EngineMissing


def sockets() -> list[Path]:
    """List the sockets where Docker's or Podman's engine would listen."""
    named = os.environ.get("DOCKER_HOST", "")
    if named:
        return [Path(named.removeprefix("unix://"))] if named.startswith("unix://") else []
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    return [
        Path("/var/run/docker.sock"),
        Path.home() / ".docker/run/docker.sock",
        Path(runtime, "docker.sock"),
        Path(runtime, "podman/podman.sock"),
        Path("/run/podman/podman.sock"),
    ]


def answers() -> bool:
    """Tell whether an engine answers on one of its sockets."""
    return any(_ping(path) for path in sockets())


def explain() -> EngineMissing:
    """Say why no engine can be used, and what to type."""
    for path in sockets():
        if path.exists() and not os.access(path, os.W_OK):
            return EngineMissing(
                f"A container engine is here, but you may not use it: {path} is closed to you. "
                "Join its group and log in again: sudo usermod -aG docker $USER"
            )
        if path.exists():
            return EngineMissing(
                f"A container engine was here, but does not answer at {path}. "
                "Start it: sudo systemctl start docker"
            )
    return EngineMissing(
        "There is no container engine on this machine. Use local processes instead: "
        'kit.start(..., backend="process"), or install Docker or Podman.'
    )


def _ping(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1.0)
            connection.connect(str(path))
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False

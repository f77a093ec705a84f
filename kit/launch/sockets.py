"""Where a container engine may listen."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path


def possible() -> list[Path]:
    """List them: the one that is named alone, or the usual ones."""
    if chosen := named():
        return [Path(chosen.removeprefix("unix://"))] if chosen.startswith("unix://") else []
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    return [
        Path("/var/run/docker.sock"),
        Path.home() / ".docker/run/docker.sock",
        Path(runtime, "docker.sock"),
        Path(runtime, "podman/podman.sock"),
        Path("/run/podman/podman.sock"),
    ]


def named() -> str:
    """Return the address that DOCKER_HOST or the Docker context names, or an empty text."""
    return os.environ.get("DOCKER_HOST") or _context()


def _context() -> str:
    """Return the address in the current Docker context, empty where it is the default one."""
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        config = json.loads((folder / "config.json").read_text())
        name = os.environ.get("DOCKER_CONTEXT") or config.get("currentContext") or "default"
        digest = hashlib.sha256(name.encode()).hexdigest()
        meta = json.loads((folder / "contexts/meta" / digest / "meta.json").read_text())
        return str(meta["Endpoints"]["docker"]["Host"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return ""

"""Where a server will live, and the password that it is to have."""

from __future__ import annotations

from pathlib import Path

from kit.databases.base import Site
from kit.launch.request import Request


def site_for(request: Request, directory: Path, port: int) -> Site:
    """Lay down where a server will live and how it will run, with a password of its own."""
    return Site(
        directory=directory,
        port=port,
        password=request.secret or password(),
        durable=request.durable,
        role=request.role,
        alone=not request.group,
        settings=request.settings,
    )


def password() -> str:
    """Make a fresh password of 128 random bits."""
    import secrets

    return secrets.token_hex(16)

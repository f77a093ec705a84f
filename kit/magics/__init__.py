"""The `%sql` magic: ipython-sql, tamed so that a cell does what the server says it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kit.errors import UsageError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell
    from sqlalchemy import URL

    from kit.launch.server import Server
    from kit.magics.magic import SqlMagic

__all__ = ["connect", "load_ipython_extension"]


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """Register `%sql` and `%%sql`; what is connected already stays connected."""
    _magic(ipython)


def connect(server: Server | str | URL, *, name: str | None = None) -> None:
    """Make `server` the one `%sql` speaks to, loading the magic if need be.

    A server already connected keeps its session, and any transaction open on it.
    `name` calls the session something other than the server, so that two sessions on
    one server can be told apart: `%sql @name ...`.
    Raises UsageError outside IPython or for a server that does not speak SQL, and
    ConnectionRefused if nothing answers.
    """
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None:
        raise UsageError("%sql lives in a notebook, and this is none. Use the server's connect().")
    print(f"%sql now speaks to {_magic(shell).connect(server, name=name).name}.")


def _magic(shell: Any) -> SqlMagic:
    """Give the shell's magic, registering it once: ipython-sql's own goes by the same name."""
    from kit.magics.magic import SqlMagic

    registry = shell.magics_manager.registry
    if not isinstance(registry.get("SqlMagic"), SqlMagic):
        shell.register_magics(SqlMagic)
    magic: SqlMagic = registry["SqlMagic"]
    return magic

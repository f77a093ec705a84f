"""What ends a play before its time: a server that is gone, or will not have it."""

from __future__ import annotations

from sqlalchemy import exc

from kit.labs.source import Source
from kit.labs.statements import refused


class Gone(exc.SQLAlchemyError):
    """The server went away while a statement ran."""


def reason(error: Exception) -> str:
    """Return the server's words."""
    return str(error) if isinstance(error, Gone) else refused(error).message


def remedy(source: Source, error: Exception) -> str:
    """Say what to do about it."""
    hint = "" if isinstance(error, Gone) else refused(error).hint
    unreachable = isinstance(error, Gone | exc.OperationalError | exc.InterfaceError)
    return hint or (source.remedy if unreachable else "")

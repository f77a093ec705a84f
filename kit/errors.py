"""Every error the kit raises on purpose.

KitError
├── UsageError            the call cannot be right as it stands
│   ├── UnknownName       no such database, option, exercise or server
│   ├── Conflict          the name already belongs to a different server
│   └── Unsupported       this server, backend or product cannot do that
├── MissingError          something is not on this machine
│   ├── ServerMissing     no such server program
│   ├── EngineMissing     no container engine that answers
│   └── ImageMissing      the container image is not here and cannot be fetched
├── StartError            a server did not come up
│   ├── PortTaken
│   ├── NoSpace           disk full, or directory not writable
│   ├── ServerDied        it ended while starting
│   └── StartTimeout      it never answered
├── ServerGone            it was running, and is not any more
├── ConnectionRefused     an external server's address, user or password is wrong
├── SupervisorError       the process that keeps servers alive does not answer
├── TrackingError         a training run could not be logged or read
├── SQLError              the server refused a statement
└── PromQLError           Prometheus refused an expression or a configuration
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class KitError(Exception):
    """Say what happened, the likely cause, and the next command to type."""

    def _render_traceback_(self) -> list[str]:
        """Let IPython show the message alone, without the kit's own frames."""
        return [f"{type(self).__name__}: {self}"]


class UsageError(KitError):
    """Refuse a call that cannot be right as it stands."""


class UnknownName(UsageError):
    """Refuse a name the kit does not know, and suggest the nearest one."""

    @classmethod
    def among(cls, kind: str, given: object, known: Iterable[str]) -> UnknownName:
        """Build the error for `given`, naming the nearest of `known`, or all of them."""
        choices = sorted(known)
        near = difflib.get_close_matches(str(given).lower(), choices, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]!r}?" if near else f"Choose one of: {', '.join(choices)}."
        return cls(f"There is no {kind} called {str(given)!r}. {hint}")


class Conflict(UsageError):
    """Refuse a name that already belongs to a different server."""


class Unsupported(UsageError):
    """Refuse what this server, backend or product cannot do."""


class MissingError(KitError):
    """Something the call needs is not on this machine."""


class ServerMissing(MissingError):
    """No program of this database was found on this machine."""


class EngineMissing(MissingError):
    """No container engine answers."""


class ImageMissing(MissingError):
    """A container image is neither on this machine nor to be fetched."""


class StartError(KitError):
    """A server did not come up."""


class PortTaken(StartError):
    """The port that was asked for is in use."""


class NoSpace(StartError):
    """The disk is full or the directory cannot be written."""


class ServerDied(StartError):
    """The server ended while it was starting."""


class StartTimeout(StartError):
    """The server never answered a query."""


class ServerGone(KitError):
    """The server was running and is not any more."""


class ConnectionRefused(KitError):
    """An external server cannot be reached with the address, user or password given."""


class SupervisorError(KitError):
    """The process that keeps servers alive does not answer."""


class TrackingError(KitError):
    """A training run could not be logged or read."""


class SQLError(KitError):
    """The server refused a statement."""


class PromQLError(KitError):
    """Prometheus refused an expression or a configuration."""

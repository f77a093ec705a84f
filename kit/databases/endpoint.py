"""The address of a server, taken apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where, and as whom, a client connects; `room` is a learner's own part of a shared server.

    `named` tells that the address named its database, and none was filled in.
    """

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    catalog: str = ""
    # A driver's options may hold a password too.
    query: str = field(default="", repr=False)
    tls: bool = False
    room: str = ""
    named: bool = True

    @property
    def options(self) -> dict[str, str]:
        """The driver's options that stood in the address."""
        return dict(parse_qsl(self.query))

"""The read-heavy lab: many readers at once, and what an index and a pool of connections change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.errors import UsageError
from kit.labs import source as sources
from kit.labs.reads.clients import CONNECTIONS, Connections, check, measure
from kit.labs.reads.panel import LADDER, Readers
from kit.labs.reads.table import CUSTOMERS, QUERY, ROWS, TABLE, drop, has_index, index, prepare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import URL

    from kit.launch.server import Server

__all__ = [
    "CONNECTIONS",
    "CUSTOMERS",
    "LADDER",
    "QUERY",
    "ROWS",
    "TABLE",
    "Connections",
    "Readers",
    "drop",
    "has_index",
    "index",
    "measure",
    "prepare",
    "readers",
]


def readers(
    *servers: Server | str | URL,
    seconds: float = 0.4,
    times: int = 5,
    ladder: Sequence[int] = LADDER,
) -> Readers:
    """Open the read-heavy lab on one or more servers, or SQLAlchemy URLs.

    It measures `times` times for `seconds` each at every number of readers in `ladder`. It makes a
    table of its own, `kit_predictions`, where there is none, and leaves it; `drop(server)` removes
    it. Raise UsageError for a database that many readers cannot share.
    """
    chosen = [check(sources.read(one)) for one in servers]
    if not chosen:
        raise UsageError("Give at least one server, as in reads.readers(kit.start('mysql')).")
    if times < 1:
        raise UsageError("A load is measured once at least: times=1, and times=5 shows the spread.")
    return Readers(chosen, seconds=seconds, times=times, ladder=ladder)

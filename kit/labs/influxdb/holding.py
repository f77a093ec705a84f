"""What a retention policy holds: points counted by the server, bytes by the server and the disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kit.labs.influxdb.influxql import identifier
from kit.labs.influxdb.session import Series, Session

SETTLES = 15.0
"""Seconds to wait at most until everything written has reached its final files."""

_POLL = 0.1


@dataclass(frozen=True)
class Holding:
    """The points of one measurement under a policy, and the files of its shards.

    `disk` is the size of the files themselves, None where they are out of this process's reach (in
    a container, or on another machine); `reported` is what the server says of them.
    """

    points: int = 0
    shards: int = 0
    reported: int = 0
    disk: int | None = None

    @property
    def bytes(self) -> int:
        """Return the bytes found on the disk, or else those reported."""
        return self.reported if self.disk is None else self.disk


def holding(
    session: Session, policy: str, measurement: str, field: str, *, database: str = ""
) -> Holding:
    """Count what `policy` holds: a point counts when it has `field`."""
    database = database or session.database
    points = count(session, policy, measurement, field, database=database)
    shards = [
        one
        for one in session.one("SHOW STATS FOR 'shard'")
        if (one.tags["database"], one.tags["retentionPolicy"]) == (database, policy)
    ]
    reported = sum(int(one.column("diskBytes")[0]) for one in shards)
    return Holding(points, len(shards), reported, _on_disk(shards))


def count(
    session: Session, policy: str, measurement: str, field: str, *, database: str = ""
) -> int:
    """Count the points of a measurement that have `field`."""
    source = f"{identifier(policy)}.{identifier(measurement)}"
    text = " ".join(["SELECT count(", identifier(field), ") FROM", source])
    return int(session.value(text, "count", database=database))


def settle(
    session: Session,
    *,
    database: str = "",
    patience: float = SETTLES,
    stop: threading.Event | None = None,
) -> bool:
    """Wait until nothing is left in the write-ahead log; tell whether that came true."""
    database = database or session.database
    return until(lambda: not _pending(session, database), patience, stop)


def until(true: Callable[[], bool], patience: float, stop: threading.Event | None = None) -> bool:
    """Ask again and again until it is true, for `patience` seconds at most or until `stop`."""
    end, stop = time.monotonic() + patience, stop or threading.Event()
    while not true():
        if time.monotonic() > end or stop.wait(_POLL):
            return False
    return True


def setting(session: Session, group: str, name: str) -> str:
    """Return one of the server's settings as it states it; empty where it does not."""
    found: Mapping[str, Series] = {one.name: one for one in session.one("SHOW DIAGNOSTICS")}
    series = found.get(group)
    if series is None or name not in series.columns:
        return ""
    return str(series.column(name)[0])


def _pending(session: Session, database: str) -> int:
    """Return the bytes that are still in memory, on their way to a shard's final file."""
    caches = session.one("SHOW STATS FOR 'tsm1_cache'")
    return sum(int(one.column("memBytes")[0]) for one in caches if one.tags["database"] == database)


def _on_disk(shards: list[Series]) -> int | None:
    places = [Path(one.tags[name]) for one in shards for name in ("path", "walPath")]
    try:
        if not all(place.is_dir() for place in places[::2]):
            return None
        return sum(
            file.stat().st_size
            for place in places
            for file in place.rglob("*")
            if file.is_file() and file.suffix in (".tsm", ".wal", ".tombstone")
        )
    except OSError:
        return None

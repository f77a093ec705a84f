"""A fine series, a coarse one, the continuous query between them, and the end of old points."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from kit.labs.influxdb.holding import Holding, count, holding, setting, settle, until
from kit.labs.influxdb.influxql import Query, identifier, seconds
from kit.labs.influxdb.session import Session

DATABASE = "kit_retention"
MEASUREMENT = "gpu_use"
FINE, COARSE = "fine", "coarse"
HOURS = 6
EVERY = 2
"""Seconds between two points of the fine series."""

RUNS = ("run-a", "run-b")
_BATCH = 5000
_FILLS = 90.0
_EXPIRY = ("retention_policy", "expiry_time")


@dataclass(frozen=True)
class Holdings:
    """What both policies hold at one moment."""

    moment: str
    fine: Holding
    coarse: Holding


def place(session: Session) -> str:
    """Return the name of the database that holds both policies."""
    return session.beside(DATABASE)


def prepare(session: Session) -> list[str]:
    """Make an empty database with a policy for fine points and one for coarse ones."""
    database = identifier(place(session))
    statements = [
        f"DROP DATABASE {database}",
        f"CREATE DATABASE {database} WITH DURATION INF SHARD DURATION 1h NAME {FINE}",
        f"CREATE RETENTION POLICY {COARSE} ON {database} DURATION 52w REPLICATION 1",
    ]
    for statement in statements:
        session.ask(statement)
    return statements


def fill(session: Session, *, hours: int = HOURS, seed: int = 0) -> int:
    """Write simulated use of a GPU, a point every two seconds up to now, and count the points.

    The curves are drawn at random, the same for the same seed: a busy level that changes, noise
    around it, and short drops while data is loaded.
    """
    written = simulated(hours=hours, seed=seed)
    for at in range(0, len(written), _BATCH):
        session.write(
            written[at : at + _BATCH], precision="s", policy=FINE, database=place(session)
        )
    return len(written)


def simulated(*, hours: int = HOURS, seed: int = 0, until_time: float | None = None) -> list[str]:
    """Return points in line protocol, times in seconds, that end at the last full minute."""
    import numpy as np

    random = np.random.default_rng(seed)
    count = hours * 3600 // EVERY
    end = int(time.time() if until_time is None else until_time) // 60 * 60
    times = range(end - count * EVERY, end, EVERY)
    lines: list[str] = []
    for run in RUNS:
        levels = np.repeat(random.uniform(55, 92, hours * 4), count // (hours * 4) + 1)[:count]
        use = levels + random.normal(0, 2.5, count)
        use[random.random(count) < 0.003] = 4.0
        values = np.clip(use, 0, 100).round(1).tolist()
        lines += [
            f"{MEASUREMENT},run_id={run} percent={value} {at}"
            for at, value in zip(times, values, strict=True)
        ]
    return lines


def coarsen(session: Session, *, hours: int = HOURS) -> str:
    """Make the continuous query that fills the coarse series, and return it.

    It runs at once and then every minute, over all that the fine policy held at first: that covers
    old points too. On a platform it would look back a few minutes, for points that came late.
    """
    statement = "\n".join(
        [
            # Of one whose name it has seen before, the server remembers when it ran last.
            f"CREATE CONTINUOUS QUERY coarsen_{time.time_ns()} ON {identifier(place(session))}",
            f"RESAMPLE EVERY 1m FOR {hours + 1}h BEGIN",
            '  SELECT mean("percent") AS "mean", max("percent") AS "max", min("percent") AS "min"',
            f"  INTO {COARSE}.{MEASUREMENT} FROM {FINE}.{MEASUREMENT}",
            "  GROUP BY time(1m), *",
            "END",
        ]
    )
    session.ask(statement, database=place(session))
    return statement


def windows(session: Session) -> int:
    """Count the minutes that the coarse series has to have: those of the fine one."""
    text = (
        'SELECT count(m) FROM (SELECT mean("percent") AS m FROM fine.gpu_use '
        "GROUP BY time(1m), run_id fill(none))"
    )
    return int(session.value(text, "count", database=place(session)))


def filled(
    session: Session, *, patience: float = _FILLS, stop: threading.Event | None = None
) -> bool:
    """Wait until the server has filled every window; tell whether it did."""
    wanted = windows(session)

    def full() -> bool:
        return count(session, COARSE, MEASUREMENT, "mean", database=place(session)) >= wanted

    return until(full, patience, stop)


def expire(
    session: Session, *, patience: float = _FILLS, stop: threading.Event | None = None
) -> tuple[str, bool]:
    """Let the fine policy keep one hour; return the statement, and whether the rest went already.

    Points go with their whole shard, at the server's next check.
    """
    statement = " ".join(
        [
            "ALTER RETENTION POLICY",
            FINE,
            "ON",
            identifier(place(session)),
            "DURATION 1h SHARD DURATION 1h",
        ]
    )
    session.ask(statement)
    if seconds(check_interval(session)) > patience:
        return statement, False
    return statement, until(lambda: not expired(session), patience, stop)


def expired(session: Session) -> int:
    """Count the fine shards whose time is over and that are still there."""
    shards = [one for one in session.one("SHOW SHARDS") if one.name == place(session)]
    policies, ends = ([x for one in shards for x in one.column(c)] for c in _EXPIRY)
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return sum(end < now for name, end in zip(policies, ends, strict=True) if name == FINE)


def check_interval(session: Session) -> str:
    """Return how often the server looks for what has expired, as it states it."""
    return setting(session, "config-retention", "check-interval")


def hold(session: Session, moment: str, *, stop: threading.Event | None = None) -> Holdings:
    """Wait until everything has reached its file, and count what both policies hold."""
    settle(session, database=place(session), stop=stop)
    return Holdings(
        moment,
        holding(session, FINE, MEASUREMENT, "percent", database=place(session)),
        holding(session, COARSE, MEASUREMENT, "mean", database=place(session)),
    )


def queries(run: str = RUNS[0]) -> Sequence[str]:
    """Return the queries for the fine and the coarse curve of one run."""
    return (
        Query(MEASUREMENT, ["percent"], policy=FINE, where={"run_id": run}).text(),
        Query(MEASUREMENT, ["mean", "max"], policy=COARSE, where={"run_id": run}).text(),
    )

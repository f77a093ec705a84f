"""How many points a second are written, by how many go into one request."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from kit.labs.influxdb.session import Session
from kit.measure.spread import Spread, repeat

SIZES = (1, 10, 100, 1000, 5000)
LEAST = 200
"""Points that each measurement writes at least."""

SCRATCH = "kit_scratch"


@dataclass(frozen=True)
class Rate:
    """Points a second at one batch size: the median, and the quartiles around it."""

    size: int
    points: int
    seconds: Spread

    @property
    def median(self) -> float:
        """Return the points a second of the run in the middle."""
        return self.points / self.seconds.median

    @property
    def low(self) -> float:
        """Return the lower quartile."""
        return self.points / self.seconds.high

    @property
    def high(self) -> float:
        """Return the upper quartile."""
        return self.points / self.seconds.low


def measure(
    session: Session,
    *,
    sizes: Sequence[int] = SIZES,
    times: int = 5,
    told: Callable[[Rate], bool] | None = None,
) -> list[Rate]:
    """Write points over one connection at each batch size, and time it.

    The points go into a database of their own that is dropped afterwards. `told` hears of each
    rate as it is known; the measurement ends where it returns False.
    """
    rates: list[Rate] = []
    with scratch(session, session.beside(SCRATCH)) as database:
        for size in sizes:
            rates.append(_rate(session, database, size, times))
            if told is not None and not told(rates[-1]):
                break
    return rates


@contextmanager
def scratch(session: Session, name: str) -> Iterator[str]:
    """Make an empty database for a measurement, and drop it afterwards."""
    session.ask(f'DROP DATABASE "{name}"; CREATE DATABASE "{name}"')
    try:
        yield name
    finally:
        session.ask(f'DROP DATABASE "{name}"')


def lines(count: int, begin: int) -> list[str]:
    """Return training metrics in line protocol, a millisecond apart, from a time in nanoseconds."""
    return [
        f"training_metrics,run_id=run-{n % 10},model=sgd "
        f"loss={1 / (n + 1)!r},accuracy={n / count!r} {begin + n * 1_000_000}"
        for n in range(count)
    ]


def _rate(session: Session, database: str, size: int, times: int) -> Rate:
    count = max(size, LEAST)
    begins = itertools.count(time.time_ns(), count * 1_000_000)
    ready: list[list[str]] = []

    def prepare() -> None:
        some = lines(count, next(begins))
        ready[:] = [some[at : at + size] for at in range(0, count, size)]

    def write() -> None:
        for batch in ready:
            session.write(batch, database=database)

    return Rate(size, count, repeat(write, times=times, warm=1, before=prepare))

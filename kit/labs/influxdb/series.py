"""What a run id costs as a tag, and what as a field: series, memory of the index, time to query."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from kit.labs.influxdb.batches import scratch
from kit.labs.influxdb.session import Session
from kit.measure.spread import Spread, repeat

As = Literal["tag", "field"]
COUNTS = (1000, 5000, 10_000, 25_000, 50_000)
QUERY = "SELECT mean(loss) FROM training_metrics"

_BATCH = 5000
_DATABASE = "kit_cardinality"


@dataclass(frozen=True)
class Cost:
    """What so many runs of one point each cost, with their id kept `kept_as` a tag or a field.

    `series` and `index` (bytes of memory, by which the server's index grew) are the server's own
    figures; `written` is in seconds.
    """

    runs: int
    kept_as: As
    series: int
    index: int
    written: float
    query: Spread


def measure(
    session: Session,
    *,
    counts: Sequence[int] = COUNTS,
    kinds: Sequence[As] = ("tag", "field"),
    times: int = 5,
    told: Callable[[Cost], bool] | None = None,
) -> list[Cost]:
    """Write so many runs, in either way, each time into an empty database of its own.

    `told` hears of each cost as it is known; the measurement ends where it returns False.
    """
    costs: list[Cost] = []
    for runs in counts:
        for kept_as in kinds:
            costs.append(_cost(session, runs, kept_as, times))
            if told is not None and not told(costs[-1]):
                return costs
    return costs


def lines(runs: int, kept_as: As, begin: int) -> list[str]:
    """Return one point for each run in line protocol, from a time in nanoseconds on."""
    if kept_as == "tag":
        return [
            f"training_metrics,run_id=run-{n:06d},model=sgd loss=0.5 {begin + n}"
            for n in range(runs)
        ]
    return [
        f'training_metrics,model=sgd run_id="run-{n:06d}",loss=0.5 {begin + n}' for n in range(runs)
    ]


def index_bytes(session: Session) -> int:
    """Return how much memory the server says that its index of series takes."""
    return int(session.value("SHOW STATS FOR 'indexes'", "memoryBytes"))


def _cost(session: Session, runs: int, kept_as: As, times: int) -> Cost:
    before = index_bytes(session)
    with scratch(session, session.beside(_DATABASE)) as database:
        written = lines(runs, kept_as, time.time_ns())
        begun = time.perf_counter()
        for at in range(0, runs, _BATCH):
            session.write(written[at : at + _BATCH], database=database)
        took = time.perf_counter() - begun
        series = session.value("SHOW SERIES EXACT CARDINALITY", "count", database=database)
        grown = index_bytes(session) - before
        query = repeat(lambda: session.ask(QUERY, database=database), times=times)
    return Cost(runs, kept_as, int(series), grown, took, query)

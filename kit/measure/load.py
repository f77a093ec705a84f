"""Load on a server by real clients, each with a connection of its own."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from kit.errors import UsageError
from kit.measure.clients import Crew, ended

SECONDS = 2.0
TICK = 0.1
_MOST = 512


@dataclass(frozen=True, kw_only=True)
class Load:
    """What the clients did: each latency in seconds, of the operations that succeeded.

    `seconds` runs from the common start to the end of the last operation. `errors` counts what was
    raised, by the name of its type; `messages` keeps the first of each type. `cpu` is the processor
    time, in seconds, that this Python process took meanwhile.
    """

    clients: int
    seconds: float
    latencies: Sequence[float] = field(repr=False)
    errors: Mapping[str, int]
    messages: Mapping[str, str]
    cpu: float

    @property
    def operations(self) -> int:
        """Return how many operations succeeded."""
        return len(self.latencies)

    @property
    def failed(self) -> int:
        """Return how many operations and attempts to connect failed."""
        return sum(self.errors.values())

    @property
    def throughput(self) -> float:
        """Return how many operations succeeded per second."""
        return self.operations / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """Return the latency that `share` per cent of the operations did not exceed.

        It is one that was measured, found by the nearest-rank rule; NaN where there are none.
        """
        if not 0 < share <= 100:
            raise UsageError(f"There is no percentile {share}: ask for one above 0, up to 100.")
        if not self.latencies:
            return math.nan
        return self._sorted[math.ceil(share / 100 * self.operations) - 1]

    @cached_property
    def _sorted(self) -> list[float]:
        return sorted(self.latencies)


def load(
    open: Callable[[], Any],
    work: Callable[[Any], object],
    *,
    clients: int = 8,
    seconds: float | None = None,
    operations: int | None = None,
    warm: int = 1,
    close: Callable[[Any], object] | None = None,
    stop: threading.Event | None = None,
    tick: Callable[[Load], object] | None = None,
) -> Load:
    """Have `clients` threads call `work(connection)` in a closed loop, and measure each call.

    Each opens a connection by `open()` and does `warm` operations that do not count, though their
    errors do; then all start together, for `seconds` (2 by default) or until `operations` were
    tried in all. What has begun in time is finished, and counts. After an error, which is counted,
    a client closes its connection by `close` (by default its own `close()`) and opens another. If
    no client at all can connect, the first one's error is raised.

    Setting `stop` ends the load early and returns what was measured; interrupting the cell ends it
    too. `tick(load)` is called ten times per second, in the calling thread, with what there is.

    The clients share one Python, which runs one thread at a time: a latency holds the client's own
    work and, with many clients, the wait for its turn. Where `cpu` comes near `seconds`, Python
    limits the throughput, not the server.
    """
    _check(clients, seconds, operations, warm)
    if seconds is None and operations is None:
        seconds = SECONDS
    crew = Crew(
        open,
        work,
        close or (lambda connection: connection.close()),
        clients=clients,
        warm=warm,
        operations=operations,
        stop=stop or threading.Event(),
    )
    now = time.perf_counter
    crew.run(seconds, None if tick is None else lambda: tick(_read(crew, now())), TICK)
    return _read(crew, ended(crew.notes))


def _check(clients: int, seconds: float | None, operations: int | None, warm: int) -> None:
    if not 1 <= clients <= _MOST:
        raise UsageError(f"{clients} clients are not possible: choose from 1 to {_MOST}.")
    if seconds is not None and operations is not None:
        raise UsageError("A load ends after seconds= or after operations=: say one of the two.")
    if (seconds is not None and not seconds > 0) or (operations is not None and operations < 1):
        raise UsageError("There is nothing to do: seconds= or operations= must be above zero.")
    if warm < 0:
        raise UsageError(f"warm={warm} is not possible: it counts operations, so take 0 or more.")


def _read(crew: Crew, until: float) -> Load:
    errors: Counter[str] = Counter()
    messages: dict[str, str] = {}
    for notes in crew.notes:
        errors.update(notes.errors.copy())
        messages = notes.messages.copy() | messages
    return Load(
        clients=len(crew.notes),
        seconds=max(until - crew.begun, 0.0),
        latencies=[latency for notes in crew.notes for latency in notes.latencies.copy()],
        errors=dict(errors),
        messages=messages,
        cpu=time.process_time() - crew.cpu,
    )

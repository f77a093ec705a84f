"""A simulation of provisioned capacity: what is served, what is throttled, how it is scaled.

No server on one's own machine throttles, so this is arithmetic. The rules are the documented ones:
"DynamoDB burst and adaptive capacity" (up to 300 seconds of unused capacity are kept; one partition
serves up to 1,000 write units a second) and "Managing throughput capacity automatically with
DynamoDB auto scaling" (target tracking on averages of a minute).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kit.errors import UsageError

BURST = 300
"""Seconds of unused capacity that are kept at most."""

PARTITION = 1000.0
"""Write units per second that one partition serves."""

HIGH, LOW = 2, 15
"""Minutes in a row above, and below, after which target tracking changes the capacity."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is provisioned, in write units per second, and how it is scaled.

    `target` is the utilisation that auto scaling aims at, 0 for none; `hottest` the share of the
    load that goes to one key.
    """

    provisioned: float = 100.0
    target: float = 0.7
    least: float = 1.0
    most: float = 40_000.0
    hottest: float = 0.0

    def __post_init__(self) -> None:
        if self.provisioned <= 0 or not 0 <= self.target <= 1 or not 0 <= self.hottest <= 1:
            raise UsageError(
                "Provisioned units are above zero; the target and the hottest key's share are "
                "numbers from 0 to 1."
            )


@dataclass
class Trace:
    """What happened in each second, in write units."""

    offered: list[float] = field(default_factory=list)
    provisioned: list[float] = field(default_factory=list)
    served: list[float] = field(default_factory=list)
    bucket: list[float] = field(default_factory=list)

    @property
    def throttled(self) -> float:
        """Return how many units were refused in all."""
        return sum(self.offered) - sum(self.served)


def simulate(offered: Sequence[float], settings: Settings) -> Trace:
    """Serve a load, second by second, from capacity and what was saved of it."""
    trace, capacity, bucket = Trace(), settings.provisioned, 0.0
    for second, load in enumerate(offered):
        if second and second % 60 == 0 and settings.target:
            capacity = scaled(trace, capacity, settings)
        hot = min(load * settings.hottest, PARTITION)
        reachable = hot + load * (1 - settings.hottest)
        served = min(reachable, capacity + bucket)
        bucket = min(BURST * capacity, bucket + capacity - served)
        trace.offered.append(load)
        trace.provisioned.append(capacity)
        trace.served.append(served)
        trace.bucket.append(bucket)
    return trace


def scaled(trace: Trace, capacity: float, settings: Settings) -> float:
    """Return the capacity for the next minute, by target tracking on the minutes before."""
    used = [
        sum(trace.served[start : start + 60]) / sum(trace.provisioned[start : start + 60])
        for start in range(0, len(trace.served), 60)
    ]
    wanted = math.ceil(sum(trace.served[-60:]) / 60 / settings.target)
    above = len(used) >= HIGH and all(one > settings.target for one in used[-HIGH:])
    below = len(used) >= LOW and all(one < settings.target - 0.2 for one in used[-LOW:])
    if (above and wanted > capacity) or (below and wanted < capacity):
        return min(settings.most, max(settings.least, wanted))
    return capacity


LOADS: dict[str, str] = {
    "a step": "four times as much from minute 10 on",
    "a spike": "ten times as much for two minutes",
    "a ramp": "twice as much every ten minutes",
    "steady": "the same all the time",
}
"""The loads that can be chosen, in words."""


def load(name: str, base: float, minutes: int = 60) -> list[float]:
    """Return a load second by second, in write units; `base` is what it begins with."""
    shapes: dict[str, Callable[[float], float]] = {
        "a step": lambda minute: base * (4 if minute >= 10 else 1),
        "a spike": lambda minute: base * (10 if 20 <= minute < 22 else 1),
        "a ramp": lambda minute: base * 2 ** (minute / 10),
        "steady": lambda minute: base,
    }
    if name not in shapes:
        raise UsageError(f"There is no load called {name!r}. Choose one of: {', '.join(shapes)}.")
    return [float(shapes[name](second / 60)) for second in range(60 * minutes)]

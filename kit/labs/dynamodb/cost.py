"""What a workload costs a month, on demand and provisioned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kit.errors import UsageError
from kit.labs.dynamodb.capacity import Consistency, read_units, write_units

DAYS = 365 / 12
"""Days of a month."""

TARGET = 0.7
"""The utilisation that auto scaling aims at unless told otherwise."""


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Prices in US dollars, from AWS's page "Amazon DynamoDB pricing".

    The defaults are those of US East (N. Virginia) and the Standard table class as of the date in
    `as_of`, when AWS last halved the on-demand prices. Look yours up: they differ by region.
    """

    write_request: float = 0.625
    read_request: float = 0.125
    write_hour: float = 0.00065
    read_hour: float = 0.00013
    as_of: str = "2024-11-01"

    def __post_init__(self) -> None:
        if min(self.write_request, self.read_request, self.write_hour, self.read_hour) < 0:
            raise UsageError("A price is zero or more, in US dollars.")

    @property
    def source(self) -> str:
        """Say where the defaults come from."""
        return f"Amazon DynamoDB pricing, US East (N. Virginia), as of {self.as_of}"

    @property
    def break_even(self) -> tuple[float, float]:
        """Return the utilisation of writes and reads at which both modes cost the same.

        Above it provisioned capacity is cheaper, below it on-demand.
        """
        pairs = ((self.write_hour, self.write_request), (self.read_hour, self.read_request))
        write, read = (
            hour / (3600 * request / 1e6) if request else math.inf for hour, request in pairs
        )
        return write, read


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Requests per second in each hour of a day, and what one request is like.

    `writes` is the share of requests that write, `size` the bytes of an item.
    """

    hours: Sequence[float]
    writes: float = 0.2
    size: int = 1024
    consistency: Consistency = "eventual"

    def __post_init__(self) -> None:
        if len(self.hours) != 24 or min(self.hours) < 0:
            raise UsageError("A day has 24 hours, each with zero or more requests per second.")
        if not 0 <= self.writes <= 1:
            raise UsageError("The share of writes is a number from 0 to 1.")

    @property
    def write_rates(self) -> list[float]:
        """Return the write units per second of each hour."""
        return [rate * self.writes * write_units(self.size) for rate in self.hours]

    @property
    def read_rates(self) -> list[float]:
        """Return the read units per second of each hour."""
        each = read_units(self.size, self.consistency)
        return [rate * (1 - self.writes) * each for rate in self.hours]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """One way to pay, in US dollars a month."""

    mode: str
    writes: float
    reads: float
    how: str

    @property
    def total(self) -> float:
        """Return what both come to."""
        return self.writes + self.reads


def compare(workload: Workload, prices: Prices) -> list[Cost]:
    """Return what a workload costs in each mode.

    Auto scaling is taken at its best: capacity follows each hour at the target utilisation,
    without delay. "DynamoDB throughput capacity" in the Developer Guide describes the modes.
    """
    rates = workload.write_rates, workload.read_rates
    hourly = prices.write_hour, prices.read_hour
    requests = prices.write_request, prices.read_request
    pairs = list(zip(rates, hourly, requests, strict=True))
    demand = [sum(rate) * 3600 * DAYS / 1e6 * request for rate, _, request in pairs]
    peak = [math.ceil(max(rate)) * 24 * DAYS * hour for rate, hour, _ in pairs]
    followed = [
        sum(max(1, math.ceil(one / TARGET)) for one in rate) * DAYS * hour if max(rate) else 0.0
        for rate, hour, _ in pairs
    ]
    return [
        Cost(mode="on-demand", writes=demand[0], reads=demand[1], how="each request is paid"),
        Cost(
            mode="provisioned for the peak",
            writes=peak[0],
            reads=peak[1],
            how="paid by the hour, used or not",
        ),
        Cost(
            mode="provisioned, auto scaled",
            writes=followed[0],
            reads=followed[1],
            how=f"follows each hour at {TARGET:.0%} utilisation, at its best",
        ),
    ]


def utilisation(rates: Sequence[float]) -> float:
    """Return how much of capacity for the peak a day would use, from 0 to 1."""
    return sum(rates) / (len(rates) * max(rates)) if max(rates, default=0) else 0.0


SHAPES: dict[str, tuple[float, ...]] = {
    "office hours": (*[0.1] * 7, 0.4, 0.8, 1, 1, 0.9, 0.8, 1, 1, 0.9, 0.7, 0.4, *[0.2] * 6),
    "the same all day": (1.0,) * 24,
    "a nightly batch": (0, 1, 1, *[0.0] * 21),
    "one busy hour": (*[0.05] * 12, 1, *[0.05] * 11),
}
"""Days in outline: each hour as a share of the busiest."""

"""The same load several times over, and how far its figures lie apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from kit.measure.load import Load
from kit.measure.spread import Spread


@dataclass(frozen=True)
class Rounds:
    """One or more loads by the same number of clients, in the order in which they were measured.

    A figure of theirs is a Spread over the loads: the median of what each measured, and quartiles.
    """

    loads: Sequence[Load] = field(repr=False)

    @property
    def clients(self) -> int:
        """Return how many clients each load had."""
        return self.loads[0].clients

    @property
    def seconds(self) -> float:
        """Return how long all took together."""
        return sum(load.seconds for load in self.loads)

    @property
    def operations(self) -> int:
        """Return how many operations succeeded in all."""
        return sum(load.operations for load in self.loads)

    @property
    def failed(self) -> int:
        """Return how many operations and attempts to connect failed in all."""
        return sum(load.failed for load in self.loads)

    @property
    def throughput(self) -> Spread:
        """Return the operations that succeeded per second."""
        return Spread([load.throughput for load in self.loads])

    @property
    def busy(self) -> Spread:
        """Return the share of one processor core that this Python process took; 1 is all of it."""
        return Spread([load.cpu / load.seconds if load.seconds else 0.0 for load in self.loads])

    @cached_property
    def latencies(self) -> list[float]:
        """Return every latency of all loads, in seconds."""
        return [latency for load in self.loads for latency in load.latencies]

    def percentile(self, share: float) -> Spread:
        """Return the latency that `share` per cent of a load's operations did not exceed.

        NaN where no operation succeeded.
        """
        return Spread(
            [load.percentile(share) for load in self.loads if load.operations] or [math.nan]
        )

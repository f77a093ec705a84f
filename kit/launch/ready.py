"""Ready means that a real query was answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from kit.errors import KitError, StartTimeout

T = TypeVar("T")
_SHORTEST, _LONGEST = 0.002, 0.05
# What a pause may add to a wait: a twentieth.
_SHARE = 20


@dataclass(frozen=True)
class Wait:
    """Wait for `what` until `deadline` (monotonic seconds); `alive` raises if it has died."""

    what: str
    deadline: float
    alive: Callable[[], None]

    def until(self, attempt: Callable[[], T]) -> T:
        """Repeat `attempt` until it succeeds; raise StartTimeout, or what `alive` raises."""
        began = time.monotonic()
        while True:
            try:
                return attempt()
            except (KitError, ImportError):
                raise
            except Exception as error:
                failure = error
            self.alive()
            if time.monotonic() > self.deadline:
                raise self._late(failure)
            waited = time.monotonic() - began
            time.sleep(min(max(waited / _SHARE, _SHORTEST), _LONGEST))

    def _late(self, error: Exception) -> StartTimeout:
        reason = str(error).strip().splitlines()
        last = f" Its last answer: {reason[0]}." if reason else ""
        return StartTimeout(
            f"{self.what} did not answer a query in time.{last} The machine may be busy: "
            "give it longer with kit.start(..., timeout=180), or look at: kit doctor"
        )

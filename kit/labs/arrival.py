"""Noting when the first bytes of a server's answer arrive."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

_READABLE = 1  # psycopg.waiting.Ready.R


class Arrival:
    """Watch a psycopg connection; `at` is when the answer to the last statement began to come.

    psycopg waits for the server in one place, `Connection.wait`; what it waits on is passed through
    unchanged.
    """

    def __init__(self, driver: Any) -> None:
        self.at: float | None = None
        self._wait = driver.wait
        driver.wait = self.wait

    def wait(self, waiting: Any, *options: Any, **named: Any) -> Any:
        """Wait as psycopg does, and note when the socket first has something to read."""
        return self._wait(self._noted(waiting), *options, **named)

    def _noted(self, waiting: Any) -> Generator[Any, Any, Any]:
        try:
            wanted = next(waiting)
            while True:
                ready = yield wanted
                if self.at is None and int(ready) & _READABLE:
                    self.at = time.perf_counter()
                wanted = waiting.send(ready)
        except StopIteration as done:
            return done.value

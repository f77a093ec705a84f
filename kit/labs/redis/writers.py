"""Clients that write one after the other, and remember what the server has acknowledged."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis.exceptions import RedisError

from kit.labs.redis.source import Client

_PAUSE = 0.02  # seconds that a writer rests after a refusal
_BATCH = 500


@dataclass
class Writer:
    """What one client wrote: when each write was acknowledged, and when one was refused.

    Times are in seconds on `time.monotonic`'s clock; write number n has the key `name:n`.
    """

    name: str
    acknowledged: list[tuple[float, int]] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    said: str = ""

    @property
    def keys(self) -> list[str]:
        """Return the keys whose writes were acknowledged, in order."""
        return [f"{self.name}:{number}" for _, number in self.acknowledged]


class Writers:
    """Write by several clients at once until told to stop; `open` gives each its own."""

    def __init__(self, open: Callable[[], Client], *, clients: int = 4, pause: float = 0.0) -> None:
        self.all = [Writer(f"write:{n}") for n in range(clients)]
        self._open = open
        self._pause = pause
        self._end = threading.Event()
        self._threads = [
            threading.Thread(target=self._write, args=(one,), name="kit-writer", daemon=True)
            for one in self.all
        ]

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(10)

    @property
    def acknowledged(self) -> list[float]:
        """Return when writes were acknowledged, in order."""
        return sorted(moment for one in self.all for moment, _ in one.acknowledged.copy())

    @property
    def refused(self) -> list[float]:
        """Return when writes were refused, in order."""
        return sorted(moment for one in self.all for moment in one.refused.copy())

    def _write(self, writer: Writer) -> None:
        client: Any = None
        number = 0
        while not self._end.is_set():
            try:
                client = client or self._open()
                # A write that was refused may have arrived all the same: its key is not used again.
                number += 1
                client.set(f"{writer.name}:{number}", number)
                writer.acknowledged.append((time.monotonic(), number))
                self._end.wait(self._pause) if self._pause else None
            except (RedisError, OSError) as error:
                writer.refused.append(time.monotonic())
                writer.said = writer.said or str(error)
                _close(client)
                client = None
                self._end.wait(_PAUSE)
        _close(client)


def surviving(client: Client, writers: Sequence[Writer]) -> list[list[bool]]:
    """Ask, for each writer's acknowledged writes in order, whether they are there."""
    return [_there(client, writer.keys) for writer in writers]


def is_prefix(there: Sequence[bool]) -> bool:
    """Tell whether no write is there that came after one that is not."""
    return list(there) == sorted(there, reverse=True)


def _there(client: Client, keys: Sequence[str]) -> list[bool]:
    found: list[bool] = []
    for place in range(0, len(keys), _BATCH):
        pipeline = client.pipeline(transaction=False)
        for key in keys[place : place + _BATCH]:
            pipeline.exists(key)
        found += map(bool, pipeline.execute())
    return found


def _close(client: Any) -> None:
    if client is not None:
        client.close()

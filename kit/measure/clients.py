"""Clients in threads of their own, each of which notes down what happened to it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from typing import Any

_PAUSE = 0.05
_PATIENCE = 5.0
_NONE = object()


class Notes:
    """What one client notes down; only its own thread writes here."""

    def __init__(self) -> None:
        self.connection: Any = _NONE
        self.refused: Exception | None = None
        self.ready = threading.Event()
        self.latencies: list[float] = []
        self.errors: dict[str, int] = {}
        self.messages: dict[str, str] = {}
        self.ended = 0.0

    @property
    def connected(self) -> bool:
        """Tell whether the client has a connection."""
        return self.connection is not _NONE

    def count(self, error: Exception) -> None:
        """Count an error by the name of its type, and keep the first message of each."""
        name = type(error).__name__
        self.errors[name] = self.errors.get(name, 0) + 1
        self.messages.setdefault(name, str(error).strip())


class Crew:
    """The clients of one load: they connect, warm up, start together and work in a closed loop."""

    def __init__(
        self,
        open: Callable[[], Any],
        work: Callable[[Any], object],
        close: Callable[[Any], object],
        *,
        clients: int,
        warm: int,
        operations: int | None,
        stop: threading.Event,
    ) -> None:
        self._open, self._work, self._close, self._warm = open, work, close, warm
        self._operations, self._stop = operations, stop
        self._end, self._go = threading.Event(), threading.Event()
        self._turns = count()
        self._until = math.inf
        self.begun = self.cpu = 0.0
        self.notes = [Notes() for _ in range(clients)]
        self._threads = [
            threading.Thread(target=self._client, args=(notes,), name="kit-load", daemon=True)
            for notes in self.notes
        ]

    def run(self, seconds: float | None, tick: Callable[[], object] | None, every: float) -> None:
        """Work until the time is over, all is done or somebody says stop; `tick` meanwhile."""
        try:
            for thread in self._threads:
                thread.start()
            for notes in self.notes:
                notes.ready.wait()
            self._refuse_if_none_connected()
            self._start(seconds)
            self._watch(tick, every)
        finally:
            self._end.set()
            self._go.set()
            self._gather()

    def _start(self, seconds: float | None) -> None:
        self.cpu = time.process_time()
        self.begun = time.perf_counter()
        if seconds is not None:
            self._until = self.begun + seconds
        self._go.set()

    def _watch(self, tick: Callable[[], object] | None, every: float) -> None:
        due = time.perf_counter() + every
        for thread in self._threads:
            while thread.is_alive():
                thread.join(max(due - time.perf_counter(), 0.001))
                if time.perf_counter() >= due:
                    due = time.perf_counter() + every
                    if tick is not None:
                        tick()

    def _gather(self) -> None:
        """Wait for the clients; one that hangs in its server is left to end by itself."""
        given_up = time.perf_counter() + _PATIENCE
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(given_up - time.perf_counter(), 0.0))

    def _refuse_if_none_connected(self) -> None:
        refused = [notes.refused for notes in self.notes if notes.refused is not None]
        if len(refused) == len(self.notes):
            raise refused[0]

    def _client(self, notes: Notes) -> None:
        try:
            self._connect(notes)
            for _ in range(self._warm):
                if notes.connected and not self._over():
                    self._once(notes)
            notes.latencies.clear()
            notes.ready.set()
            self._go.wait()
            while self._has_turn():
                self._turn(notes)
                notes.ended = time.perf_counter()
        finally:
            notes.ready.set()
            self._disconnect(notes)

    def _over(self) -> bool:
        return self._end.is_set() or self._stop.is_set() or time.perf_counter() >= self._until

    def _has_turn(self) -> bool:
        if self._over():
            return False
        return self._operations is None or next(self._turns) < self._operations

    def _turn(self, notes: Notes) -> None:
        if not notes.connected:
            self._connect(notes)
        if notes.connected:
            self._once(notes)
        else:
            # A client that is refused waits a little before it knocks again.
            self._end.wait(_PAUSE)

    def _once(self, notes: Notes) -> None:
        begun = time.perf_counter()
        try:
            self._work(notes.connection)
        except Exception as error:
            notes.count(error)
            self._disconnect(notes)
        else:
            notes.latencies.append(time.perf_counter() - begun)

    def _connect(self, notes: Notes) -> None:
        try:
            notes.connection = self._open()
        except Exception as error:
            notes.refused = error
            notes.count(error)

    def _disconnect(self, notes: Notes) -> None:
        connection, notes.connection = notes.connection, _NONE
        if connection is not _NONE:
            # A connection that broke may refuse to be closed; its error has been counted.
            with suppress(Exception):
                self._close(connection)


def ended(notes: Sequence[Notes]) -> float:
    """Return when the last operation of all ended."""
    return max(one.ended for one in notes)

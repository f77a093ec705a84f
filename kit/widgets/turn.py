"""Whose turn it is, where clicks come faster than the work that they ask for."""

from __future__ import annotations

import threading
from collections.abc import Callable

Work = Callable[[], object]


class Turn:
    """Let one piece of work at a time go on: `with turn:` waits for the one before.

    The same thread may take its turn again within it.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._guard = threading.Lock()
        self._next: Work | None = None
        self._ended = False

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def ask(self, background: Callable[[Work], object], work: Work) -> None:
        """Have `background` do `work` when its turn comes.

        So a click counts even while the work before it is being tidied up. Of several that wait,
        the last one counts.
        """
        with self._guard:
            waits, self._next = self._next is not None, work
        if not waits:
            background(self._begin)

    def end(self) -> None:
        """Let nothing begin any more that was asked for."""
        self._ended = True

    def _begin(self) -> None:
        with self:
            with self._guard:
                work, self._next = self._next, None
            if work is not None and not self._ended:
                work()

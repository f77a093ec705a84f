"""The supervisor's work that can wait, so that it disturbs nobody who waits for a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path

from kit.launch import leftovers
from kit.launch.children import Children

_QUIET = 2.0
_SOON = 1.0


class Chores:
    """Delete what was discarded and make data ready; `busy` tells whether a start is under way."""

    def __init__(self, home: Path, children: Children, busy: Callable[[], bool]) -> None:
        self._home = home
        self._children = children
        self._busy = busy
        self._turn = asyncio.Lock()
        self._ending = asyncio.Event()
        self._tidying: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def tidy(self) -> None:
        """Delete what was discarded: many files, which slow the creation of new ones meanwhile."""
        if self._tidying:
            self._tidying.cancel()
        self._tidying = asyncio.get_running_loop().call_later(_QUIET, self._empty)

    def put_off(self) -> None:
        """Leave the deleting for later."""
        if self._tidying:
            self.tidy()

    def make_ready(self, argv: list[str]) -> None:
        """Run a command that makes the next server's data ready; of several, one at a time."""
        self._begin(self._make_ready(argv))

    async def end(self) -> None:
        """Finish what was begun, and begin nothing more."""
        self._ending.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _empty(self) -> None:
        self._begin(self._children.run(leftovers.emptying(self._home)))

    async def _make_ready(self, argv: list[str]) -> None:
        async with self._turn:
            await self._await_calm()
            if not self._ending.is_set():
                await self._children.run(argv)

    async def _await_calm(self) -> None:
        calm = False
        while not (calm or self._ending.is_set()):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), _SOON)
            calm = not self._busy()

    def _begin(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

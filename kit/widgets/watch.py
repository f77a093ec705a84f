"""Looking again and again, until nobody looks any more."""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kit.widgets.parts import Part

PATIENCE = 0.5
"""Seconds that a page is given to draw. While a cell runs, the kernel does not hear the page."""

_running: weakref.WeakSet[Watch] = weakref.WeakSet()
_hooked: set[str] = set()


class Watch:
    """Call `look` in a thread of its own; it returns how many seconds to wait before the next time.

    It stops when `stop` is called, when the cell that runs in the kernel is interrupted, and when
    the interpreter ends.
    """

    def __init__(
        self, look: Callable[[], float], *, stopped: Callable[[], None] | None = None
    ) -> None:
        self._look = look
        self._stopped = stopped
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        self._page: Part | None = None
        self._asked = 0

    @property
    def running(self) -> bool:
        """Tell whether the thread is alive."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin to look, if it does not already."""
        if self.running and not self._end.is_set():
            return
        self._end = end = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(end,), name="kit-watch", daemon=True
        )
        _running.add(self)
        _hook()
        self._thread.start()

    def pace(self, page: Part) -> None:
        """Look no sooner than the page has drawn what came before, or it would fall behind."""
        self._page = page

    def stop(self, *, wait: bool = True) -> None:
        """End the thread; with `wait`, come back when it has ended (not if it asks itself)."""
        self._end.set()
        _running.discard(self)
        if wait and self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=10)

    def interrupt(self) -> None:
        """Stop, and say so."""
        self.stop()
        if self._stopped is not None:
            self._stopped()

    def _run(self, end: threading.Event) -> None:
        while not end.is_set():
            rest, begun = self._look(), time.monotonic()
            self._await_page(end)
            end.wait(max(rest - (time.monotonic() - begun), 0.0))

    def _await_page(self, end: threading.Event) -> None:
        if self._page is None or not self._page.views:
            return
        self._asked = asked = self._asked + 1
        drawn = threading.Event()
        self._page.listen("drawn", lambda value: drawn.set() if value == asked else None)
        self._page.send({"event": "draw", "value": asked})
        patience = time.monotonic() + PATIENCE
        while not (end.is_set() or drawn.wait(0.02) or time.monotonic() > patience):
            pass


def rest_unseen(watch: Watch, part: Part) -> None:
    """Let a watch rest while no view of `part` is open, and go on when one is opened again.

    While one is open, it looks no faster than the page draws.
    """
    watch.pace(part)
    resting = threading.Event()

    def left(_view: object) -> None:
        if not part.views and watch.running:
            resting.set()
            watch.stop(wait=False)

    def came(_view: object) -> None:
        if resting.is_set():
            resting.clear()
            watch.start()

    part.listen("shown", came)
    part.listen("gone", left)


def stop_all() -> None:
    """Stop every watch of this process."""
    for watch in list(_running):
        watch.stop()


def _hook() -> None:
    if "exit" not in _hooked:
        _hooked.add("exit")
        atexit.register(stop_all)
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is not None and "cell" not in _hooked:
        _hooked.add("cell")
        shell.events.register("post_run_cell", _after_cell)


def _after_cell(result: Any) -> None:
    """Take the Interrupt button at its word: a learner who presses it wants quiet."""
    if isinstance(getattr(result, "error_in_exec", None), KeyboardInterrupt):
        for watch in list(_running):
            watch.interrupt()

"""A panel that does one thing at a time beside the kernel, and stops when it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kit.errors import KitError
from kit.labs.influxdb.session import Session, told
from kit.widgets.panel import Panel


class Working(Panel):
    """Work in turns: a second click while something runs does nothing, and closing ends it."""

    def __init__(self, title: str, session: Session, **options: Any) -> None:
        self.session = session
        self.stopping = threading.Event()
        self._work = threading.Lock()
        super().__init__(title, accent=session.accent, **options)

    @property
    def working(self) -> bool:
        """Tell whether something runs."""
        return self._work.locked()

    def begin(self, work: Callable[[], object]) -> None:
        """Do `work` beside the kernel, unless something runs already."""
        if not self.working:
            self.background(work)

    @contextmanager
    def turn(self, *controls: Any) -> Iterator[None]:
        """Have the controls rest meanwhile, and show what the kit or a server refuses."""
        with self._work:
            self.stopping.clear()
            for control in controls:
                control.disabled = True
            try:
                yield
            except KitError as error:
                self.fail(*told(error))
            except KeyboardInterrupt:
                self.halt("interrupted", state="failed")
                raise
            finally:
                for control in controls:
                    control.disabled = False

    def close(self) -> None:
        """Stop what runs, wait for its end, close the client and remove the panel."""
        self.stopping.set()
        with self._work:
            self.session.close()
            super().close()

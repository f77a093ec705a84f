"""A panel around one measurement: started, watched, cancelled, repeated."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import ipywidgets
from redis.exceptions import RedisError

from kit.errors import KitError
from kit.labs.redis.source import Source
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.turn import Turn


class Experiment(Panel):
    """Run `measure` beside the kernel when the button is pressed, and say how it went.

    `measure` returns what came out in a few words; it looks at `stop` and returns early once that
    is set.
    """

    def __init__(
        self,
        source: Source,
        title: str,
        *,
        go: str = "Run",
        controls: Sequence[Any] = (),
        body: Sequence[Any] = (),
        language: str = "text",
        label: str = "Commands that ran",
    ) -> None:
        self.source = source
        self.stop = threading.Event()
        self.go = ipywidgets.Button(
            description=go, tooltip=f"{go}: {title}", button_style="primary"
        )
        self.go.on_click(lambda _button: self._begin())
        self._turn = Turn()
        super().__init__(
            title,
            note=source.title,
            accent=source.accent,
            controls=[*controls, self.go],
            body=body,
            strip=Code(label, language=language),
        )

    def measure(self) -> str:
        """Do the work, show it, and return what came out in a few words."""
        raise NotImplementedError

    def run(self) -> None:
        """Measure once, in this thread."""
        with self._turn:
            self.stop.clear()
            self.go.disabled = True
            self.start(cancel=self.stop.set)
            begun = time.perf_counter()
            try:
                said = self.measure()
            except (RedisError, KitError, OSError, ValueError) as error:
                self.fail(*self.source.refused(error))
            except KeyboardInterrupt:
                self.stop.set()
                self.halt("interrupted")
                raise
            else:
                said = f"stopped · {said}" if self.stop.is_set() else said
                self.done(said, seconds=time.perf_counter() - begun)
            finally:
                self.go.disabled = False

    def ran(self, text: str) -> None:
        """Show the commands or the code that ran."""
        if self.strip is not None:
            self.strip.show(text)

    def close(self) -> None:
        """Stop what runs, and remove the panel."""
        self._turn.end()
        self.stop.set()
        with self._turn:
            super().close()

    def _begin(self) -> None:
        self._turn.ask(self.background, self.run)


def choice(label: str, options: Sequence[Any], value: Any = None) -> Any:
    """Return a menu as wide as its words."""
    made = ipywidgets.Dropdown(description=label, options=options)
    made.layout.width = "auto"
    if value is not None:
        made.value = value
    return made

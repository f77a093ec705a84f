"""The command line of a panel: typed like redis-cli, answered like redis-cli."""

from __future__ import annotations

import threading
from collections.abc import Callable

import ipywidgets

from kit.labs.redis.line import Cancelled, Line
from kit.labs.redis.source import Source
from kit.widgets.terminal import Terminal
from kit.widgets.turn import Turn

_STOPPED = "^C"


class CommandLine(ipywidgets.VBox):  # type: ignore[misc]
    """A terminal with a session of its own; `after()` is called when a line has been answered."""

    def __init__(self, source: Source, after: Callable[[], object] = lambda: None) -> None:
        self.session = Line(source)
        self._source = source
        self._after = after
        self._turn = Turn()
        self.terminal = Terminal(
            "Redis command line",
            self._start,
            saved_prompt="redis> ",
            prompt=f"{source.address}> ",
            placeholder="GET key   (Enter runs it, ↑ brings earlier lines back)",
        )
        self.cancel = ipywidgets.Button(description="Cancel", tooltip="Stop waiting for an answer")
        self.cancel.layout.display = "none"
        self.cancel.on_click(lambda _button: self.session.cancel())
        super().__init__([self.terminal, self.cancel])
        self.layout.overflow = "visible"

    def run(self, line: str) -> bool:
        """Run one line and show its answer; return False where it was refused."""
        with self._turn:
            if line.strip().lower() == "clear":
                self.terminal.clear()
                return True
            self.terminal.typed(line)
            ok = self._answered(line)
        self._after()
        return ok

    def close(self) -> None:
        """End the session."""
        self.session.close()
        super().close()

    def _answered(self, line: str) -> bool:
        leaving = line.strip().lower() in ("quit", "exit")
        self._busy(True)
        try:
            if leaving:
                self.session.close()
                return True
            ok = self.session.run(line, self._say)
            self.terminal.say("", ok=ok)
            return ok
        except Cancelled:
            self.terminal.say(_STOPPED)
            return False
        finally:
            self._busy(False)

    def _say(self, text: str) -> None:
        self.terminal.say(self._source.safe(text))

    def _busy(self, busy: bool) -> None:
        self.terminal.busy = busy
        self.terminal.prompt = self.session.prompt
        self.cancel.layout.display = None if busy else "none"

    def _start(self, line: str) -> None:
        self._turn.ask(_beside, lambda: self.run(line))


def _beside(work: Callable[[], object]) -> None:
    """Let a blocking command wait in a thread, and not in the kernel."""
    threading.Thread(target=work, name="kit-line", daemon=True).start()

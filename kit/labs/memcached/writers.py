"""The panel of two writers: their commands side by side, and what the server holds in the end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import ipywidgets

from kit import databases
from kit.labs.memcached.meeting import ADDED, KEY, OPENING, WAYS, WRITERS, Meeting, Way
from kit.labs.memcached.refusal import FAULTS, refused
from kit.widgets import units
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.stepper import Course, Entry, Lane, Lanes

if TYPE_CHECKING:
    from kit.launch.server import Server

_BOTH = "Both additions are there."
_LOST = "The first addition is gone, and nobody was told."


def two_writers(server: Server, way: Way = "get and set") -> Writers:
    """Show two writers who read one value, and then both write what they made of it."""
    return Writers(server, way)


class Writers(Panel):
    """Step through the commands of both writers."""

    def __init__(self, server: Server, way: Way) -> None:
        self.server = server
        self.meeting: Meeting | None = None
        self._turn = threading.Lock()
        self.way = ipywidgets.Dropdown(description="Way", options=list(WAYS), value=way)
        self.way.layout.width = "auto"
        self.go = ipywidgets.Button(
            description="Step", tooltip="Send the next command", button_style="primary"
        )
        self.all = ipywidgets.Button(description="To the end", tooltip="Send all that is left")
        self.again = ipywidgets.Button(description="Again", tooltip="Begin from the first command")
        self.lanes = Lanes("python")
        super().__init__(
            "Two writers, one value",
            note=f"{server.product} · {server.name} · both add a model to {KEY}",
            accent=databases.get("memcached").accent,
            controls=[self.go, self.all, self.again, self.way],
            body=[self.lanes],
            strip=Code("Code that ran", language="python"),
        )
        self.go.on_click(lambda _button: self.step())
        self.all.on_click(lambda _button: self.run())
        self.again.on_click(lambda _button: self.begin())
        self.way.observe(lambda _change: self.begin(), "value")
        self.begin()

    def begin(self) -> None:
        """Put the first value back, and both writers before their first command."""
        self._guard(self._open)

    def step(self) -> None:
        """Send the next command; after the last one, begin again."""
        self._guard(self._step)

    def run(self) -> None:
        """Send all that is left."""
        self._guard(self._rest)

    def close(self) -> None:
        """Close both connections and remove the panel."""
        self._leave()
        super().close()

    def _guard(self, act: Callable[[], None]) -> None:
        with self._turn:
            try:
                act()
                self._show()
            except FAULTS as error:
                self._leave()
                why = refused(error)
                self.fail(why.message, why.hint)

    def _open(self) -> None:
        self._leave()
        self.meeting = Meeting(self.server, self.way.value)

    def _leave(self) -> None:
        if self.meeting is not None:
            self.meeting.close()
        self.meeting = None

    def _step(self) -> None:
        if self.meeting is None or self.meeting.over:
            self._open()
        if self.meeting is not None:
            self.meeting.step()

    def _rest(self) -> None:
        if self.meeting is None or self.meeting.over:
            self._open()
        while self.meeting is not None and not self.meeting.over:
            self.meeting.step()

    def _show(self) -> None:
        meeting = self.meeting
        if meeting is None:
            return
        self.lanes.show(_course(meeting))
        if self.strip is not None:
            self.strip.show(_script(meeting))
        if meeting.over:
            self.done(f"the value is {meeting.value!r}")
        else:
            sent = units.plural(len(meeting.entries), "command")
            self.done(f"{sent} sent, next: {meeting.steps[0].code}")


def _course(meeting: Meeting) -> Course:
    later = [
        Entry(lane=step.writer, code=step.code, state="next" if i == 0 else "later")
        for i, step in enumerate(meeting.steps)
    ]
    closing, icon = "", ""
    if meeting.over:
        whole = all(word.encode() in meeting.value for word in ADDED)
        closing = f"The server holds {meeting.value!r}. {_BOTH if whole else _LOST}"
        icon = "✓" if whole else "✗"
    return Course(
        lead=f"Under {KEY} lies {OPENING!r}. The first adds m2, the second adds m3.",
        lanes=[Lane(name) for name in WRITERS],
        entries=[*meeting.entries, *later],
        waits=False,
        closing=closing,
        icon=icon,
    )


def _script(meeting: Meeting) -> str:
    lines = [
        f"{_assigned(entry.code)}{WRITERS[entry.lane or 0].lower()}.{entry.code}   # {entry.said}"
        for entry in meeting.entries
    ]
    opened = f'first, second = server.connect(), server.connect()\nfirst.set("{KEY}", {OPENING!r})'
    return "\n".join([opened, *lines])


def _assigned(code: str) -> str:
    if code.startswith("gets"):
        return "value, token = "
    return "value = " if code.startswith("get") else ""

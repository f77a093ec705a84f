"""Two writers and one value: what is lost without a token, and what cas saves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from kit.widgets.stepper import Entry

if TYPE_CHECKING:
    from kit.launch.server import Server

Way = Literal["get and set", "gets and cas"]
WAYS: tuple[Way, ...] = ("get and set", "gets and cas")
WRITERS = ("First", "Second")
KEY = "queue:models"

OPENING = b"m1"
ADDED = ("m2", "m3")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command of one writer: how it is written, and how it is done."""

    writer: int
    code: str
    act: Callable[[], tuple[object, bool]]


class Meeting:
    """Two connections that each add a word to the same list, one command at a time.

    With `gets and cas` a writer who was overtaken reads again and tries once more.
    """

    def __init__(self, server: Server, way: Way) -> None:
        self.way = way
        self.clients = [server.connect(default_noreply=False) for _ in WRITERS]
        self.clients[0].set(KEY, OPENING)
        self._seen: list[tuple[bytes, bytes]] = [(b"", b"")] * len(WRITERS)
        self.entries: list[Entry] = []
        self.steps = [self._read(0), self._read(1), self._write(0), self._write(1)]

    @property
    def over(self) -> bool:
        """Tell whether all is done."""
        return not self.steps

    @property
    def value(self) -> bytes:
        """Return what the server holds now."""
        value: bytes = self.clients[0].get(KEY)
        return value

    def step(self) -> None:
        """Do the next command; raise what the client raises."""
        step = self.steps[0]
        returned, well = step.act()
        self.steps.pop(0)
        self.entries.append(
            Entry(
                lane=step.writer,
                code=step.code,
                said=repr(returned),
                state="done" if well else "refused",
            )
        )
        if not well:
            self.steps[:0] = [self._read(step.writer), self._write(step.writer)]

    def close(self) -> None:
        """Close both connections."""
        for client in self.clients:
            client.close()

    def _read(self, writer: int) -> Step:
        client = self.clients[writer]

        def act() -> tuple[object, bool]:
            value, token = client.gets(KEY)
            self._seen[writer] = (value, token)
            return ((value, token) if self.way == "gets and cas" else value), True

        verb = "gets" if self.way == "gets and cas" else "get"
        return Step(writer=writer, code=f'{verb}("{KEY}")', act=act)

    def _write(self, writer: int) -> Step:
        client, word = self.clients[writer], ADDED[writer]
        if self.way == "get and set":
            code = f'set("{KEY}", value + b" {word}")'
        else:
            code = f'cas("{KEY}", value + b" {word}", token)'

        def act() -> tuple[object, bool]:
            value, token = self._seen[writer]
            longer = value + b" " + word.encode()
            if self.way == "get and set":
                return client.set(KEY, longer), True
            stored = client.cas(KEY, longer, token)
            return stored, bool(stored)

        return Step(writer=writer, code=code, act=act)


def play(server: Server, way: Way) -> tuple[Sequence[Entry], bytes]:
    """Let both writers do all their commands in turn; return them, and the value in the end."""
    meeting = Meeting(server, way)
    try:
        while not meeting.over:
            meeting.step()
        return meeting.entries, meeting.value
    finally:
        meeting.close()

"""The key-value desk: every command with a key and a value, and what goes over the line."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets

from kit import databases
from kit.labs.memcached.refusal import FAULTS, Refusal, refused
from kit.labs.memcached.wire import Wire, readable
from kit.widgets import values
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.parts import Notice
from kit.widgets.table import Grid, Table

if TYPE_CHECKING:
    from kit.launch.server import Server

REMEMBERED = 12
"""Keys whose state is shown."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """What the server holds under a key: its bytes, seconds left (-1 for ever), and cas token."""

    value: bytes
    left: int
    token: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a command returned in Python, or why it was refused."""

    returned: object = None
    refusal: Refusal | None = None


def desk(server: Server) -> Desk:
    """Open a desk on a Memcached server: choose a command, run it, read the conversation."""
    return Desk(server)


def held(client: Any, key: str) -> Held | None:
    """Look at what lies under a key; None where there is nothing.

    `mg` with the flag t gives the seconds to live (memcached's doc/protocol.txt, Meta Get).
    """
    value, token = client.gets(key)
    if value is None:
        return None
    whole = client.check_key(key, client.key_prefix)  # on a shared server keys have a prefix
    flags = client.raw_command(b"mg %b t" % whole).decode().split()
    left = next((int(flag[1:]) for flag in flags if flag[0] == "t"), -1)
    return Held(value=value, left=left, token=int(token))


class Desk(Panel):
    """Run commands one by one; the table shows what the server then holds."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.wire = Wire()
        self.tokens: dict[str, bytes] = {}
        self._client: Any = None
        self._used: list[str] = []
        self._turn = threading.Lock()
        self._build()
        notice = Notice()
        super().__init__(
            "Key-value desk",
            note=f"{server.product} · {server.name}",
            accent=databases.get("memcached").accent,
            controls=[self.command, self.key, self.value, self.expire, self.go],
            body=[notice, self.table],
            strip=Code("On the wire", language="text"),
            notice=notice,
        )
        self._offer()
        self.empty("Nothing was asked yet.", "Choose a command, fill in a key, and press `Run`.")

    def run(self, command: str, key: str, value: str | bytes = b"", *, expire: int = 0) -> Answer:
        """Run one command; return what pymemcache returned, or the refusal that is shown."""
        with self._turn:
            self.start(f"{command} {key[:40]}")
            begun = time.perf_counter()
            self.wire.clear()
            try:
                answer = Answer(returned=self._call(command, key, value, expire))
                seconds = time.perf_counter() - begun
                said = self.wire.script()
                self._look(key)
            except FAULTS as error:
                said = self.wire.script()
                self._forget()
                answer = Answer(refusal=refused(error))
            self._tell(command, said, answer)
            if answer.refusal is None:
                self.done(f"{command} returned {_python(answer.returned)}", seconds=seconds)
        return answer

    def close(self) -> None:
        """Close the connection and remove the panel; the values stay where they are."""
        self._forget()
        super().close()

    def _build(self) -> None:
        self.command = ipywidgets.Dropdown(description="Command", options=list(_COMMANDS))
        self.command.layout.width = "auto"
        self.key = _text("Key", "model:7")
        self.value = _text("Value", "0.93")
        self.expire = ipywidgets.BoundedIntText(description="Expires in (s)", min=0, max=2592000)
        self.expire.layout.width = "184px"
        self.go = ipywidgets.Button(
            description="Run", tooltip="Send the command", button_style="primary"
        )
        self.table = Table("What the server holds")
        self.command.observe(lambda _change: self._offer(), "value")
        self.go.on_click(lambda _button: self.background(self._run))

    def _run(self) -> None:
        key = str(self.key.value) or str(self.key.placeholder)
        value = str(self.value.value) or str(self.value.placeholder)
        self.run(str(self.command.value), key, value, expire=int(self.expire.value))

    def _offer(self) -> None:
        """Show the fields that the chosen command has."""
        wants = _COMMANDS[str(self.command.value)]
        self.value.layout.display = None if "value" in wants else "none"
        self.expire.layout.display = None if "expire" in wants else "none"

    def _call(self, command: str, key: str, value: str | bytes, expire: int) -> object:
        client = self._open()
        data = value.encode() if isinstance(value, str) else value
        store = {"noreply": False}
        if command in ("get", "delete", "gets"):
            returned = getattr(client, command)(key, **({} if command != "delete" else store))
            if command == "gets" and returned[1] is not None:
                self.tokens[key] = returned[1]
            return returned
        if command == "touch":
            return client.touch(key, expire, **store)
        if command in ("incr", "decr"):
            number = int(data) if data.isdigit() else data  # what is no number, pymemcache refuses
            return getattr(client, command)(key, number, **store)
        if command == "cas":
            token = self.tokens.get(key, b"0")
            return client.cas(key, data, token, expire=expire, **store)
        return getattr(client, command)(key, data, expire=expire, **store)

    def _open(self) -> Any:
        if self._client is None:
            self._client = self.server.connect(socket_module=self.wire)
        return self._client

    def _forget(self) -> None:
        """Drop the connection: after an error nobody knows what is still to come on it."""
        if self._client is not None:
            self._client.close()
        self._client = None

    def _look(self, key: str) -> None:
        self._used = [key, *(old for old in self._used if old != key)][:REMEMBERED]
        client = self._open()
        self.table.show(_grid({name: held(client, name) for name in self._used}))

    def _tell(self, command: str, said: str, answer: Answer) -> None:
        if self.strip is not None:
            self.strip.show(said)
            self.strip.unfolded = True
        if answer.refusal is not None:
            self.fail(answer.refusal.message, answer.refusal.hint, text=f"{command} was refused")


# What each command takes beside a key.
_COMMANDS: dict[str, tuple[str, ...]] = {
    "set": ("value", "expire"),
    "get": (),
    "add": ("value", "expire"),
    "replace": ("value", "expire"),
    "append": ("value",),
    "prepend": ("value",),
    "incr": ("value",),
    "decr": ("value",),
    "gets": (),
    "cas": ("value", "expire"),
    "touch": ("expire",),
    "delete": (),
}


def _grid(found: dict[str, Held | None]) -> Grid:
    rows = [[key, *_cells(one)] for key, one in found.items()]
    return Grid(
        columns=["key", "value", "bytes", "expires in", "cas token"],
        rows=rows,
        note="gets shows the token, cas sends the one that this desk saw last",
        volatile=frozenset({"expires in", "cas token"}),
    )


def _cells(one: Held | None) -> list[object]:
    if one is None:
        return [values.Shown("nothing", b"", "–"), 0, "–", "–"]
    left = "never" if one.left < 0 else f"{one.left} s"
    return [readable(one.value), len(one.value), left, one.token]


def _python(returned: object) -> str:
    text = repr(returned)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _text(label: str, example: str) -> Any:
    made = ipywidgets.Text(description=label, placeholder=example)
    made.layout.width = "200px"
    return made

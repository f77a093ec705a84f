"""What a restart leaves: nothing of Memcached, of a durable Redis what it promised."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import ipywidgets

from kit import databases
from kit.errors import UsageError
from kit.labs.memcached.refusal import FAULTS, refused
from kit.widgets import units
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.table import Grid, Table
from kit.widgets.values import Shown

if TYPE_CHECKING:
    from kit.launch.server import Server

End = Literal["restart", "kill and restart"]
ENDS: tuple[End, ...] = ("restart", "kill and restart")
KEYS = 1000

_PREFIX = "survivor:"
_STORES: dict[str, Callable[[Any, Sequence[str]], object]] = {
    "memcached": lambda client, keys: client.set_many(dict.fromkeys(keys, b"1"), noreply=False),
    "redis": lambda client, keys: client.mset(dict.fromkeys(keys, b"1")),
}
_COUNTS: dict[str, Callable[[Any, Sequence[str]], int]] = {
    "memcached": lambda client, keys: len(client.get_many(keys)),
    "redis": lambda client, keys: sum(value is not None for value in client.mget(keys)),
}
_CODE = {
    "memcached": "client.set_many(values)   # {name}\n{ends}\nlen(client.get_many(values))",
    "redis": "client.mset(values)   # {name}\n{ends}\nclient.exists(*values)",
}
_ENDINGS = {ENDS[0]: "server.restart()", ENDS[1]: "server.kill()\nserver.restart()"}


@dataclass(frozen=True, kw_only=True)
class Survival:
    """How many keys were written, and how many were there when the server was back.

    `seconds` is how long the server was away.
    """

    server: str
    product: str
    ended: End
    written: int
    left: int
    seconds: float


def survive(server: Server, end: End = "restart", *, keys: int = KEYS) -> Survival:
    """Write keys, end the server and start it again, and count what it still has."""
    if server.database not in _STORES:
        raise UsageError(f"Give a Memcached or a Redis; {server.name!r} is a {server.title}.")
    server.require_own("ends the server")
    names = [f"{_PREFIX}{number}" for number in range(keys)]
    _with(server, lambda client: _STORES[server.database](client, names))
    begun = time.perf_counter()
    if end == "kill and restart":
        server.kill()
    server.restart()
    seconds = time.perf_counter() - begun
    left = _with(server, lambda client: _COUNTS[server.database](client, names))
    return Survival(
        server=server.name,
        product=server.product,
        ended=end,
        written=keys,
        left=left,
        seconds=seconds,
    )


def volatile(*servers: Server) -> Volatile:
    """Restart servers side by side, and count what each one still knows."""
    if not servers:
        raise UsageError("Give at least one server, for example a Memcached and a Redis.")
    return Volatile(servers)


class Volatile(Panel):
    """Write, end, start again, count; each time one more line."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self.servers = tuple(servers)
        self.found: list[Survival] = []
        self._turn = threading.Lock()
        self.end = ipywidgets.Dropdown(description="End it by", options=list(ENDS))
        self.end.layout.width = "auto"
        self.go = ipywidgets.Button(
            description="Write, end, count",
            tooltip="Write keys, end each server, start it again, count the keys",
            button_style="primary",
        )
        self.go.on_click(lambda _button: self.background(self.run))
        self.table = Table("What is left")
        super().__init__(
            "What a restart leaves",
            note=" and ".join(f"{server.product} · {server.name}" for server in servers),
            accent=databases.get("memcached").accent,
            controls=[self.go, self.end],
            body=[self.table],
            strip=Code("Code that ran", language="python"),
        )
        self.empty("No server was ended yet.", "Press `Write, end, count`.")

    def run(self, end: End | None = None) -> list[Survival]:
        """End every server in turn and count; return what was found this time."""
        with self._turn:
            end = end or self.end.value
            begun, now = time.perf_counter(), []
            for server in self.servers:
                self.start(f"{server.name}: {end}")
                try:
                    now.append(survive(server, end))
                except FAULTS as error:
                    why = refused(error)
                    self.fail(why.message, why.hint, text=server.name)
                    return now
                self.found.append(now[-1])
                self._show(end)
            self.done(_said(now), seconds=time.perf_counter() - begun)
        return now

    def _show(self, end: End) -> None:
        self.table.show(_grid(self.found))
        if self.strip is not None:
            parts = [
                _CODE[server.database].format(name=server.name, ends=_ENDINGS[end])
                for server in self.servers
            ]
            self.strip.show("\n\n".join(parts))


def _with(server: Server, act: Callable[[Any], Any]) -> Any:
    client = server.connect()
    try:
        return act(client)
    finally:
        client.close()


def _said(found: Sequence[Survival]) -> str:
    return "; ".join(f"{one.server}: {one.left:,} of {one.written:,} left" for one in found)


def _grid(found: Sequence[Survival]) -> Grid:
    rows = [
        [one.server, one.product, one.ended, one.written, one.left, _away(one)] for one in found
    ]
    return Grid(
        columns=["server", "product", "ended by", "keys written", "keys left", "away for"],
        rows=rows,
        volatile=frozenset({"away for"}),
    )


def _away(one: Survival) -> Shown:
    return Shown(units.duration(one.seconds), one.seconds)

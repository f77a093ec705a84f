"""Messages to whoever listens, and a stream for whoever comes later: the same news, three desks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets
from redis.exceptions import RedisError

from kit.labs.redis import source as sources
from kit.labs.redis.reply import readable, spelled
from kit.labs.redis.source import Client, Source
from kit.widgets import units
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.table import Grid, Table
from kit.widgets.watch import Watch, rest_unseen

if TYPE_CHECKING:
    from kit.launch.server import Server

__all__ = ["Desk", "Messages", "panel"]

CHANNEL, STREAM = "news", "news:log"
LENGTH = 1000
"""Entries that the stream keeps, more or less (XADD MAXLEN ~)."""

WAIT = 0.2  # seconds that a desk waits for the next message before it looks whether to stop


def panel(server: Server | str) -> Messages:
    """Open a desk that listens from the start; a late one, and a stream's reader, come later."""
    shown = Messages(sources.read(server))
    shown.open_early()
    return shown


class Desk:
    """One reader: a subscriber of the channel, or a reader of the stream from its beginning.

    `since` counts the messages that were published before it came, and that it cannot receive.
    """

    def __init__(self, source: Source, *, since: int = 0, stream: bool = False) -> None:
        self.since = since
        self.messages: list[str] = []
        self.stream = stream
        self.fault: Exception | None = None
        self.ready = threading.Event()
        self._source = source
        self._last: Any = "0"
        self._client: Client | None = None
        self._subscription: Any = None
        self.watch = Watch(self._look)

    def open(self) -> None:
        """Begin to read; come back when the server knows of it."""
        self._client = self._source.open(socket_timeout=10)
        if not self.stream:
            self._subscription = self._client.pubsub(ignore_subscribe_messages=False)
            self._subscription.subscribe(self._source.channel(CHANNEL))
        else:
            self.ready.set()
        self.watch.start()
        self.ready.wait(10)

    def close(self) -> None:
        """Stop reading."""
        self.watch.stop()
        for one in (self._subscription, self._client):
            if one is not None:
                one.close()
        self._subscription = self._client = None

    def _look(self) -> float:
        try:
            fresh = self._read()
        except (RedisError, OSError) as error:
            self.fault = error
            self.watch.stop(wait=False)
            return 0.0
        self.messages += fresh
        return 0.0

    def _read(self) -> list[str]:
        if not self.stream:
            heard = self._subscription.get_message(timeout=WAIT)
            if heard and heard["type"] == "subscribe":
                self.ready.set()
            return [readable(heard["data"])] if heard and heard["type"] == "message" else []
        if self._client is None:
            return []
        found = self._client.xread({STREAM: self._last}, count=100, block=round(WAIT * 1000))
        entries = found[0][1] if found else []
        if entries:
            self._last = entries[-1][0]
        return [readable(fields[b"text"]) for _, fields in entries]


class Messages(Panel):
    """Publish, and compare what an early subscriber, a late one and a stream's reader received."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._channel = source.channel(CHANNEL)
        self.published: list[str] = []
        self.desks: dict[str, Desk] = {}
        self._ran: list[str] = []
        self._turn = threading.RLock()
        self.text = ipywidgets.Text(
            description="Message", value="model 7 is live", continuous_update=False
        )
        self.go = ipywidgets.Button(
            description="Publish", tooltip="PUBLISH and XADD", button_style="primary"
        )
        self.late = ipywidgets.Button(
            description="Open late desks", tooltip="Subscribe now, and read the stream"
        )
        self.go.on_click(lambda _button: self.background(lambda: self.publish(self.text.value)))
        self.late.on_click(lambda _button: self.background(self.open_late))
        self.tables = {name: Table(name) for name in ("early", "late", "stream")}
        row = ipywidgets.HBox(list(self.tables.values()))
        row.layout = {"flex_flow": "row wrap", "grid_gap": "8px 48px", "overflow": "visible"}
        super().__init__(
            "Publish and subscribe",
            note=source.title,
            accent=source.accent,
            controls=[self.text, self.go, self.late],
            body=[row],
            strip=Code("Commands that ran", language="text"),
        )
        self.watch = Watch(self._look)
        rest_unseen(self.watch, self.rule)

    def open_early(self) -> None:
        """Open the desk that listens from the beginning, and forget what was published before."""
        self._try(self._reset)

    def open_late(self) -> None:
        """Subscribe only now; and read the stream from its first entry."""
        self._try(lambda: self._open("late"))
        self._try(lambda: self._open("stream"))

    def publish(self, text: str) -> int | None:
        """Publish a message and keep it in the stream; return how many subscribers received it."""
        received: list[int] = []
        self._try(lambda: received.append(self._publish(text)))
        return received[0] if received else None

    def settle(self, patience: float = 5.0) -> None:
        """Wait until what was published has arrived where it must, and show it."""
        until = time.monotonic() + patience
        while time.monotonic() < until and self._behind():
            time.sleep(0.01)
        self._show()

    def close(self) -> None:
        """Close every desk, and remove the panel."""
        self.watch.stop()
        for desk in self.desks.values():
            desk.close()
        super().close()

    def _reset(self) -> None:
        for desk in self.desks.values():
            desk.close()
        self.desks, self.published, self._ran = {}, [], []
        with self.source.open() as client:
            client.delete(STREAM)
        self._open("early")
        self.watch.start()

    def _open(self, name: str) -> None:
        if name in self.desks:
            self.desks.pop(name).close()
        stream = name == "stream"
        missed = 0 if stream else len(self.published)
        desk = self.desks[name] = Desk(self.source, since=missed, stream=stream)
        desk.open()
        reading = ["XREAD", "BLOCK", 200, "STREAMS", STREAM, 0]
        self._note(reading if desk.stream else ["SUBSCRIBE", self._channel])
        self._show()

    def _publish(self, text: str) -> int:
        with self.source.open() as client:
            pipeline = client.pipeline(transaction=False)
            pipeline.publish(self._channel, text)
            pipeline.xadd(STREAM, {"text": text}, maxlen=LENGTH, approximate=True)
            received = int(pipeline.execute()[0])
        self.published.append(readable(text.encode()))
        self._note(["PUBLISH", self._channel, text])
        self._note(["XADD", STREAM, "MAXLEN", "~", LENGTH, "*", "text", text])
        self.settle()
        self.done(f"received by {units.plural(received, 'subscriber')}")
        return received

    def _behind(self) -> bool:
        return any(
            desk.fault is None and len(desk.messages) < len(self.published) - desk.since
            for desk in self.desks.values()
        )

    def _look(self) -> float:
        with self._turn:
            for desk in self.desks.values():
                if desk.fault is not None:
                    self.fail(*self.source.refused(desk.fault))
                    self.watch.stop(wait=False)
            self._show()
        return WAIT

    def _show(self) -> None:
        for name, table in self.tables.items():
            desk = self.desks.get(name)
            table.layout.display = None if desk else "none"
            if desk is None:
                continue
            missed = f"{units.plural(desk.since, 'message')} came before" if desk.since else ""
            table.show(
                Grid(
                    columns=("received",),
                    rows=[(message,) for message in desk.messages],
                    caption=_TITLES[name],
                    note=missed or ("" if desk.messages else "nothing yet"),
                )
            )

    def _note(self, arguments: list[Any]) -> None:
        self._ran = [*self._ran, spelled(arguments)][-20:]
        if self.strip is not None:
            self.strip.show("\n".join(self._ran))

    def _try(self, work: Callable[[], object]) -> None:
        with self._turn:
            try:
                work()
            except (RedisError, OSError) as error:
                self.fail(*self.source.refused(error))
                for desk in self.desks.values():
                    desk.close()


_TITLES = {
    "early": "subscriber, there from the start",
    "late": "subscriber, came later",
    "stream": "reader of the stream, came later",
}

"""The change feed: what others write into a collection, as they write it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets
from pymongo.errors import PyMongoError

from kit.errors import KitError
from kit.labs.mongodb import source as sources
from kit.labs.mongodb import spelling
from kit.labs.mongodb.refusal import refused
from kit.labs.mongodb.source import Source
from kit.widgets import units
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.table import Grid, Table
from kit.widgets.watch import Watch

if TYPE_CHECKING:
    from kit.launch.server import Server

KEPT = 50
AWAIT = 250
"""Milliseconds that the server may keep a question for changes before it answers with none."""


@dataclass(frozen=True)
class Change:
    """One change: what was done, to which document, and what is new in it."""

    operation: str
    key: str
    news: str


def feed(server: Server | str, collection: str = "live", *, catalog: str = "") -> Feed:
    """Listen to a collection's change stream, and show what comes while it comes."""
    return Feed(sources.read(server, catalog=catalog), collection)


class Feed(Panel):
    """The newest changes, newest first; `changes` holds them oldest first."""

    def __init__(self, source: Source, collection: str) -> None:
        self.source, self.collection = source, collection
        self.changes: deque[Change] = deque(maxlen=KEPT)
        self.count = 0
        self._client: Any = None
        self._stream: Any = None
        self._token: Mapping[str, Any] | None = None
        self._turn = threading.RLock()
        self._ready = threading.Event()
        self.table = Table("Changes")
        self.go = ipywidgets.Button(
            description="Listen", tooltip="Listen, or stop listening", button_style="primary"
        )
        self.go.on_click(lambda _button: self.background(self._toggle))
        super().__init__(
            "Change feed",
            note=f"{source.title} · {source.catalog}.{collection}",
            accent=source.accent,
            controls=[self.go],
            body=[self.table],
            strip=Code("Python that runs", language="python"),
        )
        self.watch = Watch(self._look, stopped=self._stopped)
        self.listen()

    def listen(self) -> None:
        """Listen from now on, or from the last change seen; come back when the server listens."""
        if not self.watch.running:
            self._ready.clear()
            self.watch.start()
            self._ready.wait(10)
            self.go.description = "Stop"

    def wait_for(self, count: int, *, seconds: float = 30.0) -> int:
        """Wait until `count` changes have come, `seconds` at most; return how many came."""
        end = time.monotonic() + seconds
        while self.count < count and time.monotonic() < end:
            time.sleep(0.05)
        return self.count

    def stop(self) -> None:
        """Stop listening; what came stays on the page."""
        self.watch.stop()
        self._stopped()

    def close(self) -> None:
        """Stop listening, and remove the panel."""
        self.stop()
        super().close()

    def _toggle(self) -> None:
        if self.watch.running:
            self.stop()
        else:
            self.listen()

    def _look(self) -> float:
        with self._turn:
            try:
                if self._stream is None:
                    self._call()
                self._take(self._stream.try_next)
            except (PyMongoError, KitError) as error:
                self._hang_up()
                self._ready.set()
                why = refused(error, self.source)
                self.fail(why.message, why.hint or self.source.remedy)
                return 2.0
        return 0.0

    def _call(self) -> None:
        self._client = self.source.client()
        catalog = self._client[self.source.catalog]
        after = {"resume_after": self._token} if self._token else {}
        self._stream = catalog[self.collection].watch(max_await_time_ms=AWAIT, **after)
        if self.strip is not None:
            place = f'client["{self.source.catalog}"]["{self.collection}"]'
            self.strip.show(
                f"with {place}.watch(resume_after=token) as stream:\n"
                "    for change in stream:\n"
                "        token = stream.resume_token"
            )
        self._show()
        self._ready.set()

    def _take(self, following: Callable[[], Any]) -> None:
        found = False
        while (change := following()) is not None:
            self.changes.append(_read(change))
            self.count += 1
            # After a drop there is nothing to resume: the stream begins anew.
            ended = change["operationType"] == "invalidate"
            self._token = None if ended else self._stream.resume_token
            found = True
            if ended:
                self._hang_up()
            if ended or self.count % KEPT == 0:
                break
        if found:
            self._show()

    def _hang_up(self) -> None:
        for held in (self._stream, self._client):
            if held is not None:
                try:
                    held.close()
                except PyMongoError:
                    continue
        self._stream = self._client = None

    def _show(self) -> None:
        if not self.changes:
            return self.empty(
                "Nothing has changed yet.", "Whatever is written there now appears here."
            )
        newest = list(reversed(self.changes))
        self.table.show(
            Grid(
                columns=["what", "which", "what is new"],
                rows=[[one.operation, one.key, one.news] for one in newest],
                total=self.count,
            )
        )
        self.notice.hide()
        return self.status.show(
            "done", f"listening · {units.plural(self.count, 'change')}", icon="◉"
        )

    def _stopped(self) -> None:
        self._hang_up()
        self.go.description = "Listen"
        self.done(f"not listening any more · {units.plural(self.count, 'change')}")


def _read(change: Mapping[str, Any]) -> Change:
    news = change.get("fullDocument")
    if change["operationType"] == "update":
        told = change["updateDescription"]
        gone = told.get("removedFields") or []
        news = dict(told["updatedFields"]) | ({"removed": gone} if gone else {})
    key = change.get("documentKey", {}).get("_id", "")
    return Change(
        str(change["operationType"]), str(key), spelling.one_line(news, 160) if news else ""
    )

"""The keyspace explorer: what is stored, for how long, in how many bytes, and a command line."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets
from redis.exceptions import RedisError

from kit.labs.redis import source as sources
from kit.labs.redis.commandline import CommandLine
from kit.labs.redis.keyeditor import KeyEditor
from kit.labs.redis.keys import PAGE, Key, Scan, grid, inspect, written
from kit.labs.redis.source import Client, Source
from kit.labs.redis.structures import KINDS
from kit.widgets import units
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.table import Table
from kit.widgets.watch import Watch, rest_unseen

if TYPE_CHECKING:
    from kit.launch.server import Server

__all__ = ["Explorer", "Key", "Scan", "explorer"]

REFRESH = 1.0
"""Seconds between two looks at the keys on the page."""

_NOTHING = "No key here yet matches."
_WRITE = "Write one on the line below, such as `SET greeting hello`, and scan again."


def explorer(
    server: Server | str,
    match: str = "*",
    *,
    key: str = "",
    lines: tuple[str, ...] = (),
    most: int = PAGE,
    watch: bool = True,
) -> Explorer:
    """Show the keys that `match` a pattern, `most` to a page, and a command line beneath.

    `lines` are run in the command line first, and `key` is looked into. With `watch` the page is
    read anew every second.
    """
    shown = Explorer(sources.read(server), match=match, most=most)
    for line in lines:
        shown.line.run(line)
    shown.scan()
    if key:
        shown.choose(key)
    if watch:
        shown.watch.start()
    return shown


class Explorer(Panel):
    """Walk over the keys page by page, look into one, change it by its own commands."""

    def __init__(self, source: Source, *, match: str, most: int) -> None:
        self.source = source
        self.most = most
        self.found: list[Key] = []
        self.walk: Scan | None = None
        self._client: Client | None = None
        self._turn = threading.RLock()
        self._closed = False
        self.watch = Watch(self._look, stopped=self._stopped)
        self.line = CommandLine(source, after=self.refresh)
        self.editor = KeyEditor(
            self._connected, sent=lambda: self._act(self.apply), changed=self._key_changed
        )
        self._build(match)
        super().__init__(
            "Keyspace explorer",
            note=source.title,
            accent=source.accent,
            controls=[self.match, self.kind, self.go, self.more],
            body=[self.table, self.editor, self.line],
            strip=Code("Commands that ran", language="text"),
        )
        rest_unseen(self.watch, self.rule)

    def scan(self) -> list[Key]:
        """Walk from the beginning; show and return the first page."""
        with self._turn:
            self.walk = None
        return self.next()

    def next(self) -> list[Key]:
        """Show and return the next page."""
        with self._turn:
            self._try(self._page)
            return self.found

    def choose(self, name: bytes | str) -> None:
        """Look into one key."""
        raw = name.encode() if isinstance(name, str) else name
        self._try(lambda: self.editor.show(raw))

    def apply(self) -> None:
        """Send the command that is set up beneath the key; the command line shows the answer."""
        self._try(lambda: self.line.run(self.editor.line))
        self._try(self.editor.look)

    def refresh(self) -> None:
        """Read the keys on the page anew."""
        with self._turn:
            if self.found:
                self._try(self._again)

    def close(self) -> None:
        """Stop looking, end the session, and remove the panel."""
        self.watch.stop()
        with self._turn:
            self._closed = True
            self.line.close()
            self._forget()
            super().close()

    def _build(self, match: str) -> None:
        self.match = ipywidgets.Text(
            value=match, description="Pattern", placeholder="*", continuous_update=False
        )
        self.match.layout.width = "240px"
        self.kind = ipywidgets.Dropdown(
            description="Type", options=[("any", ""), *((kind, kind) for kind in KINDS)]
        )
        self.kind.layout.width = "auto"
        self.go = ipywidgets.Button(
            description="Scan", tooltip="Walk over the keys by SCAN", button_style="primary"
        )
        self.more = ipywidgets.Button(description="More", tooltip="Walk on to the next page")
        self.go.on_click(lambda _button: self._act(self.scan))
        self.more.on_click(lambda _button: self._act(self.next))
        self.table = Table("Keys", choosable=True)
        self.table.listen("chosen", self._chosen)

    def _page(self) -> None:
        if self.walk is None:
            client, kind = self._connected(), str(self.kind.value)
            self.walk = Scan(client, str(self.match.value), kind)
        self.found = self.walk.page(self.most)
        self._show()

    def _again(self) -> None:
        self.found = inspect(self._connected(), [key.name for key in self.found])
        self._show()

    def _show(self) -> None:
        walk, total = self.walk, int(self._connected().dbsize())
        if walk is None:
            return
        self.more.disabled = walk.finished
        looked = total if walk.over else min(walk.looked, total)
        note = "" if walk.finished else f"{looked:,} of {units.plural(total, 'key')} looked at"
        self._write(walk)
        if not self.found:
            self.table.show()
            self.empty(_NOTHING, _WRITE)
            return
        self.table.show(grid(self.found, note))
        self.done(f"{units.plural(len(self.found), 'key')} of {total:,}")

    def _write(self, walk: Scan) -> None:
        if self.strip is not None:
            facts = written(self.found[0]) if self.found else []
            self.strip.show("\n".join(filter(None, [*walk.ran, *facts, self.editor.ran])))

    def _chosen(self, chosen: Any) -> None:
        newest = [str(one) for one in chosen][-1:]
        self.table.chosen = newest
        if newest:
            self._act(lambda: self.choose(bytes.fromhex(newest[0])))

    def _act(self, work: Callable[[], Any]) -> None:
        """Do what a learner clicked, beside the kernel."""
        self.background(lambda: self._try(work))

    def _key_changed(self) -> None:
        self._act(self.editor.look)

    def _try(self, work: Callable[[], Any]) -> None:
        with self._turn:
            if self._closed:
                return
            try:
                work()
            except (RedisError, OSError, ValueError) as error:
                self._forget()
                self.fail(*self.source.refused(error))

    def _look(self) -> float:
        self.refresh()
        return REFRESH

    def _connected(self) -> Client:
        if self._client is None:
            self._client = self.source.open()
        return self._client

    def _forget(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None

    def _stopped(self) -> None:
        self.halt("interrupted · Scan looks again")

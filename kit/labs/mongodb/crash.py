"""The crash lab: what is lost of what was written, at each setting."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets
from pymongo import WriteConcern
from pymongo.errors import PyMongoError

from kit.errors import KitError
from kit.labs.mongodb import source as sources
from kit.labs.mongodb.refusal import refused
from kit.labs.mongodb.throughput import SCRATCH
from kit.widgets import units
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.table import Grid, Table
from kit.widgets.turn import Turn

if TYPE_CHECKING:
    from kit.launch.server import Server


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What a crash took: documents sent, acknowledged, found afterwards; acknowledged but lost."""

    setting: str
    sent: int
    acknowledged: int
    found: int
    lost: int

    @property
    def verdict(self) -> str:
        """Say whether anything was lost that the server had promised to keep."""
        if not self.acknowledged:
            return "○ nothing was acknowledged"
        return (
            "✗ acknowledged writes are lost"
            if self.lost
            else "✓ all that was acknowledged is there"
        )


def crash(server: Server, concern: WriteConcern, setting: str, *, after: int = 150) -> Loss:
    """Insert documents one by one, kill the server once `after` were sent, restart it and count."""
    server.require_own("kills the server")
    source = sources.read(server)
    acknowledged: list[int] = []
    sent: list[int] = []
    client = source.client(retryWrites=False)
    collection = client[source.catalog][SCRATCH].with_options(write_concern=concern)
    collection.drop()
    _make(collection)
    writer = threading.Thread(target=_insert, args=(collection, sent, acknowledged), daemon=True)
    writer.start()
    while len(sent) < after and writer.is_alive():
        time.sleep(0.001)
    server.kill()
    # Open, it would go on looking for the server.
    client.close()
    writer.join()
    server.restart()
    with source.open() as catalog:
        found = {document["_id"] for document in catalog[SCRATCH].find({}, {"_id": 1})}
        catalog.drop_collection(SCRATCH)
    return Loss(
        setting=setting,
        sent=len(sent),
        acknowledged=len(acknowledged),
        found=len(found),
        lost=len(set(acknowledged) - found),
    )


def losses(*servers: Server) -> Losses:
    """Kill each of the servers while it is being written to, at each setting, and count.

    The servers are killed and restarted; what else they hold is as safe as their settings.
    """
    return Losses(servers)


class Losses(Panel):
    """A table of what was sent, acknowledged and found after a crash; `losses` holds its rows."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self.servers = servers
        self.losses: list[Loss] = []
        self._turn = Turn()
        self.table = Table("What a crash took")
        source = sources.read(servers[0])
        self.go = ipywidgets.Button(
            description="Crash again", tooltip="Write, kill, count", button_style="primary"
        )
        self.go.on_click(lambda _button: self._start())
        super().__init__(
            "Writes and a crash",
            note=" and ".join(sources.read(one).title for one in servers),
            accent=source.accent,
            controls=[self.go],
            body=[self.table],
            strip=Code("Python that ran", language="python"),
        )
        self.run()

    def run(self) -> list[Loss]:
        """Crash the servers once for each setting, and show and return what was lost."""
        with self._turn:
            self.losses = []
            begun = time.perf_counter()
            try:
                for server in self.servers:
                    self._crash(server)
            except (PyMongoError, KitError) as error:
                why = refused(error, sources.read(self.servers[0]))
                self.fail(why.message, why.hint)
                return self.losses
            self.done(
                units.plural(len(self.losses), "crash", "crashes"),
                seconds=time.perf_counter() - begun,
            )
            return self.losses

    def _crash(self, server: Server) -> None:
        for name, concern in _concerns(server):
            self.start(f"running · {server.name} · {name}")
            self.losses.append(crash(server, concern, f"{server.name} · {name}"))
            self.table.show(_grid(self.losses))
        if self.strip is not None:
            self.strip.show(_CRASH)

    def _start(self) -> None:
        self._turn.ask(self.background, self.run)


_CRASH = """\
# in a thread, until the connection breaks:
runs.with_options(write_concern=WriteConcern(w=1)).insert_one({"_id": n})
acknowledged.append(n)
# meanwhile:
server.kill()
server.restart()
set(acknowledged) - {run["_id"] for run in runs.find()}"""


def _concerns(server: Server) -> list[tuple[str, WriteConcern]]:
    """Return the write concerns that make a difference on this server."""
    found = [("w=0", WriteConcern(w=0)), ("w=1", WriteConcern(w=1, j=False))]
    if server.supports("journal_per_write"):
        found += [
            ("w=1, j=True", WriteConcern(w=1, j=True)),
            ("majority", WriteConcern("majority")),
        ]
    return found


def _make(collection: Any) -> None:
    """Have the collection's files made: killed meanwhile, SecantusDB would never start again."""
    sure = collection.with_options(write_concern=WriteConcern(w=1))
    sure.insert_one({"_id": 0})
    sure.delete_one({"_id": 0})


def _insert(collection: Any, sent: list[int], acknowledged: list[int]) -> None:
    number = 0
    while True:
        sent.append(number)
        try:
            result = collection.insert_one({"_id": number})
        except PyMongoError:
            return
        if result.acknowledged:
            acknowledged.append(number)
        elif number > 100_000:
            return
        number += 1


def _grid(found: Sequence[Loss]) -> Grid:
    return Grid(
        columns=["setting", "sent", "acknowledged", "found", "lost", "verdict"],
        rows=[
            [one.setting, one.sent, one.acknowledged, one.found, one.lost, one.verdict]
            for one in found
        ],
        volatile=frozenset({"sent", "acknowledged", "found", "lost"}),
    )

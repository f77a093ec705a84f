"""The write lab: how many documents a second go in, written one way or another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets
from pymongo import InsertOne, WriteConcern
from pymongo.errors import PyMongoError

from kit.errors import KitError
from kit.labs.mongodb import source as sources
from kit.labs.mongodb.refusal import refused
from kit.labs.mongodb.source import Document, Source
from kit.measure.spread import Spread, repeat
from kit.widgets.bars import Bar, Bars
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.turn import Turn

if TYPE_CHECKING:
    from kit.launch.server import Server

SCRATCH = "kit_writes"
COUNT = 200
"""Documents of one measurement."""


@dataclass(frozen=True)
class Manner:
    """A way to write documents, and the Python that does so."""

    name: str
    code: str
    concern: WriteConcern
    write: Callable[[Any, list[Document]], object]


def _single(collection: Any, documents: list[Document]) -> None:
    for document in documents:
        collection.insert_one(document)


MANNERS = (
    Manner("one by one", "for d in documents: runs.insert_one(d)", WriteConcern(w=1), _single),
    Manner(
        "one by one, majority and journal",
        'runs = runs.with_options(write_concern=WriteConcern("majority", j=True))\n'
        "for d in documents: runs.insert_one(d)",
        WriteConcern("majority", j=True),
        _single,
    ),
    Manner(
        "one by one, unacknowledged",
        "runs = runs.with_options(write_concern=WriteConcern(w=0))\n"
        "for d in documents: runs.insert_one(d)",
        WriteConcern(w=0),
        _single,
    ),
    Manner(
        "all at once",
        "runs.insert_many(documents)",
        WriteConcern(w=1),
        lambda collection, documents: collection.insert_many(documents),
    ),
    Manner(
        "all at once, in any order",
        "runs.insert_many(documents, ordered=False)",
        WriteConcern(w=1),
        lambda collection, documents: collection.insert_many(documents, ordered=False),
    ),
    Manner(
        "as a bulk of operations",
        "runs.bulk_write([InsertOne(d) for d in documents], ordered=False)",
        WriteConcern(w=1),
        lambda collection, documents: collection.bulk_write(
            [InsertOne(document) for document in documents], ordered=False
        ),
    ),
)


def writes(server: Server | str, *, count: int = COUNT, times: int = 5) -> Writes:
    """Measure how many documents a second go in, in each manner, `times` times."""
    return Writes(sources.read(server), count, times)


def measure(collection: Any, manner: Manner, *, count: int, times: int) -> Spread:
    """Time the writing of `count` documents in one manner; each time begins with none."""
    given = collection.with_options(write_concern=manner.concern)
    batch: list[Document] = []

    def before() -> None:
        collection.delete_many({})
        batch[:] = [{"step": step, "loss": 1 / (step + 1)} for step in range(count)]

    def work() -> None:
        manner.write(given, batch)
        if not manner.concern.acknowledged:
            # The client has only handed them over: wait until the server has them all.
            while collection.estimated_document_count() < count:
                time.sleep(0.001)

    return repeat(work, times=times, before=before)


class Writes(Panel):
    """Bars of documents per second; `measured` holds the times of each manner."""

    def __init__(self, source: Source, count: int, times: int) -> None:
        self.source, self.count, self.times = source, count, times
        self.measured: dict[str, Spread] = {}
        self._turn = Turn()
        self._stop = threading.Event()
        self.bars = Bars("documents/s", of="documents written per second")
        self.go = ipywidgets.Button(
            description="Measure", tooltip="Write in every manner", button_style="primary"
        )
        self.go.on_click(lambda _button: self._start())
        super().__init__(
            "Write throughput",
            note=f"{source.title} · {count:,} documents, {times} times",
            accent=source.accent,
            controls=[self.go],
            body=[self.bars],
            strip=Code("Python that ran", language="python"),
        )
        self.run()

    def run(self) -> dict[str, Spread]:
        """Measure every manner, and show and return the times."""
        with self._turn:
            self._stop.clear()
            self.measured = {}
            begun = time.perf_counter()
            self.start(cancel=self._stop.set)
            try:
                with self.source.open() as catalog:
                    self._measure(catalog[SCRATCH])
                    catalog.drop_collection(SCRATCH)
            except (PyMongoError, KitError) as error:
                why = refused(error, self.source)
                self.fail(why.message, why.hint)
                return self.measured
            word = "cancelled" if self._stop.is_set() else "measured"
            self.done(word, seconds=time.perf_counter() - begun)
            return self.measured

    def close(self) -> None:
        """Measure no further, and remove the panel."""
        self._turn.end()
        self._stop.set()
        super().close()

    def _measure(self, collection: Any) -> None:
        for manner in MANNERS:
            if self._stop.is_set():
                return
            self.start(f"running · {manner.name}", cancel=self._stop.set)
            taken = measure(collection, manner, count=self.count, times=self.times)
            self.measured[manner.name] = taken
            self.bars.show([self._bar(name, one) for name, one in self.measured.items()])
        if self.strip is not None:
            self.strip.show("\n\n".join(f"# {one.name}\n{one.code}" for one in MANNERS))

    def _bar(self, name: str, taken: Spread) -> Bar:
        return Bar(name, self.count / taken.median, self.count / taken.high, self.count / taken.low)

    def _start(self) -> None:
        self._turn.ask(self.background, self.run)

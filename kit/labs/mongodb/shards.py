"""The shard lab: the same documents spread over several servers by one key or another."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets
from pymongo.errors import PyMongoError

from kit.errors import KitError, UsageError
from kit.labs.mongodb import source as sources
from kit.labs.mongodb.refusal import refused
from kit.labs.mongodb.source import Document
from kit.widgets import controls, units
from kit.widgets.bars import Bar, Bars
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.table import Grid, Table
from kit.widgets.turn import Turn
from kit.widgets.values import Shown

if TYPE_CHECKING:
    from kit.launch.server import Server

SCRATCH = "kit_shards"
_LIMITS = (
    "A model of hashed sharding, in Python: no mongos routes the queries, and nothing is moved "
    "when a server is added."
)


@dataclass(frozen=True)
class Placement:
    """Where one key put the documents: how many on each server, and how many had to be asked.

    `asked` holds, for each question, the servers asked and the documents that they returned.
    """

    key: Sequence[str]
    counts: Sequence[int]
    asked: Sequence[tuple[int, int]]

    @property
    def name(self) -> str:
        """The key's fields, as one word."""
        return ", ".join(self.key)


def shards(
    servers: Iterable[Server],
    documents: Iterable[Mapping[str, Any]],
    keys: Sequence[str],
    *,
    questions: Sequence[Mapping[str, Any]] = (),
) -> Shards:
    """Spread the documents over the servers by each key in turn, and count them there.

    A key names its fields with commas between. Each question is a filter of equalities, asked of
    the servers that may know.
    """
    made = Shards(list(servers), [dict(one) for one in documents], list(questions))
    for key in keys:
        made.spread(key)
    return made


def place(document: Mapping[str, Any], key: Sequence[str], servers: int) -> int:
    """Return the number of the server for a document, by the hash of its key's fields."""
    text = "/".join(str(document.get(field)) for field in key)
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % servers


def targets(question: Mapping[str, Any], key: Sequence[str], servers: int) -> list[int]:
    """Return the servers that may know: one if the whole key is in the question, else all."""
    known = all(field in question for field in key)
    return [place(question, key, servers)] if known else list(range(servers))


def distribute(
    collections: Sequence[Any],
    documents: Sequence[Document],
    key: Sequence[str],
    questions: Sequence[Mapping[str, Any]],
) -> Placement:
    """Put each document where its key says, and let every server count and answer."""
    parts: list[list[Document]] = [[] for _ in collections]
    for one in documents:
        parts[place(one, key, len(parts))].append(dict(one))
    for collection, part in zip(collections, parts, strict=True):
        collection.drop()
        if part:
            collection.insert_many(part)
    asked = []
    for question in questions:
        chosen = targets(question, key, len(parts))
        found = sum(collections[number].count_documents(dict(question)) for number in chosen)
        asked.append((len(chosen), found))
    return Placement(key, [one.count_documents({}) for one in collections], asked)


class Shards(Panel):
    """Bars of documents per server for each key that was tried; `spreads` holds them."""

    def __init__(
        self,
        servers: Sequence[Server],
        documents: Sequence[Document],
        questions: Sequence[Mapping[str, Any]],
    ) -> None:
        self._turn = Turn()
        if not servers or not documents:
            raise UsageError("A spread wants servers and documents: give at least one of each.")
        self.sources = [sources.read(server) for server in servers]
        self.documents, self.questions = documents, questions
        self.spreads: dict[str, Placement] = {}
        self.key = ipywidgets.Text(description="Shard key", placeholder="run_id, digit")
        self.go = controls.button("Spread", "Spread the documents by this key", primary=True)
        self.go.on_click(lambda _button: self._start())
        self.bars = Bars("documents", of="documents on each server", volatile=False)
        self.table = Table("Servers asked")
        first = self.sources[0]
        super().__init__(
            "Shard lab",
            note=f"{len(servers)} × {first.product} · {len(documents):,} documents",
            accent=first.accent,
            controls=[self.key, self.go],
            body=[self.bars, self.table],
            strip=Code("Python that ran", language="python"),
        )
        self.empty("Nothing is spread yet.", "Name a field or several, with commas between.")

    def spread(self, key: str) -> Placement | None:
        """Spread the documents by one more key; show and return where they are."""
        fields = [name.strip() for name in key.split(",") if name.strip()]
        with self._turn:
            self.start(f"running · {', '.join(fields)}")
            begun = time.perf_counter()
            unknown = [f for f in fields if not any(f in one for one in self.documents)]
            if unknown or not fields:
                known = ", ".join(sorted({name for one in self.documents for name in one}))
                said = f"No document has a field {unknown[0]}." if unknown else "No key is named."
                self.fail(said, f"There are the fields {known}.")
                return None
            try:
                found = self._distribute(fields)
            except (PyMongoError, KitError) as error:
                why = refused(error, self.sources[0])
                self.fail(why.message, why.hint)
                return None
            self.spreads[found.name] = found
            self._show(time.perf_counter() - begun)
            return found

    def close(self) -> None:
        """Spread nothing any more, and remove the panel."""
        self._turn.end()
        super().close()

    def _start(self) -> None:
        self._turn.ask(self.background, lambda: self.spread(self.key.value))

    def _distribute(self, fields: list[str]) -> Placement:
        clients: list[Any] = []
        try:
            for source in self.sources:
                clients.append(source.client())
            places = [
                client[source.catalog][SCRATCH]
                for client, source in zip(clients, self.sources, strict=True)
            ]
            return distribute(places, self.documents, fields, self.questions)
        finally:
            for client in clients:
                client.close()

    def _show(self, seconds: float) -> None:
        self.key.value = list(self.spreads)[-1]
        self.bars.show(
            [
                Bar(f"{one.name} · server {number}", count)
                for one in self.spreads.values()
                for number, count in enumerate(one.counts, 1)
            ]
        )
        self.table.show(_grid(list(self.spreads.values()), self.questions))
        if self.strip is not None:
            last = list(self.spreads.values())[-1]
            self.strip.show(_CODE.format(key=list(last.key), count=len(self.sources)))
        self.done(units.plural(len(self.spreads), "key"), seconds=seconds)


_CODE = """\
def place(document, key={key}):
    text = "/".join(str(document.get(field)) for field in key)
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % {count}

for document in documents:
    shards[place(document)].insert_one(document)
[shard.count_documents({{}}) for shard in shards]"""


def _share(part: float) -> Shown:
    return Shown(f"{part:.0%}", part)


def _grid(spreads: Sequence[Placement], questions: Sequence[Mapping[str, Any]]) -> Grid:
    titles = [f"servers asked for {', '.join(question)}" for question in questions]
    return Grid(
        columns=["shard key", "largest share", *titles],
        rows=[
            [
                one.name,
                _share(max(one.counts) / max(sum(one.counts), 1)),
                *(asked for asked, _ in one.asked),
            ]
            for one in spreads
        ],
        note=_LIMITS,
    )

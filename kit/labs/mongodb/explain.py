"""The index lab: one query in every way that the server can carry it out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import ipywidgets
from pymongo.errors import ConnectionFailure, PyMongoError

from kit.errors import KitError
from kit.labs.mongodb import access, spelling
from kit.labs.mongodb import source as sources
from kit.labs.mongodb.refusal import refused
from kit.labs.mongodb.source import Document, Source
from kit.widgets import units
from kit.widgets.bars import Bar, Bars
from kit.widgets.code import Code
from kit.widgets.editor import Editor
from kit.widgets.panel import Panel
from kit.widgets.parts import Notice
from kit.widgets.table import Grid, Table
from kit.widgets.turn import Turn
from kit.widgets.values import Shown

if TYPE_CHECKING:
    from kit.launch.server import Server

_SCAN = {"$natural": 1}


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to carry a query out; `name` is the index, `steps` from reading to answering.

    `kind` says what is special about the index: compound, partial, TTL, text, unique.
    `missing` counts documents that this way does not find: an index that holds only a part can be
    forced upon a query that asks for more. `refused` holds the server's words where it would not
    go this way.
    """

    name: str
    kind: str = ""
    steps: Sequence[str] = ()
    keys: int = 0
    examined: int = 0
    returned: int = 0
    seconds: float = 0.0
    chosen: bool = False
    missing: int = 0
    refused: str = ""

    @property
    def sorts(self) -> bool:
        """Tell whether the documents are put in order after they were read."""
        return "SORT" in self.steps


def indexes(
    server: Server | str,
    filter: Mapping[str, Any] | None = None,
    *,
    sort: Mapping[str, int] | None = None,
    collection: str = "experiments",
    catalog: str = "",
) -> Explain:
    """Show how a query would be carried out without an index, by each index, and by choice."""
    query: Document = {"filter": dict(filter or {})} | ({"sort": dict(sort)} if sort else {})
    return Explain(sources.read(server, catalog=catalog), collection, query)


def ways(collection: Any, query: Mapping[str, Any], *, hints: bool = True) -> list[Way]:
    """Run a query's `explain` without an index, by each index, and as the server likes best.

    Where the server does not obey `hints`, only its own choice stands beside the way without.
    """
    free = explain(collection, query)
    found = [_way("no index", explain(collection, query, _SCAN))]
    if not hints and _index(free) != "no index":
        found.append(_way(_index(free), free))
    known = collection.index_information()
    for name in known if hints else ():
        try:
            found.append(_way(str(name), explain(collection, query, name)))
        except ConnectionFailure:
            raise
        except PyMongoError as error:
            said = (getattr(error, "details", None) or {}).get("errmsg", str(error))
            found.append(Way(name=str(name), refused=str(said)))
    own, whole = _index(free), found[0].returned
    return [
        replace(
            way,
            kind=kind(known.get(way.name, {})),
            chosen=way.name == own,
            missing=0 if way.refused else max(whole - way.returned, 0),
        )
        for way in found
    ]


def kind(index: Mapping[str, Any]) -> str:
    """Name what is special about an index, as `index_information()` describes it."""
    fields = index.get("key", ())
    special = {
        "compound": len(fields) > 1 and "weights" not in index,
        "text": "weights" in index,
        "unique": index.get("unique"),
        "partial": "partialFilterExpression" in index,
        "TTL": "expireAfterSeconds" in index,
    }
    return ", ".join(word for word, holds in special.items() if holds)


def explain(collection: Any, query: Mapping[str, Any], hint: object = None) -> Document:
    """Return what the server's `explain` says of a query that it has run."""
    command = {"find": collection.name, **query} | ({"hint": hint} if hint else {})
    begun = time.perf_counter()
    found: Document = collection.database.command("explain", command, verbosity="executionStats")
    return found | {"seconds": time.perf_counter() - begun}


class Explain(Panel):
    """A query to write, and a table of the ways to carry it out; `ways` holds them."""

    def __init__(self, source: Source, collection: str, query: Document) -> None:
        self.source = source
        self.ways: list[Way] = []
        self._turn = Turn()
        self.collection = collection
        self.editor = Editor(
            spelling.to_json(query), "Query", '{"filter": {…}, "sort": {…}}', self._start
        )
        self.table = Table("Ways to carry the query out")
        self.bars = Bars("documents", of="documents read", volatile=False)
        self.go = ipywidgets.Button(
            description="Explain", tooltip="Try every way (Ctrl+Enter)", button_style="primary"
        )
        self.go.on_click(lambda _button: self._start())
        notice = Notice()
        super().__init__(
            "Index lab",
            note=f"{source.title} · {source.catalog}.{collection}",
            accent=source.accent,
            controls=[self.go],
            body=[self.editor, notice, self.table, self.bars],
            strip=Code("Python that ran", language="python"),
            notice=notice,
        )
        self.run()

    def run(self) -> list[Way]:
        """Try every way, show and return them; nothing where the query is refused."""
        with self._turn:
            self.start()
            begun = time.perf_counter()
            try:
                query = spelling.parse(self.editor.value)
                with self.source.open() as catalog:
                    self.ways = ways(
                        catalog[self.collection], query, hints=self.source.supports("hints")
                    )
            except spelling.Unreadable as error:
                return self._refuse(str(error), error.hint)
            except (PyMongoError, KitError, TypeError) as error:
                why = refused(error, self.source)
                return self._refuse(why.message, why.hint)
            self._show(query, time.perf_counter() - begun)
            return self.ways

    def _show(self, query: Document, seconds: float) -> None:
        grid = _grid(self.ways)
        if not self.source.supports("hints"):
            grid = replace(grid, note=f"{self.source.product} reports no index but its own choice.")
        self.table.show(grid)
        self.bars.show(_bars(self.ways))
        if self.strip is not None:
            name = f'client["{self.source.catalog}"]'
            call = spelling.to_python({"find": self.collection, **query})
            self.strip.show(
                f'{name}.command("explain", {call}, verbosity="executionStats")\n'
                '# and once more for each way, with "hint": its name, or {"$natural": 1} for none'
            )
        self.done(units.plural(len(self.ways), "way"), seconds=seconds)

    def _refuse(self, message: str, hint: str) -> list[Way]:
        self.ways = []
        self.table.show()
        self.bars.show([])
        self.fail(message, hint)
        return []

    def _start(self) -> None:
        self._turn.ask(self.background, self.run)


def _way(name: str, found: Document) -> Way:
    stats = found.get("executionStats", {})
    return Way(
        name=name,
        steps=[str(step["stage"]) for step in reversed(_plan(found))],
        keys=int(stats.get("totalKeysExamined", 0)),
        examined=int(stats.get("totalDocsExamined", 0)),
        returned=int(stats.get("nReturned", 0)),
        seconds=float(found["seconds"]),
    )


def _plan(found: Document) -> list[Mapping[str, Any]]:
    return access.steps(found.get("queryPlanner", {}).get("winningPlan", {}))


def _index(found: Document) -> str:
    named = [str(step["indexName"]) for step in _plan(found) if "indexName" in step]
    return named[0] if named else "no index"


def _bars(found: Sequence[Way]) -> list[Bar]:
    """Return the documents returned, and for each way those that were read for them."""
    ran = [way for way in found if not way.refused]
    returned = Bar("returned", max((way.returned for way in ran), default=0))
    return [returned, *(Bar(way.name, way.examined) for way in ran)]


def _verdict(way: Way) -> str:
    if way.missing:
        return f"✗ misses {way.missing:,}: a part is indexed"
    return "✓ the server's choice" if way.chosen else ""


def _grid(found: Sequence[Way]) -> Grid:
    return Grid(
        columns=["way", "kind", "steps", "keys read", "documents read", "returned", "took", ""],
        rows=[
            [
                way.name,
                Shown(way.kind, way.kind),
                way.refused or " → ".join(way.steps),
                None if way.refused else way.keys,
                None if way.refused else way.examined,
                None if way.refused else way.returned,
                None if way.refused else Shown(units.duration(way.seconds), way.seconds),
                Shown(_verdict(way), way.chosen),
            ]
            for way in found
        ],
        volatile=frozenset({"took"}),
    )

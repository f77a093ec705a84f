"""The document explorer: the shape of a collection, and its drift from one batch to another."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets
from pymongo.errors import PyMongoError

from kit.errors import KitError
from kit.labs.mongodb import shape
from kit.labs.mongodb import source as sources
from kit.labs.mongodb.refusal import refused
from kit.labs.mongodb.shape import Drift, Field
from kit.labs.mongodb.source import Document, Source
from kit.widgets import units
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.table import Grid, Table
from kit.widgets.turn import Turn
from kit.widgets.values import Shown

if TYPE_CHECKING:
    from kit.launch.server import Server

MOST = 2000
"""Documents that are looked at; of more, as many are picked by chance."""

_SIGNS = {
    "appeared": "+",
    "vanished": "–",
    "another type": "≠",
    "rarer": "↓",
    "more frequent": "↑",
}
_NONE = "(no batches)"


def documents(
    server: Server | str, collection: str = "experiments", *, batch: str = "", catalog: str = ""
) -> Explorer:
    """Show which fields the documents of a collection have, how often, and of which types.

    `batch` names a field by whose values the documents are parted: the first two, in order, are
    compared.
    """
    return Explorer(sources.read(server, catalog=catalog), collection, batch)


class Explorer(Panel):
    """The fields of a collection; `fields` and `drift` hold what was found last."""

    def __init__(self, source: Source, collection: str, batch: str) -> None:
        self.source = source
        self.fields: list[Field] = []
        self.drift: list[Drift] = []
        self._turn = Turn()
        self._changing = False
        self.collection = _dropdown("Collection", [collection], collection)
        self.batch = _dropdown("Compare by", [_NONE, *([batch] if batch else [])], batch or _NONE)
        self.go = ipywidgets.Button(
            description="Look", tooltip="Read the documents anew", button_style="primary"
        )
        self.table = Table("Fields")
        super().__init__(
            "Document explorer",
            note=source.title,
            accent=source.accent,
            controls=[self.collection, self.batch, self.go],
            body=[self.table],
            strip=Code("Python that ran", language="python"),
        )
        self.go.on_click(lambda _button: self._start())
        self.collection.observe(self._chosen, "value")
        self.batch.observe(self._chosen, "value")
        self.look()

    def look(self) -> None:
        """Read the documents, and show their shape."""
        with self._turn:
            self.start()
            begun = time.perf_counter()
            try:
                with self.source.open() as catalog:
                    names = sorted(catalog.list_collection_names())
                    found = self._read(catalog[str(self.collection.value)])
            except (PyMongoError, KitError) as error:
                why = refused(error, self.source)
                return self.fail(why.message, why.hint)
            self._offer(names, found)
            return self._show(found, time.perf_counter() - begun)

    def _read(self, collection: Any) -> list[Document]:
        self._many = collection.estimated_document_count() > MOST
        name = f'client["{self.source.catalog}"]["{collection.name}"]'
        if self.strip is not None:
            call = f'aggregate([{{"$sample": {{"size": {MOST}}}}}])' if self._many else "find()"
            self.strip.show(f"documents = list({name}.{call})")
        if self._many:
            return list(collection.aggregate([{"$sample": {"size": MOST}}]))
        return list(collection.find())

    def _show(self, found: Sequence[Document], seconds: float) -> None:
        if not found:
            self.table.show()
            return self.empty("There is no document in this collection yet.")
        parts = _parted(found, str(self.batch.value))
        self.fields, self.drift = shape.fields(found), []
        count = units.plural(len(found), "document")
        if len(parts) > 1:
            (one, old), (other, new) = list(parts.items())[:2]
            before, after = shape.fields(old), shape.fields(new)
            self.drift = shape.drift(before, after)
            self.table.show(_compared(before, after, self.drift, (one, other)))
            drifted = units.plural(len(self.drift), "field drifted", "fields drifted")
            return self.done(f"{count} · {drifted}", seconds=seconds)
        self.table.show(_listed(self.fields))
        picked = " picked by chance" if self._many else ""
        return self.done(
            f"{count}{picked} · {units.plural(len(self.fields), 'field')}", seconds=seconds
        )

    def _offer(self, names: Sequence[str], found: Sequence[Document]) -> None:
        self._changing = True
        now = str(self.collection.value)
        self.collection.options = sorted({*names, now})
        self.collection.value = now
        chosen = str(self.batch.value)
        able = [_NONE, *_parting(found)]
        self.batch.options = able if chosen in able else [*able, chosen]
        self.batch.value = chosen
        self._changing = False

    def _chosen(self, _change: Any) -> None:
        if not self._changing:
            self._start()

    def _start(self) -> None:
        self._turn.ask(self.background, self.look)


def _parting(found: Sequence[Document]) -> list[str]:
    """Name the fields whose values are few enough to part the documents by."""
    names = dict.fromkeys(name for document in found for name in document)
    texts = {name: {d[name] for d in found if isinstance(d.get(name), str)} for name in names}
    return [name for name, seen in texts.items() if 2 <= len(seen) <= 6 < len(found)]


def _parted(found: Sequence[Document], by: str) -> dict[str, list[Document]]:
    parts: dict[str, list[Document]] = {}
    for document in found:
        if isinstance(document.get(by), str):
            parts.setdefault(document[by], []).append(document)
    return dict(sorted(parts.items()))


def _listed(found: Sequence[Field]) -> Grid:
    return Grid(
        columns=["field", "in", "types", "for example"],
        rows=[
            [_indented(f.path), _share(f), _types(f), Shown(" · ".join(f.examples), "")]
            for f in found
        ],
    )


def _compared(
    before: Sequence[Field], after: Sequence[Field], drifts: Sequence[Drift], names: tuple[str, str]
) -> Grid:
    old, new = ({f.path: f for f in batch} for batch in (before, after))
    kinds = {one.path: one.kind for one in drifts}
    paths = shape.ordered({f.path: f for f in (*before, *after)})
    rows: list[list[object]] = [
        [
            _indented(path),
            _share(old.get(path)),
            _types(old.get(path)),
            _share(new.get(path)),
            _types(new.get(path)),
            Shown(f"{_SIGNS[kinds[path]]} {kinds[path]}" if path in kinds else "", path),
        ]
        for path in paths
    ]
    one, other = names
    return Grid(
        columns=[
            "field",
            f"in {one}",
            f"types in {one}",
            f"in {other}",
            f"types in {other}",
            "drift",
        ],
        rows=rows,
    )


def _indented(path: str) -> str:
    """Set a nested field in by its depth, and name its last part only."""
    parts = path.replace("[]", ".[]").split(".")
    return "\u2003" * (len(parts) - 1) + ("each element" if parts[-1] == "[]" else parts[-1])


def _share(found: Field | None) -> Shown | None:
    if found is None:
        return Shown("–", 0)
    return Shown(f"{100 * found.share:.0f} %", found.count)


def _types(found: Field | None) -> Shown:
    return Shown("" if found is None else ", ".join(sorted(found.types)), "")


def _dropdown(label: str, options: list[str], value: str) -> Any:
    made = ipywidgets.Dropdown(options=options, value=value, description=label)
    made.layout.width = "auto"
    return made

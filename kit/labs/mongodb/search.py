"""The search lab: words looked for in a text field, by a text index or by its nearest."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets
from pymongo import TEXT
from pymongo.errors import PyMongoError

from kit.errors import KitError
from kit.labs.mongodb import source as sources
from kit.labs.mongodb import spelling
from kit.labs.mongodb.refusal import refused
from kit.labs.mongodb.source import Document, Source
from kit.widgets import controls, units
from kit.widgets.bars import Bar, Bars
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.table import Grid, Table
from kit.widgets.turn import Turn

if TYPE_CHECKING:
    from kit.launch.server import Server

MOST = 20
"""Documents shown of those found."""
_SCORE = {"$meta": "textScore"}


@dataclass(frozen=True)
class Hit:
    """A document that was found: its `_id`, its text, and its score where there is one."""

    key: str
    text: str
    score: float | None = None


def search(
    server: Server | str,
    words: str,
    *,
    field: str = "note",
    collection: str = "experiments",
    catalog: str = "",
) -> Search:
    """Show which documents hold the words, by score where the server has text indexes.

    The collection is given a text index on `field`, unless it has one. Elsewhere a regular
    expression looks for each word as it is written.
    """
    return Search(sources.read(server, catalog=catalog), collection, field, words)


def query(field: str, words: str, *, full_text: bool) -> Document:
    """Return the filter that finds any of the words."""
    if full_text:
        return {"$text": {"$search": words}}
    letters = "|".join(re.escape(word) for word in words.split())
    return {field: {"$regex": rf"\b({letters})\b", "$options": "i"}}


def hits(collection: Any, field: str, words: str, *, full_text: bool) -> list[Hit]:
    """Find at most `MOST` documents, those with the highest score first where there are scores."""
    wanted = {field: 1} | ({"score": _SCORE} if full_text else {})
    order: Document = ({"score": _SCORE} if full_text else {}) | {"_id": 1}
    found = collection.find(query(field, words, full_text=full_text), wanted)
    return [
        Hit(str(one["_id"]), str(one.get(field, "")), one.get("score"))
        for one in found.sort(list(order.items())).limit(MOST)
    ]


class Search(Panel):
    """Words to look for, the documents that hold them and their scores; `hits` holds them."""

    def __init__(self, source: Source, collection: str, field: str, words: str) -> None:
        self.source, self.collection, self.field = source, collection, field
        self.hits: list[Hit] = []
        self._turn = Turn()
        self.full_text = source.supports("full_text")
        self.words = ipywidgets.Text(
            value=words, description="Words", placeholder="overfitting", continuous_update=False
        )
        self.words.observe(lambda _change: self._start(), "value")
        self.go = controls.button("Search", "Look for the words (Enter)", primary=True)
        self.go.on_click(lambda _button: self._start())
        self.bars = Bars("points", of="score", volatile=False)
        self.table = Table("What was found")
        super().__init__(
            "Search lab",
            note=f"{source.title} · {source.catalog}.{collection}.{field}",
            accent=source.accent,
            controls=[self.words, self.go],
            body=[self.bars, self.table] if self.full_text else [self.table],
            strip=Code("Python that ran", language="python"),
        )
        self.run()

    def run(self) -> list[Hit]:
        """Look for the words, and show and return what was found."""
        with self._turn:
            self.hits = []
            if self.words.value.strip():
                self._search()
            else:
                self.bars.show([])
                self.table.show()
                self.empty("No word to look for.", "Write one or more, such as overfitting.")
            return self.hits

    def close(self) -> None:
        """Look for nothing any more, and remove the panel."""
        self._turn.end()
        super().close()

    def _start(self) -> None:
        self._turn.ask(self.background, self.run)

    def _search(self) -> None:
        self.start()
        begun = time.perf_counter()
        try:
            with self.source.open() as catalog:
                self.hits = self._ask(catalog[self.collection])
        except (PyMongoError, KitError) as error:
            why = refused(error, self.source)
            self.bars.show([])
            self.table.show()
            self.fail(why.message, why.hint)
        else:
            self._show(time.perf_counter() - begun)

    def _ask(self, collection: Any) -> list[Hit]:
        if self.full_text:
            collection.create_index([(self.field, TEXT)])
        return hits(collection, self.field, self.words.value, full_text=self.full_text)

    def _show(self, seconds: float) -> None:
        self.bars.show([Bar(one.key, one.score) for one in self.hits if one.score is not None])
        self.table.show(Grid(columns=["which", self.field], rows=_rows(self.hits), note=self._note))
        if self.strip is not None:
            self.strip.show(self._code())
        self.done(f"{units.plural(len(self.hits), 'document')} found", seconds=seconds)

    @property
    def _note(self) -> str:
        if self.full_text:
            return "" if self.hits else "No document holds any of the words, nor one of their stem."
        return (
            f"{self.source.product} has no text index. This is a regular expression, "
            "the nearest and not the same: it knows letters, no stems, and no score."
        )

    def _code(self) -> str:
        name = f'client["{self.source.catalog}"]["{self.collection}"]'
        asked = spelling.to_python(query(self.field, self.words.value, full_text=self.full_text))
        if not self.full_text:
            return f"{name}.find({asked})"
        score = f'{{"score": {spelling.to_python(_SCORE)}}}'
        return (
            f'{name}.create_index([("{self.field}", "text")])\n'
            f"{name}.find({asked}, {score}).sort({score})"
        )


def _rows(found: Sequence[Hit]) -> list[list[object]]:
    return [[one.key, one.text] for one in found]

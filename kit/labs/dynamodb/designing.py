"""The table designer: a key is chosen, a real table is built, and every question is put to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kit import databases
from kit.errors import UsageError
from kit.labs.dynamodb import layout, refusals
from kit.labs.dynamodb.design import Design, Index, keyable
from kit.labs.dynamodb.layout import Answer, Built, Item
from kit.labs.dynamodb.patterns import ICONS, Pattern
from kit.widgets import controls, units
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.shelves import Box, Kind, Shelf, Shelves
from kit.widgets.table import Grid, Table
from kit.widgets.values import Shown, text_of

if TYPE_CHECKING:
    from kit.launch.server import Server

TABLE = "kit_designer"
INDEX = "by_other_key"
_NONE = "(none)"


def designer(
    server: Server,
    items: Sequence[Item],
    patterns: Sequence[Pattern],
    *,
    partition: str,
    sort: str = "",
    index: tuple[str, str] | None = None,
) -> Designer:
    """Open the table designer on real items and the questions that are asked of them.

    `index` names the partition and the sort key of a global secondary index. The table that is
    built is called kit_designer; building anew replaces it.
    """
    if not items:
        raise UsageError("The designer wants items to lay out: give it some, as dictionaries.")
    return Designer(server, items, patterns, Design(partition=partition, sort=sort), index)


class Designer(Panel):
    """Choose keys, see what lies together, and which questions that answers."""

    def __init__(
        self,
        server: Server,
        items: Sequence[Item],
        patterns: Sequence[Pattern],
        first: Design,
        index: tuple[str, str] | None,
    ) -> None:
        self.server = server
        self.items = list(items)
        self.patterns = list(patterns)
        self.built: Built | None = None
        self.answers: list[Answer] = []
        self._db: Any = None
        self._turn = threading.Lock()
        names = keyable(self.items)
        self.partition = _choice("Partition key", names, first.partition)
        self.sort = _choice("Sort key", [_NONE, *names], first.sort or _NONE)
        given = index or (_NONE, _NONE)
        self.by = _choice("Index by", [_NONE, *names], given[0])
        self.then = _choice("then by", [_NONE, *names], given[1] or _NONE)
        self.go = controls.button("Build", "Create the table and write the items", primary=True)
        self.go.on_click(lambda _button: self.background(self.build))
        self.asked = _choice("Mark", [("what no question reads", -1)], -1)
        self.shelves = Shelves("Items by partition")
        self.verdicts = Table("Questions")
        super().__init__(
            "Table designer",
            note=f"{server.product} · {server.name}",
            accent=databases.get("dynamodb").accent,
            controls=[self.partition, self.sort, self.by, self.then, self.go],
            body=[self.verdicts, controls.row(self.asked), self.shelves],
            strip=Code("Code that ran", language="python"),
        )
        self.asked.observe(lambda change: self._mark(), "value")
        self.build()

    @property
    def design(self) -> Design:
        """Return the design that the controls describe."""
        base = Design(partition=self.partition.value, sort=_given(self.sort))
        if not _given(self.by):
            return base
        index = Index(name=INDEX, partition=_given(self.by), sort=_given(self.then), base=base.keys)
        return Design(partition=base.partition, sort=base.sort, indexes=(index,))

    def build(self) -> Built | None:
        """Create the table, write the items and put every question; None where that failed."""
        with self._turn:
            self.go.disabled = True
            self.start(f"writing {units.plural(len(self.items), 'item')}")
            begun = time.perf_counter()
            try:
                self._build(self.design)
            except Exception as error:
                self._blank()
                self.fail(*refusals.told(error))
            else:
                self._show(time.perf_counter() - begun)
            finally:
                self.go.disabled = False
        return self.built

    def close(self) -> None:
        """Close the client, and remove the panel; the table stays until the server stops."""
        if self._db is not None:
            self._db.meta.client.close()
        super().close()

    def _build(self, design: Design) -> None:
        self.built, self.answers = None, []
        if len({*design.keys}) < len(design.keys):
            raise UsageError("Partition key and sort key are two different attributes.")
        if self._db is None:
            self._db = self.server.connect()
        self.built = layout.build(self._db, TABLE, design, self.items)
        self.answers = [layout.ask(self.built.table, design, one) for one in self.patterns]
        self.places: list[Design | Index] = [design, *design.indexes]
        self.laid = [layout.shelves(self.built.table, at, self.items) for at in self.places]

    def _show(self, seconds: float) -> None:
        self.verdicts.show(_verdicts(self.patterns, self.answers))
        served = sum(answer.plan.verdict == "served" for answer in self.answers)
        chosen = max(self.asked.value, -1)
        questions = [(one.question, i) for i, one in enumerate(self.patterns)]
        self.asked.options = [("nothing", -1), *questions]
        self.asked.value = chosen
        self._mark()
        said = f"{served} of {units.plural(len(self.answers), 'question')} served by a key"
        self.done(said, seconds=seconds)
        if self.built is not None and (lost := _lost(self.built, self.design)):
            self.notice.say(f"{lost}.", self.built.refusal)

    def _mark(self) -> None:
        if self.built is None:
            return
        answer = self.answers[self.asked.value] if self.asked.value >= 0 else None
        at = 1 if answer is not None and answer.plan.index else 0
        place, laid = self.places[at], self.laid[at]
        kind = f"index {place.name}" if isinstance(place, Index) else "the table"
        self.shelves.show(
            [_shelf(value, place, found, answer) for value, found in laid.items()],
            caption=f"One line for each {place.partition} of {kind}, its items in the order of "
            f"{place.sort or 'nothing: there is room for one'}.",
        )
        self._write(answer)

    def _write(self, answer: Answer | None) -> None:
        definition = self.design.definition(self.items)
        create = ",\n".join(f"    {name}={value!r}" for name, value in definition.items())
        build = f'table = db.create_table(\n    TableName="{TABLE}",\n{create},\n)'
        put = "for item in items:\n    table.put_item(Item=item)"
        asked = [answer] if answer else self.answers
        calls = "\n".join(dict.fromkeys(one.plan.code for one in asked))
        if self.strip is not None:
            self.strip.show(f"{build}\n{put}\n\n{calls}" if answer is None else calls)

    def _blank(self) -> None:
        self.built = None
        self.verdicts.show()
        self.shelves.show([])
        if self.strip is not None:
            self.strip.show("")


def _verdicts(patterns: Sequence[Pattern], answers: Sequence[Answer]) -> Grid:
    return Grid(
        columns=["question", "verdict", "how", "items read", "answer", "read units"],
        rows=[
            [
                pattern.question,
                Shown(answer.plan.verdict, answer.plan.verdict, ICONS[answer.plan.verdict]),
                answer.plan.words,
                sum(line.items for line in answer.lines),
                len(answer.items),
                answer.units,
            ]
            for pattern, answer in zip(patterns, answers, strict=True)
        ],
        note="read units are computed from item sizes by AWS's published rules",
    )


def _shelf(
    value: Any, place: Design | Index, found: Sequence[Item], answer: Answer | None
) -> Shelf:
    boxes = [
        Box(text_of(item[place.sort]) if place.sort else "item", _told(item), _kind(item, answer))
        for item in found
    ]
    return Shelf(label=text_of(value), boxes=boxes, note=units.plural(len(boxes), "item"))


def _kind(item: Item, answer: Answer | None) -> Kind:
    if answer is None:
        return ""
    if item in answer.items:
        return "hit"
    return "read" if item in answer.looked else ""


def _told(item: Item) -> str:
    return ", ".join(f"{name} {text_of(value)}" for name, value in sorted(item.items()))


def _lost(built: Built, design: Design) -> str:
    """Say what became of items that are not in the table."""
    said = []
    if built.refused:
        said.append(f"{units.plural(built.refused, 'item')} refused by the server")
    if built.left < built.written:
        same = " and ".join(design.keys)
        said.append(
            f"{units.plural(built.written, 'item')} written and {built.left} left: of items with "
            f"the same {same}, only the last one stays"
        )
    return "; ".join(said)


def _choice(label: str, options: Sequence[Any], value: Any) -> Any:
    known = [one[1] if isinstance(one, tuple) else one for one in options]
    if value not in known:
        raise UsageError(f"{value!r} is no attribute that can be a key of these items.")
    return controls.choice(label, options, value)


def _given(chosen: Any) -> str:
    return "" if chosen.value == _NONE else str(chosen.value)

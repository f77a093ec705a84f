"""The capacity meter: kinds of calls on a real table, each with its units explained."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary

from kit import databases
from kit.errors import UsageError
from kit.labs.dynamodb import refusals
from kit.labs.dynamodb.account import Line
from kit.labs.dynamodb.bill import COMPUTED, grid, is_metered, metering, total
from kit.labs.dynamodb.design import Design, described
from kit.labs.dynamodb.weight import parts, size
from kit.widgets import controls, units
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.table import Grid, Table
from kit.widgets.values import text_of

if TYPE_CHECKING:
    from kit.launch.server import Server

MOST = 8
"""Calls that the meter keeps in sight."""

_CONSISTENCY = ("eventually consistent", "strongly consistent")

SAMPLE = 500
"""Items that are read, once, to offer their keys."""


@dataclass(frozen=True)
class Kind:
    """One kind of call: its name and its code, in which braces are filled from the controls."""

    name: str
    code: str
    consistent: bool = True


KINDS = (
    Kind("one item", "table.get_item(Key={key!r}{strong})"),
    Kind(
        "one item, one attribute of it",
        'table.get_item(Key={key!r}, ProjectionExpression="#name",\n'
        "               ExpressionAttributeNames={{'#name': {attribute!r}}}{strong})",
    ),
    Kind(
        "all items of a partition",
        "table.query(KeyConditionExpression=Key({partition!r}).eq({value!r}){strong})",
    ),
    Kind(
        "the first item of a partition",
        "table.query(KeyConditionExpression=Key({partition!r}).eq({value!r}), Limit=1{strong})",
    ),
    Kind(
        "a partition, filtered to one item",
        "table.query(KeyConditionExpression=Key({partition!r}).eq({value!r}),\n"
        "            FilterExpression=Attr({attribute!r}).eq({found!r}){strong})",
    ),
    Kind("the whole table", "table.scan({strong_alone})"),
    Kind(
        "the whole table, filtered to one value",
        "table.scan(FilterExpression=Attr({attribute!r}).eq({found!r}){strong})",
    ),
    Kind("the whole table, only counted", 'table.scan(Select="COUNT"{strong})'),
    Kind(
        "the same item, read in a transaction",
        "table.meta.client.transact_get_items(TransactItems=[\n"
        "    {{'Get': {{'TableName': table.name, 'Key': {key!r}}}}}])",
        consistent=False,
    ),
    Kind("the same item, written again", "table.put_item(Item=item)", consistent=False),
    Kind(
        "the same item, written in a transaction",
        "table.meta.client.transact_write_items(TransactItems=[\n"
        "    {{'Put': {{'TableName': table.name, 'Item': item}}}}])",
        consistent=False,
    ),
    Kind(
        "a note of 2,000 letters added to it",
        "table.update_item(Key={key!r}, UpdateExpression='SET kit_note = :note',\n"
        "                  ExpressionAttributeValues={{':note': 'x' * 2000}})",
        consistent=False,
    ),
    Kind(
        "the note taken away again",
        "table.update_item(Key={key!r}, UpdateExpression='REMOVE kit_note')",
        consistent=False,
    ),
)
"""Calls that change an item leave it as it was, but for the note."""


def meter(server: Server, table: str) -> Meter:
    """Open the capacity meter on a table of a server; raise UsageError where it is empty."""
    return Meter(server, table)


class Meter(Panel):
    """Make a call, see its units and why, and put the next beside it."""

    def __init__(self, server: Server, table: str) -> None:
        self.server = server
        self._db = server.connect()
        self.data = self._db.Table(table)
        self.lines: list[list[Line]] = []
        self._turn = threading.Lock()
        self.design, items = _look(self.data)
        self.items = {_label(self.design, item): item for item in items}
        self.kind = controls.choice("Read or write", [one.name for one in KINDS], width="360px")
        self.item = controls.choice("Item", list(self.items), width="360px")
        self.consistency = controls.choice("Consistency", _CONSISTENCY)
        self.go = controls.button("Call", "Make the call and weigh it", primary=True)
        self.go.on_click(lambda _button: self.background(self.run))
        self.bill = Table("Capacity units")
        self.weights = Table("The item's size")
        metered = is_metered(self._db)
        super().__init__(
            "Capacity meter",
            note=f"{server.product} · {table} · {COMPUTED}"
            + ("" if metered else "; this server does not meter"),
            accent=databases.get("dynamodb").accent,
            controls=[self.kind, self.item, self.consistency, self.go],
            body=[self.bill, self.weights],
            strip=Code("Code that ran", language="python"),
        )
        self._metered = metered
        self.kind.observe(lambda _change: self._fit(), "value")
        self._fit()
        self.run()

    def run(self, kind: str | None = None) -> list[Line]:
        """Make one kind of call, the chosen one without a name, and return its lines."""
        if kind is not None:
            self.kind.value = kind
        with self._turn:
            self.go.disabled = True
            begun = time.perf_counter()
            try:
                return self._call(begun)
            except Exception as error:
                self.fail(*refusals.told(error))
                return []
            finally:
                self.go.disabled = False

    def close(self) -> None:
        """Close the client, and remove the panel."""
        self._db.meta.client.close()
        super().close()

    @property
    def code(self) -> str:
        """Return the chosen call as Python."""
        kind = next(one for one in KINDS if one.name == self.kind.value)
        item = self.items[self.item.value]
        attribute, found = _other(item, self.design)
        strong = kind.consistent and self.consistency.value.startswith("strongly")
        return kind.code.format(
            key={name: item[name] for name in self.design.keys},
            partition=self.design.partition,
            value=item[self.design.partition],
            attribute=attribute,
            found=found,
            strong=", ConsistentRead=True" if strong else "",
            strong_alone="ConsistentRead=True" if strong else "",
        )

    def _call(self, begun: float) -> list[Line]:
        code, item = self.code, self.items[self.item.value]
        self.start()
        names = {"table": self.data, "item": item, "Key": Key, "Attr": Attr, "Decimal": Decimal}
        with metering(self.data) as bill:
            # The very code that is shown is what runs; it is made of the choices above alone.
            eval(code, names)  # noqa: S307
        self.lines = [*self.lines, bill.lines][-MOST:]
        self.bill.show(grid([one for call in self.lines for one in call], metered=self._metered))
        self.weights.show(_weights(item))
        if self.strip is not None:
            self.strip.show(code)
        self.done(total(bill.lines), seconds=time.perf_counter() - begun)
        return bill.lines

    def _fit(self) -> None:
        kind = next(one for one in KINDS if one.name == self.kind.value)
        self.consistency.disabled = not kind.consistent


def _look(table: Any) -> tuple[Design, Sequence[Mapping[str, Any]]]:
    client = table.meta.client
    try:
        design = described(client.describe_table(TableName=table.name)["Table"])
    except client.exceptions.ResourceNotFoundException:
        raise UsageError(f"There is no table called {table.name!r} on this server.") from None
    items = table.scan(Limit=SAMPLE)["Items"]
    if not items:
        raise UsageError(f"The table {table.name!r} is empty: put an item into it first.")
    return design, items


def _other(item: Mapping[str, Any], design: Design) -> tuple[str, Any]:
    """Choose an attribute outside the key to be asked for, a short one where there is one."""
    outside = {name: value for name, value in item.items() if name not in design.keys}
    short = {name: value for name, value in outside.items() if isinstance(value, str | Decimal)}
    name, value = next(iter((short or outside).items()), ("kit_note", ""))
    return name, bytes(value) if isinstance(value, Binary) else value


def _weights(item: Mapping[str, Any]) -> Grid:
    found = sorted(parts(item), key=lambda part: -part.size)
    return Grid(
        columns=["attribute", "type", "name, bytes", "value, bytes", "counted as"],
        rows=[[one.name, one.kind, one.of_name, one.of_value, one.rule] for one in found],
        note=f"the item chosen above: {size(item):,} bytes",
    )


def _label(design: Design, item: Mapping[str, Any]) -> str:
    key = " · ".join(text_of(item[name]) for name in design.keys)
    return f"{key} ({units.plural(size(item), 'byte')})"

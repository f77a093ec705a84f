"""A real table built to a design, and what lies where in it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from kit.errors import UsageError
from kit.labs.dynamodb.account import Line
from kit.labs.dynamodb.bill import metering
from kit.labs.dynamodb.design import Design, Index
from kit.labs.dynamodb.patterns import Pattern, Plan, plan

MOST = 2000
"""Items that are put one by one, so that each write is an answer of its own."""

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Built:
    """What came of writing items: how many the server took, how many are left, what it refused."""

    table: Any
    written: int
    left: int
    refused: int = 0
    refusal: str = ""


@dataclass(frozen=True)
class Answer:
    """What a pattern's call returned, what it had looked at, and the units that it used."""

    plan: Plan
    items: Sequence[Item]
    looked: Sequence[Item] = ()
    lines: Sequence[Line] = field(default=())

    @property
    def units(self) -> float:
        """Return the read units of all pages."""
        return sum(line.units or 0 for line in self.lines)


def build(db: Any, name: str, design: Design, items: Sequence[Item]) -> Built:
    """Create a table by a design in place of the one of that name, and put every item into it."""
    from botocore.exceptions import ClientError

    if len(items) > MOST:
        raise UsageError(f"The designer takes up to {MOST:,} items; give it a part of yours.")
    definition = design.definition(items)
    drop(db, name)
    table = create(db, name, definition)
    refusals = []
    for item in items:
        try:
            table.put_item(Item=item)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationException":
                raise
            refusals.append(error.response["Error"]["Message"])
    written = len(items) - len(refusals)
    left = len(list(pages(table, "scan", ConsistentRead=True)))
    for index in design.indexes:
        settle(table, index)
    return Built(table, written, left, len(refusals), next(iter(refusals), ""))


def create(db: Any, name: str, definition: Mapping[str, Any]) -> Any:
    """Create a table, and return it when it is there."""
    table = db.create_table(TableName=name, **definition)
    table.wait_until_exists()
    return table


def drop(db: Any, name: str) -> None:
    """Delete a table if it is there."""
    table = db.Table(name)
    try:
        table.delete()
    except db.meta.client.exceptions.ResourceNotFoundException:
        return
    table.wait_until_not_exists()


def pages(table: Any, method: str, **options: Any) -> Iterator[dict[str, Any]]:
    """Yield the items of every page of a query or a scan."""
    read = getattr(table, method)
    while True:
        answer = read(**options)
        yield from answer["Items"]
        if "LastEvaluatedKey" not in answer or "Limit" in options:
            return
        options["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def settle(table: Any, index: Index, *, patience: float = 10.0) -> None:
    """Wait until an index holds an entry of every item that it should.

    The service keeps indexes up to date a moment later; local servers do it at once.
    """
    items = pages(table, "scan", ConsistentRead=True)
    expected = sum(all(key in item for key in index.keys) for item in items)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if len(list(pages(table, "scan", IndexName=index.name))) >= expected:
            return
        time.sleep(0.1)


def shelves(table: Any, place: Design | Index, items: Iterable[Item]) -> dict[Any, list[Item]]:
    """Return each partition's items in the order in which the server keeps them."""
    from boto3.dynamodb.conditions import Key

    is_index = isinstance(place, Index)
    where: dict[str, Any] = {"IndexName": place.name} if is_index else {"ConsistentRead": True}
    known = [item[place.partition] for item in items if all(key in item for key in place.keys)]
    return {
        value: list(
            pages(table, "query", KeyConditionExpression=Key(place.partition).eq(value), **where)
        )
        for value in dict.fromkeys(known)
    }


def ask(table: Any, design: Design, pattern: Pattern) -> Answer:
    """Answer a pattern by the best call that a design allows, and count what that took."""
    chosen = plan(design, pattern)
    with metering(table) as bill:
        found = list(pages(table, chosen.method, **chosen.arguments()))
    looked = found
    if chosen.filters:
        looked = list(pages(table, chosen.method, **chosen.arguments(filtered=False)))
    if not chosen.sorted:
        found.sort(key=lambda item: item.get(pattern.order, Decimal(0)), reverse=pattern.descending)
    return Answer(chosen, found[: pattern.limit], looked, bill.lines)

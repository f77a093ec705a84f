"""Reading whole items, to learn what a call had to do with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

from kit.labs.dynamodb.design import Design, described
from kit.labs.dynamodb.weight import Wire, serialize

_TOKEN = re.compile(r"[#:]\w+")
_SAME = ("TableName", "IndexName", "KeyConditionExpression", "ConsistentRead", "ScanIndexForward")
_SCAN = ("Segment", "TotalSegments")


class Scales:
    """Ask a server for items and designs, by calls that nobody counts.

    Between a call and its weighing another writer may change an item: where that matters, weigh
    alone.
    """

    def __init__(self, client: Any, quiet: Callable[[], AbstractContextManager[None]]) -> None:
        self._client = client
        self._quiet = quiet
        self._designs: dict[str, Design] = {}

    def design(self, table: str) -> Design:
        """Return a table's design."""
        if table not in self._designs:
            with self._quiet():
                answer = self._client.describe_table(TableName=table)
            self._designs[table] = described(answer["Table"])
        return self._designs[table]

    def key(self, table: str, item: Wire) -> dict[str, Any]:
        """Return the key of an item, or of a key, as it travels."""
        return {name: item[name] for name in self.design(table).keys if name in item}

    def items(self, table: str, keys: Iterable[Wire]) -> list[dict[str, Any] | None]:
        """Read the items of these keys whole, None for each that is not there."""
        with self._quiet():
            return [self._item(table, key) for key in keys]

    def page(self, request: Mapping[str, Any], answer: Mapping[str, Any]) -> list[Wire]:
        """Read the items that a page of Query or Scan had looked at, those filtered out too."""
        looked = int(answer.get("ScannedCount", 0))
        if not looked:
            return []
        again = _unfiltered(request) | {"Limit": looked}
        read = self._client.query if "KeyConditionExpression" in request else self._client.scan
        found: list[Wire] = []
        with self._quiet():
            while len(found) < looked:
                page = read(**again)
                found += [serialize(item) for item in page["Items"]]
                if not page["Items"] or "LastEvaluatedKey" not in page:
                    break
                again["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        return found[:looked]

    def _item(self, table: str, key: Wire) -> dict[str, Any] | None:
        answer = self._client.get_item(TableName=table, Key=python(key), ConsistentRead=True)
        return serialize(answer["Item"]) if "Item" in answer else None


def python(item: Wire) -> dict[str, Any]:
    """Return an item that travelled in Python's types."""
    return {name: _deserializer().deserialize(value) for name, value in item.items()}


def _unfiltered(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same read without what only narrows its answer."""
    again = {name: request[name] for name in (*_SAME, *_SCAN) if name in request}
    used = set(_TOKEN.findall(request.get("KeyConditionExpression", "")))
    names = request.get("ExpressionAttributeNames") or {}
    values = request.get("ExpressionAttributeValues") or {}
    parts: Sequence[tuple[str, dict[str, Any]]] = (
        ("ExpressionAttributeNames", {k: v for k, v in names.items() if k in used}),
        ("ExpressionAttributeValues", python({k: v for k, v in values.items() if k in used})),
        ("ExclusiveStartKey", python(request.get("ExclusiveStartKey") or {})),
    )
    return again | {name: part for name, part in parts if part}


@cache
def _deserializer() -> Any:
    from boto3.dynamodb.types import TypeDeserializer

    return TypeDeserializer()

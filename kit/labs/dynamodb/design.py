"""A table's design: which attributes are its key, and which those of its indexes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kit.errors import UsageError
from kit.labs.dynamodb.weight import serialize

KEY_TYPES = {"S": "text", "N": "a number", "B": "binary"}


@dataclass(frozen=True, kw_only=True)
class Index:
    """A secondary index; `projects` is ALL, KEYS_ONLY, or the names of further attributes.

    `base` names the table's own key, which every index holds besides.
    """

    name: str
    partition: str
    sort: str = ""
    projects: str | tuple[str, ...] = "ALL"
    local: bool = False
    base: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the attributes of the index's key."""
        return tuple(filter(None, (self.partition, self.sort)))

    @property
    def projected(self) -> set[str] | None:
        """Return the attributes that an entry holds, None for all of them."""
        if self.projects == "ALL":
            return None
        extra = () if isinstance(self.projects, str) else self.projects
        return {*self.keys, *self.base, *extra}

    def definition(self) -> dict[str, Any]:
        """Return the index as CreateTable takes it."""
        projection: dict[str, Any] = {"ProjectionType": self.projects}
        if not isinstance(self.projects, str):
            projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(self.projects)}
        return {"IndexName": self.name, "KeySchema": _schema(self), "Projection": projection}


@dataclass(frozen=True, kw_only=True)
class Design:
    """A table's key, and its secondary indexes."""

    partition: str
    sort: str = ""
    indexes: Sequence[Index] = ()

    @property
    def name(self) -> str:
        """Return what the table itself is called beside its indexes."""
        return "the table"

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the attributes of the primary key."""
        return tuple(filter(None, (self.partition, self.sort)))

    def definition(self, items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the table as CreateTable takes it; the types of its keys are read off `items`.

        Raise UsageError where no item has a key attribute, or where its type cannot be a key's.
        """
        known = list(items)
        named = dict.fromkeys([*self.keys, *(key for one in self.indexes for key in one.keys)])
        found: dict[str, Any] = {
            "KeySchema": _schema(self),
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": key_type(name, known)} for name in named
            ],
            "BillingMode": "PAY_PER_REQUEST",
        }
        for kind, local in (("GlobalSecondaryIndexes", False), ("LocalSecondaryIndexes", True)):
            if chosen := [one.definition() for one in self.indexes if one.local is local]:
                found[kind] = chosen
        return found


def described(table: Mapping[str, Any]) -> Design:
    """Read a table's design off the answer of DescribeTable."""
    partition, sort = _names(table["KeySchema"])
    base = tuple(filter(None, (partition, sort)))
    indexes = [
        _index(one, base, local=local)
        for kind, local in (("GlobalSecondaryIndexes", False), ("LocalSecondaryIndexes", True))
        for one in table.get(kind) or ()
    ]
    return Design(partition=partition, sort=sort, indexes=tuple(indexes))


def key_type(name: str, items: Iterable[Mapping[str, Any]]) -> str:
    """Return the type of a key attribute, as the first item that has one shows it."""
    for item in items:
        if name in item:
            (kind,) = serialize({name: item[name]})[name]
            if kind in KEY_TYPES:
                return kind
            raise UsageError(
                f"{name!r} cannot be a key: keys are text, numbers or binary, and here it is "
                f"{item[name]!r}. Choose another attribute."
            )
    raise UsageError(f"No item has an attribute {name!r}, so it cannot be a key.")


def keyable(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the attributes of items that can be a key."""
    found = []
    for name in dict.fromkeys(name for item in items for name in item):
        try:
            key_type(name, items)
        except UsageError:
            continue
        found.append(name)
    return found


def _schema(of: Design | Index) -> list[dict[str, str]]:
    kinds = zip(of.keys, ("HASH", "RANGE"), strict=False)
    return [{"AttributeName": name, "KeyType": kind} for name, kind in kinds]


def _names(schema: Iterable[Mapping[str, str]]) -> tuple[str, str]:
    found = {part["KeyType"]: part["AttributeName"] for part in schema}
    return found["HASH"], found.get("RANGE", "")


def _index(one: Mapping[str, Any], base: tuple[str, ...], *, local: bool) -> Index:
    partition, sort = _names(one["KeySchema"])
    projection = one["Projection"]
    projects = projection["ProjectionType"]
    return Index(
        name=one["IndexName"],
        partition=partition,
        sort=sort,
        projects=tuple(projection["NonKeyAttributes"]) if projects == "INCLUDE" else projects,
        local=local,
        base=base,
    )

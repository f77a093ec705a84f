"""Access patterns: a question, and the call by which a design answers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import reduce
from operator import and_
from typing import Any, Literal

from kit.labs.dynamodb.design import Design, Index

Verdict = Literal["served", "partly", "not served"]
ICONS: dict[Verdict, str] = {"served": "✓", "partly": "◐", "not served": "✗"}


@dataclass(frozen=True)
class Pattern:
    """A question that a program asks again and again.

    `equal` gives the values that are known, `above` one attribute and the value it must reach;
    `order` is the attribute by which the answer is sorted, `limit` how many items are wanted.
    """

    question: str
    equal: Mapping[str, Any] = field(default_factory=dict)
    above: tuple[str, Any] | None = None
    order: str = ""
    descending: bool = False
    limit: int | None = None


@dataclass(frozen=True)
class Clause:
    """One condition, on a key or on any attribute, as Python writes it and as boto3 takes it."""

    kind: Literal["Key", "Attr"]
    name: str
    method: Literal["eq", "gte"]
    value: Any

    @property
    def code(self) -> str:
        """Return the condition as Python."""
        shown = f'Decimal("{self.value}")' if isinstance(self.value, Decimal) else repr(self.value)
        return f"{self.kind}({self.name!r}).{self.method}({shown})"

    def condition(self) -> Any:
        """Return the condition as boto3 takes it."""
        from boto3.dynamodb import conditions

        return getattr(getattr(conditions, self.kind)(self.name), self.method)(self.value)


@dataclass(frozen=True)
class Plan:
    """How a design answers a pattern: by which call, and what is left to do after it."""

    method: Literal["query", "scan"]
    index: str = ""
    keys: Sequence[Clause] = ()
    filters: Sequence[Clause] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    sorted: bool = True

    @property
    def verdict(self) -> Verdict:
        """Tell whether the key alone answers, a filter has to drop something, or all is read."""
        if self.method == "scan":
            return "not served"
        return "partly" if self.filters or not self.sorted else "served"

    @property
    def words(self) -> str:
        """Say in a few words how the answer is found."""
        where = f"index {self.index}" if self.index else "the table"
        if self.method == "scan":
            return "Scan: every item is read" + ("" if self.sorted else ", then sorted here")
        what = [f"Query on {where}"]
        what += ["a filter drops the rest"] if self.filters else []
        what += [] if self.sorted else ["sorted here"]
        return ", ".join(what)

    @property
    def code(self) -> str:
        """Return the call as Python, ready to be run."""
        parts = [f'IndexName="{self.index}"'] if self.index else []
        for name, clauses in self._conditions():
            parts.append(f"{name}={' & '.join(clause.code for clause in clauses)}")
        parts += [f"{name}={value!r}" for name, value in self.options.items()]
        return f"table.{self.method}({', '.join(parts)})"

    def arguments(self, *, filtered: bool = True) -> dict[str, Any]:
        """Return the call's arguments as boto3 takes them, with the filter or without."""
        found: dict[str, Any] = {"IndexName": self.index} if self.index else {}
        for name, clauses in self._conditions():
            if filtered or name != "FilterExpression":
                found[name] = reduce(and_, [clause.condition() for clause in clauses])
        return {**found, **self.options}

    def _conditions(self) -> list[tuple[str, Sequence[Clause]]]:
        named = [("KeyConditionExpression", self.keys), ("FilterExpression", self.filters)]
        return [(name, clauses) for name, clauses in named if clauses]


def plan(design: Design, pattern: Pattern) -> Plan:
    """Choose the call that has the server do the most: the best key, else a scan."""
    places: list[Design | Index] = [design, *design.indexes]
    queries = [_query(place, pattern) for place in places if place.partition in pattern.equal]
    if queries:
        return min(queries, key=lambda one: (len(one.filters), not one.sorted, bool(one.index)))
    filters = [Clause("Attr", name, "eq", value) for name, value in pattern.equal.items()]
    filters += [Clause("Attr", pattern.above[0], "gte", pattern.above[1])] if pattern.above else []
    return Plan("scan", filters=filters, sorted=not pattern.order)


def _query(place: Design | Index, pattern: Pattern) -> Plan:
    keys: list[Clause] = []
    filters: list[Clause] = []
    for name, value in pattern.equal.items():
        by_key = name in place.keys
        (keys if by_key else filters).append(Clause("Key" if by_key else "Attr", name, "eq", value))
    if pattern.above:
        name, value = pattern.above
        by_key = name == place.sort and name not in pattern.equal
        (keys if by_key else filters).append(
            Clause("Key" if by_key else "Attr", name, "gte", value)
        )
    ordered = not pattern.order or pattern.order == place.sort
    options: dict[str, Any] = {}
    if ordered and pattern.descending:
        options["ScanIndexForward"] = False
    if ordered and pattern.limit and not filters:
        options["Limit"] = pattern.limit
    index = place.name if isinstance(place, Index) else ""
    return Plan("query", index, keys, filters, options, ordered)

"""MySQL's EXPLAIN FORMAT=JSON of version 2: a tree of iterators, from MySQL 8.3 on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kit.errors import UsageError
from kit.labs.plan.node import Kind, Node, Parsed

Raw = Mapping[str, Any]

_READS = {
    "table": "Full table scan",
    "index_scan": "Full index scan",
    "index_range_scan": "Index range scan",
    "index_lookup": "Index look-up",
    "constant_row": "Constant row",
    "full_text_search": "Full-text search",
    "multi_range_read": "Index range scan",
    "count_rows": "Count rows",
}
_KINDS: dict[str, Kind] = {
    "join": "join",
    "sort": "sort",
    "aggregate": "group",
    "temp_table_aggregate": "group",
    "window": "group",
    "remove_duplicates_from_groups": "group",
    "materialize": "store",
    "stream": "store",
    "delete_rows": "change",
    "update_rows": "change",
}
_FACTS = (
    *("access_type", "index_access_type", "lookup_condition", "ranges", "condition"),
    *("pushed_index_condition", "covering", "hash_condition", "extra_condition", "sort_fields"),
    *("functions", "limit", "limit_offset", "zero_rows_cause", "message", "heading"),
)


def parse(document: Any) -> Parsed:
    """Read a document of version 2 (or of 8.x, where the tree stands at the top)."""
    raw = document.get("query_plan", document) if isinstance(document, Mapping) else None
    if not isinstance(raw, Mapping) or "operation" not in raw:
        raise UsageError("This is no plan. Give what EXPLAIN FORMAT=JSON answered.")
    root = _node(raw)
    return Parsed(root=root, measured="actual_rows" in raw, seconds=root.seconds)


def _node(raw: Raw, role: str = "") -> Node:
    below = [
        _node(child, _role(key, child))
        for key, inputs in raw.items()
        if key.startswith("inputs") and isinstance(inputs, list)
        for child in inputs
        if isinstance(child, Mapping)
    ]
    loops = _number(raw.get("actual_loops"))
    never = "actual_rows" in raw and loops is None
    last = _number(raw.get("actual_last_row_ms"))
    seconds = None if last is None else last * (loops or 0) / 1000
    within = sum(child.seconds or 0 for child in below)
    node = Node(
        name=_name(raw),
        kind=_kind(raw),
        relation=str(raw.get("table_name", "")),
        index=str(raw.get("index_name", "")),
        role=role,
        expected=_number(raw.get("estimated_rows")),
        rows=_number(raw.get("actual_rows")),
        loops=0 if never else loops,
        seconds=seconds,
        own=None if seconds is None else max(0.0, seconds - within),
        facts=[(key, _said(raw[key])) for key in _FACTS if raw.get(key) not in (None, False, [])],
        raw={k: v for k, v in raw.items() if not isinstance(v, dict | list)},
        children=below,
    )
    return _folded(node) if raw.get("access_type") == "filter" else node


def _name(raw: Raw) -> str:
    said = str(raw["operation"]) if "operation" in raw else "?"
    access = str(raw.get("index_access_type") or raw.get("access_type") or "")
    if access in _READS and raw.get("table_name"):
        single = said.startswith("Single-row")
        return "Unique look-up" if single else _READS[access]
    if raw.get("access_type") == "join":
        return {"hash": "Hash join", "batch_key_access": "Batched key access join"}.get(
            str(raw.get("join_algorithm")), _first(said)
        )
    return _first(said)


def _first(said: str) -> str:
    """Return what an operation is called, without the expressions that follow."""
    return re.split(r"[:(]| on | using |\s+\d", said, maxsplit=1)[0].strip() or said


def _kind(raw: Raw) -> Kind:
    access = str(raw.get("access_type", ""))
    if raw.get("table_name") and str(raw.get("index_access_type", access)) in _READS:
        return "read"
    changes = str(raw.get("operation", "")).startswith(("Insert into", "Replace into"))
    return "change" if changes else _KINDS.get(access, "other")


def _role(key: str, raw: Raw) -> str:
    heading = str(raw.get("heading", ""))
    return heading or ("subquery" if key != "inputs" else "")


def _folded(node: Node) -> Node:
    """Make a filter part of the read below it, as the other servers do."""
    if not node.children or node.children[0].kind != "read":
        return node
    read = node.children[0]
    measured = read.came is not None and node.came is not None
    return replace(
        read,
        role=node.role,
        expected=node.expected,
        rows=node.rows,
        loops=node.loops,
        discarded=(read.came or 0) - (node.came or 0) if measured else None,
        seconds=node.seconds,
        own=None if node.own is None else node.own + (read.own or 0),
        facts=[*read.facts, *(fact for fact in node.facts if fact[0] == "condition")],
        children=[*read.children, *node.children[1:]],
    )


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "yes" if value is True else str(value)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

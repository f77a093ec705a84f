"""PostgreSQL's EXPLAIN (FORMAT JSON), from any version: unknown keys and steps pass through."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kit.errors import UsageError
from kit.labs.plan import figures
from kit.labs.plan.figures import Lent, Team
from kit.labs.plan.node import Kind, Node, Parsed

Raw = Mapping[str, Any]

_KINDS: dict[str, Kind] = {
    "Bitmap Index Scan": "index",
    "BitmapAnd": "index",
    "BitmapOr": "index",
    "Nested Loop": "join",
    "Hash Join": "join",
    "Merge Join": "join",
    "Sort": "sort",
    "Incremental Sort": "sort",
    "Aggregate": "group",
    "Group": "group",
    "Unique": "group",
    "SetOp": "group",
    "WindowAgg": "group",
    "Gather": "gather",
    "Gather Merge": "gather",
    "Hash": "store",
    "Materialize": "store",
    "Memoize": "store",
    "ModifyTable": "change",
}
_STRATEGIES = {"Sorted": "GroupAggregate", "Hashed": "HashAggregate", "Mixed": "MixedAggregate"}
# Shown as lists of name and value, in this order; figures have columns of their own.
_FACTS = (
    *("Index Cond", "Recheck Cond", "Filter", "Order By", "Hash Cond", "Merge Cond"),
    *("Join Filter", "One-Time Filter", "Sort Key", "Presorted Key", "Group Key", "Grouping Sets"),
    *("Sort Method", "Sort Space Used", "Sort Space Type", "Hash Batches", "Peak Memory Usage"),
    *("Disk Usage", "Heap Fetches", "Exact Heap Blocks", "Lossy Heap Blocks", "Cache Key"),
    *("Cache Hits", "Cache Misses", "Function Name", "CTE Name", "Subplans Removed"),
    *("Workers Planned", "Workers Launched", "Index Searches", "Conflict Resolution", "Disabled"),
)
_UNITS = {"Sort Space Used": "kB", "Peak Memory Usage": "kB", "Disk Usage": "kB"}
_REMOVED = (
    "Rows Removed by Filter",
    "Rows Removed by Join Filter",
    "Rows Removed by Index Recheck",
)


def parse(document: Any) -> Parsed:
    """Read what EXPLAIN (FORMAT JSON) answered; raise UsageError if it is no plan."""
    top = document[0] if isinstance(document, Sequence) and document else document
    if not isinstance(top, Mapping) or not isinstance(top.get("Plan"), Mapping):
        raise UsageError("This is no plan. Give what EXPLAIN (FORMAT JSON) answered.")
    raw = top["Plan"]
    root = _node(raw, Team(), figures.lent(raw))
    triggers = [_trigger(entry) for entry in top.get("Triggers") or []]
    if triggers:
        root = _with_triggers(root, triggers)
    return Parsed(
        root=root,
        measured="Actual Loops" in raw,
        seconds=figures.milliseconds(top.get("Execution Time", top.get("Total Runtime"))),
        planning=figures.milliseconds(top.get("Planning Time")),
    )


def _node(raw: Raw, team: Team, lent: Lent) -> Node:
    inner = figures.team(raw, team)
    children = [_node(child, inner, lent) for child in raw.get("Plans") or []]
    within = [c for c in children if c.raw.get("Parent Relationship") != "InitPlan"]
    seconds, pages = figures.seconds(raw, team.processes), figures.pages(raw)
    elsewhere = lent.to(raw)
    return Node(
        name=_name(raw),
        kind=_kind(raw),
        relation=str(raw.get("Relation Name") or raw.get("CTE Name") or ""),
        alias=str(raw.get("Alias") or raw.get("Function Name") or ""),
        index=str(raw.get("Index Name") or ""),
        role=_role(raw),
        expected=figures.expected(raw, team),
        rows=figures.number(raw, "Actual Rows"),
        loops=figures.number(raw, "Actual Loops"),
        discarded=_discarded(raw),
        seconds=seconds,
        own=figures.less(seconds, [c.seconds or 0 for c in within], elsewhere[0]),
        pages=figures.less(pages, [figures.pages(c.raw) or 0 for c in within], elsewhere[1]),
        facts=[(key, _fact(key, raw[key])) for key in _FACTS if raw.get(key) not in (None, False)],
        raw={key: value for key, value in raw.items() if key != "Plans"},
        children=children,
    )


def _name(raw: Raw) -> str:
    """Name a step as PostgreSQL's text format does."""
    name = str(raw.get("Node Type", "?"))
    strategy, joined = raw.get("Strategy"), raw.get("Join Type")
    if name == "Aggregate":
        name = _STRATEGIES.get(str(strategy), name)
        part = str(raw.get("Partial Mode", "Simple"))
        name = name if part == "Simple" else f"{part} {name}"
    elif name == "ModifyTable":
        name = str(raw.get("Operation", name))
    elif name == "SetOp":
        name = f"{'Hash' if strategy == 'Hashed' else ''}SetOp {raw.get('Command', '')}".strip()
    elif joined and joined != "Inner":
        name = f"{name} {joined} Join" if name == "Nested Loop" else _inside(name, str(joined))
    if raw.get("Scan Direction") == "Backward":
        name += " Backward"
    return f"Parallel {name}" if raw.get("Parallel Aware") else name


def _inside(name: str, joined: str) -> str:
    return f"{name.removesuffix(' Join')} {joined} Join"


def _kind(raw: Raw) -> Kind:
    name = str(raw.get("Node Type", ""))
    return _KINDS.get(name, "read" if name.endswith(" Scan") else "other")


def _role(raw: Raw) -> str:
    return re.sub(r" \(returns .*\)$", "", str(raw.get("Subplan Name") or ""))


def _discarded(raw: Raw) -> float | None:
    found = [float(raw[key]) for key in _REMOVED if key in raw]
    return sum(found) * float(raw.get("Actual Loops") or 0) if found else None


def _trigger(entry: Raw) -> Node:
    constraint = entry.get("Constraint Name")
    seconds = figures.milliseconds(entry.get("Time"))
    return Node(
        name=f"Trigger for constraint {constraint}"
        if constraint
        else f"Trigger {entry.get('Trigger Name', '')}",
        kind="trigger",
        relation=str(entry.get("Relation") or ""),
        loops=figures.number(entry, "Calls"),
        seconds=seconds,
        own=seconds,
        raw=dict(entry),
    )


def _with_triggers(root: Node, triggers: list[Node]) -> Node:
    from dataclasses import replace

    seconds = (root.seconds or 0) + sum(node.seconds or 0 for node in triggers)
    return replace(root, children=[*root.children, *triggers], seconds=seconds)


def _fact(key: str, value: Any) -> str:
    said = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{said} {_UNITS[key]}" if key in _UNITS else said

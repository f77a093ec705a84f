"""Query blocks: MariaDB's ANALYZE FORMAT=JSON, and MySQL's EXPLAIN FORMAT=JSON of version 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kit.errors import UsageError
from kit.labs.plan.access import deep, facts, milliseconds, number, own, table
from kit.labs.plan.node import Kind, Node, Parsed

Raw = Mapping[str, Any]

_STEPS: dict[str, tuple[str, Kind]] = {
    "filesort": ("Sort", "sort"),
    "ordering_operation": ("Order", "sort"),
    "grouping_operation": ("Group", "group"),
    "duplicates_removal": ("Remove duplicates", "group"),
    "window_functions_computation": ("Window functions", "group"),
    "windowing": ("Window functions", "group"),
    "temporary_table": ("Temporary table", "store"),
    "materialization": ("Materialize", "store"),
    "expression_cache": ("Expression cache", "store"),
    "buffer_result": ("Buffer result", "store"),
    "block-nl-join": ("Block nested-loop join", "join"),
}
_BUFFERED = {"BNL": "nested-loop", "BNLH": "hash", "BKA": "key access", "BKAH": "hash key access"}
_SETS = {"union": "Union", "intersect": "Intersect", "except": "Except", "unit": "Set operation"}
_DERIVED = {"derived": "derived", "subquery": "subquery"}


def parse(document: Any) -> Parsed:
    """Read a document with a `query_block`; raise UsageError if there is none."""
    if not isinstance(document, Mapping) or not isinstance(document.get("query_block"), Mapping):
        raise UsageError("This is no plan. Give what ANALYZE FORMAT=JSON or EXPLAIN answered.")
    block = document["query_block"]
    planning = document.get("query_optimization") or {}
    root = _block(block)
    return Parsed(
        root=root,
        measured=any(key.startswith("r_") for raw in deep(document) for key in raw),
        seconds=milliseconds(block.get("r_total_time_ms")) or root.seconds,
        planning=milliseconds(planning.get("r_total_time_ms")),
    )


def _block(block: Raw, role: str = "") -> Node:
    """Join what one SELECT does into one step; its subqueries hang below."""
    first, *rest = _steps(block) or [Node(name="Nothing to do")]
    named = {**first.raw, "having_condition": block.get("having_condition")}
    node = replace(
        first,
        role=role or first.role,
        children=[*first.children, *rest],
        facts=[*first.facts, *facts({"having_condition": named["having_condition"]})],
    )
    return _timed(node, block) if rest or not node.seconds else node


def _steps(raw: Raw) -> list[Node]:
    """Return the steps that stand in an object, whatever the names around them."""
    found: list[Node] = []
    for key, value in raw.items():
        if key == "table":
            found.append(table(value, _within(value)))
        elif key == "nested_loop":
            found.append(_join(value))
        elif key.endswith("subqueries"):
            found += _subqueries(value)
        elif isinstance(value, Mapping) and (key in _STEPS or _holds(value)):
            found += _step(key, value)
        elif isinstance(value, list) and any(_holds(item) for item in value):
            found += [node for item in value for node in _steps(item)]
    # Subqueries hang below the step that they belong to, so that step comes first.
    return sorted(found, key=lambda node: node.role.startswith("subquery"))


def _step(key: str, raw: Raw) -> list[Node]:
    if key == "query_block":
        return [_block(raw)]
    below = _steps(raw)
    if key == "read_sorted_file" or (key == "materialized" and below):
        return below
    if "query_specifications" in raw:
        return [_union(raw, below)]
    if key == "block-nl-join":
        return [_buffered(raw, below)]
    name, kind = _STEPS.get(key, (key.replace("_", " ").capitalize(), "other"))
    out = number(raw.get("r_output_rows", raw.get("r_rows")))
    limit = number(raw.get("r_limit"))
    # A sort that stops at a limit counts one row more.
    out = out if out is None or limit is None else min(out, limit)
    node = Node(
        name=name,
        kind=kind,
        rows=out,
        loops=number(raw.get("r_loops", None if out is None else 1)),
        facts=facts(raw),
        raw=own(raw),
        children=below,
    )
    return [_timed(node, raw)]


def _join(items: Sequence[Raw]) -> Node:
    """Make the flat list of tables one step with the tables below, in the order of reading."""
    below = [node for item in items for node in _steps(item)]
    if len(below) == 1:
        return below[0]
    last = below[-1].came if below else None
    return Node(
        name="Nested loop",
        kind="join",
        rows=last,
        loops=None if last is None else 1,
        seconds=sum(node.seconds or 0 for node in below),
        children=below,
    )


def _buffered(raw: Raw, below: list[Node]) -> Node:
    way = _BUFFERED.get(str(raw.get("join_type", "BNL")), "nested-loop")
    pairs = (number(raw.get("r_loops")) or 0) * (number(raw.get("r_effective_rows")) or 0)
    kept = number(raw.get("r_filtered"))
    came = 0.0 if not pairs else None if kept is None else pairs * kept / 100
    spent = [milliseconds(raw.get(key)) for key in ("r_unpack_time_ms", "r_other_time_ms")]
    node = Node(
        name=f"Block {way} join",
        kind="join",
        # MariaDB 10.11 estimates no rows for the join itself, but those of the table below.
        rows=came if "r_loops" in raw else None,
        loops=1 if "r_loops" in raw else None,
        discarded=None if came is None or "r_loops" not in raw else pairs - came,
        own=sum(value or 0 for value in spent) if "r_loops" in raw else None,
        facts=facts(raw),
        raw=own(raw),
        children=below,
    )
    return replace(node, seconds=(node.own or 0) + sum(child.seconds or 0 for child in below))


def _union(raw: Raw, below: list[Node]) -> Node:
    kind = str(raw.get("table_name", "<union")).strip("<").rstrip("0123456789,>")
    return Node(
        name=_SETS.get(kind, "Union"),
        kind="group",
        rows=number(raw.get("r_rows")),
        loops=number(raw.get("r_loops")),
        seconds=sum(node.seconds or 0 for node in below),
        facts=facts(raw),
        raw=own(raw),
        children=below,
    )


def _within(raw: Raw) -> list[Node]:
    """Return what fills a derived table, and the subqueries that its condition asks."""
    below = _steps({k: v for k, v in raw.items() if k.startswith(("attached_sub", "materialized"))})
    named = str(raw.get("table_name", "")).strip("<>")
    kind = named.rstrip("0123456789,")
    role = f"{_DERIVED[kind]} {named.removeprefix(kind)}" if kind in _DERIVED else ""
    return [replace(node, role=node.role or role) for node in below]


def _subqueries(items: Sequence[Raw]) -> list[Node]:
    found = []
    for item in items:
        select = next((raw["select_id"] for raw in deep(item) if "select_id" in raw), "")
        role = f"subquery {select}".strip()
        found += [replace(node, role=role) for node in _steps(item)]
    return found


def _timed(node: Node, raw: Raw) -> Node:
    """Add the times: some totals contain the steps below, a sort over a temporary table's not."""
    below = sum(child.seconds or 0 for child in node.children)
    total = milliseconds(raw.get("r_total_time_ms"))
    if total is None:
        return replace(node, seconds=(node.own or 0) + below if below else node.seconds)
    here = node.own if node.own is not None else total - below if total >= below else total
    return replace(node, seconds=max(total, here + below), own=here)


def _holds(value: Any) -> bool:
    """Tell whether there is a step somewhere inside."""
    known = {"table", "nested_loop", "query_block", *_STEPS}
    return any(known & raw.keys() for raw in deep(value))

"""How a table is read, as MariaDB and MySQL (version 1 of its JSON) write it down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kit.labs.plan.node import Node

Raw = Mapping[str, Any]

ACCESS = {
    "ALL": "Full table scan",
    "index": "Full index scan",
    "range": "Index range scan",
    "ref": "Index look-up",
    "eq_ref": "Unique look-up",
    "ref_or_null": "Index look-up or NULL",
    "index_merge": "Index merge",
    "fulltext": "Full-text search",
    "unique_subquery": "Unique look-up",
    "index_subquery": "Index look-up",
    "const": "Constant row",
    "system": "Constant row",
}
_CHANGES = {"update": "Update", "delete": "Delete", "insert": "Insert", "replace": "Replace"}
_FACTS = (
    *("access_type", "possible_keys", "used_key_parts", "ref", "index_condition"),
    *("attached_condition", "having_condition", "using_index", "using_join_buffer", "sort_key"),
    *("join_type", "buffer_size", "r_limit", "r_sort_passes", "r_buffer_size", "r_sort_mode"),
    *("r_hit_ratio", "r_strategy", "not_exists", "first_match", "using_temporary_table"),
    *("using_filesort", "dependent", "cacheable", "message"),
)


def table(raw: Raw, below: Sequence[Node]) -> Node:
    """Read a table, or write to one; `below` are the steps that fill it or that it asks."""
    if "access_type" not in raw:
        named = "message" if "message" in raw else "table_name"
        change = Node(name="Insert", kind="change", relation=str(raw.get(named, "")), raw=raw)
        return Node(name=str(raw["message"]), raw=raw) if named == "message" else change
    read = _read(raw, below)
    for key, name in _CHANGES.items():
        if raw.get(key):
            table = read.relation
            return Node(
                name=name,
                kind="change",
                relation=table,
                seconds=read.seconds,
                raw=raw,
                children=[read],
            )
    return read


def _read(raw: Raw, below: Sequence[Node]) -> Node:
    access = str(raw["access_type"])
    before = access in ("const", "system")  # read while the query is planned, outside all loops
    read = None if before else number(raw.get("r_rows"))
    loops = None if before else number(raw.get("r_loops", None if read is None else 1))
    kept = _percent(raw.get("r_filtered"))
    examined = number(raw.get("rows", raw.get("rows_examined_per_scan")))
    spent = _own_seconds(raw)
    stats = raw.get("r_engine_stats") or {}
    return Node(
        name=ACCESS.get(access, f"Read by {access}"),
        kind="read",
        relation=str(raw.get("table_name", "")),
        index=", ".join(_keys(raw)),
        expected=None if examined is None else examined * _percent(raw.get("filtered")),
        rows=None if read is None else read * kept,
        loops=loops,
        discarded=None if read is None else read * (1 - kept) * (loops or 0),
        seconds=None if spent is None else spent + sum(node.seconds or 0 for node in below),
        own=spent,
        pages=number(stats.get("pages_accessed")),
        facts=facts(raw),
        raw=own(raw),
        children=below,
    )


def _own_seconds(raw: Raw) -> float | None:
    parts = [milliseconds(raw.get(key)) for key in ("r_table_time_ms", "r_other_time_ms")]
    known = [value for value in parts if value is not None]
    return sum(known) if known else milliseconds(raw.get("r_total_time_ms"))


def _keys(raw: Raw) -> list[str]:
    if "key" in raw:
        return [str(raw["key"])]
    merged = raw.get("index_merge") if isinstance(raw.get("index_merge"), Mapping) else {}
    return [str(part["key"]) for part in deep(merged) if "key" in part]


def facts(raw: Raw) -> list[tuple[str, str]]:
    """Return what an object says of conditions and ways, by the server's names."""
    return [(key, _said(raw[key])) for key in _FACTS if raw.get(key) not in (None, False, "")]


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return {True: "yes"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def own(raw: Raw) -> dict[str, Any]:
    """Return what an object says of itself, without the steps within it."""
    return {key: value for key, value in raw.items() if not isinstance(value, dict | list)}


def deep(value: Any) -> Iterator[Raw]:
    """Yield an object and all objects inside it."""
    if isinstance(value, Mapping):
        yield value
    if isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from deep(item)


def _percent(value: Any) -> float:
    percent = number(value)
    return 1.0 if percent is None else percent / 100


def number(value: Any) -> float | None:
    """Return a figure; MySQL writes some as text."""
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def milliseconds(value: Any) -> float | None:
    """Return milliseconds as seconds."""
    found = number(value)
    return None if found is None else found / 1000

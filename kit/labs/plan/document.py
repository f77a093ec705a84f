"""A plan as a server wrote it down, whichever server and version that was."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from kit.errors import UsageError
from kit.labs.plan import condition, iterators, postgresql, queryblock
from kit.labs.plan.node import Node, Plan


def read(document: Any, *, sql: str = "") -> Plan:
    """Make a Plan of a server's JSON, given as text or as Python data.

    Understood are PostgreSQL's EXPLAIN (FORMAT JSON), MariaDB's ANALYZE FORMAT=JSON and MySQL's
    EXPLAIN FORMAT=JSON, with and without measurements. Raise UsageError for anything else.
    """
    data = _loaded(document)
    inner = data[0] if isinstance(data, list) and data else data
    if not isinstance(inner, Mapping):
        raise UsageError(_UNKNOWN)
    if "Plan" in inner:
        product, parsed = "PostgreSQL", postgresql.parse(data)
    elif "query_block" in inner:
        product, parsed = _product(inner), queryblock.parse(inner)
    elif "query_plan" in inner or "operation" in inner:
        product, parsed = "MySQL", iterators.parse(inner)
    else:
        raise UsageError(_UNKNOWN)
    root = parsed.root if product == "PostgreSQL" else _unaliased(parsed.root, sql)
    return Plan(
        root=root,
        product=product,
        sql=sql,
        measured=parsed.measured,
        seconds=parsed.seconds,
        planning=parsed.planning,
        changes=any(node.kind == "change" for node in parsed.root.walk()),
        raw=data,
    )


def _unaliased(node: Node, sql: str) -> Node:
    """Put a table's name beside its alias, which is all that MariaDB and MySQL tell."""
    children = [_unaliased(child, sql) for child in node.children]
    table = condition.written(sql, node).rpartition(".")[2].strip('`"')
    if not node.relation or table == node.relation:
        return replace(node, children=children)
    return replace(node, children=children, relation=table, alias=node.relation)


_PAIR = re.compile(r'^(\s*"\w+": )("|\[")(.*)("\]?,?)$')
_UNKNOWN = (
    "This is no plan in JSON. Give what EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) answered on "
    "PostgreSQL, or ANALYZE FORMAT=JSON on MariaDB, EXPLAIN FORMAT=JSON on MySQL."
)


def _loaded(document: Any) -> Any:
    if not isinstance(document, str | bytes):
        return document
    text = document.decode() if isinstance(document, bytes) else document
    for spelled in (text, _escaped(text)):
        with suppress(ValueError):
            return json.loads(spelled)
    raise UsageError(_UNKNOWN)


def _escaped(text: str) -> str:
    """Escape quotes that MariaDB leaves bare in names and conditions; it writes a pair a line."""
    return "\n".join(_PAIR.sub(_requoted, line) for line in text.split("\n"))


def _requoted(pair: re.Match[str]) -> str:
    key, opened, inside, closed = pair.groups()
    parts = inside.split('", "') if opened == '["' else [inside]
    escaped = [re.sub(r'(?<!\\)"', r"\"", part) for part in parts]
    return key + opened + '", "'.join(escaped) + closed


def _product(document: Mapping[str, Any]) -> str:
    """Tell the two apart: MySQL writes costs as a group, MariaDB never does."""
    return "MySQL" if "cost_info" in json.dumps(document, default=str) else "MariaDB"

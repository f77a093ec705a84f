"""Which columns a condition asks for, as far as that can be read from its text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kit.labs.plan.node import Node, Plan

_NAME = r'(?:[\w$]+|`[^`]+`|"[^"]+")'
_COLUMN = re.compile(rf"(?:(?P<owner>{_NAME})\.)?(?P<name>{_NAME})")
_REFERENCE = re.compile(rf"({_NAME})\.({_NAME})(?!\.)(?![\w$])")
_COMPARED = re.compile(r"^(.+?)\s*(<=|>=|<>|!=|=|<|>|~~|\bin\b|\blike\b)\s*(.+)$", re.IGNORECASE)
_CAST = re.compile(
    r"::(?:\"[^\"]+\"|[a-z_]+(?: varying| precision| with(?:out)? time zone)?)"
    r"(?:\(\d+(?:,\d+)?\))?(?:\[\])?"
)
_WORDS = "from|where|join|on|using|left|right|inner|outer|cross|natural|full|group|order|limit|set"
_TABLES = re.compile(
    rf"(?:\bfrom|\bjoin|\bupdate|\binto|,)\s+(?:only\s+)?(?P<table>{_NAME}(?:\.{_NAME})*)"
    rf"(?:\s+(?:as\s+)?(?!(?:{_WORDS})\b)(?P<alias>{_NAME}))?",
    re.IGNORECASE,
)
_JOINED = ("Hash Cond", "Merge Cond", "Join Filter", "hash_condition", "attached_condition")
_LOOKED_UP = ("ref", "lookup_condition")
_CONDITIONS = ("Filter", "Join Filter", "attached_condition", "condition", "Recheck Cond")


def index(plan: Plan, node: Node, columns: Sequence[str] = ()) -> str:
    """Suggest an index on `columns`, or on those of the step's condition; empty if unknown."""
    columns = columns or wanted(node)
    if not columns or node.relation.startswith("<"):
        return ""
    table = written(plan.sql, node)
    if plan.product == "PostgreSQL":
        return f"CREATE INDEX ON {table} ({', '.join(columns)})"
    name = "_".join([_bare(table.rpartition(".")[2]), *map(_bare, columns)])
    return f"CREATE INDEX {name} ON {table} ({', '.join(columns)})"


def wanted(node: Node) -> list[str]:
    """Name the columns that the condition compares: those set equal first, then one range."""
    text = next((text for name, text in node.facts if name in _CONDITIONS), "")
    found = list(_comparisons(text, {_bare(node.alias), _bare(node.relation)} - {""}))
    equal = [name for name, sign in found if sign in ("=", "in", "IN")]
    other = [name for name, sign in found if sign in ("<", ">", "<=", ">=")]
    return list(dict.fromkeys([*equal, *other[:1]]))


def joined(join: Node, node: Node) -> list[str]:
    """Name the columns of one of a join's inputs by which it finds its partners."""
    owners = {_bare(node.alias), _bare(node.relation)} - {""}
    texts = [text for name, text in join.facts if name in _JOINED]
    found = [name for text in texts for name, sign in _comparisons(text, owners) if sign == "="]
    for other in join.children:
        refs = ", ".join(text for name, text in other.facts if name in _LOOKED_UP)
        found += [
            column
            for owner, column in _REFERENCE.findall(refs)
            if other is not node and _bare(owner) in owners
        ]
    return list(dict.fromkeys(found))


def written(sql: str, node: Node) -> str:
    """Return the table as the statement spells it: plans leave out its schema, or its name."""
    names = {_bare(node.alias), _bare(node.relation)} - {""}
    for match in _TABLES.finditer(sql):
        last = _bare(match["table"].rpartition(".")[2])
        if last in names or (match["alias"] and _bare(match["alias"]) in names):
            return match["table"]
    return node.relation


def _comparisons(text: str, owners: set[str]) -> Iterator[tuple[str, str]]:
    plain = _CAST.sub("", re.sub(r"'(?:[^']|'')*'", "'?'", text))
    if re.search(r"\bor\b", plain, re.IGNORECASE):
        return
    for part in re.split(r"\band\b", plain, flags=re.IGNORECASE):
        match = _COMPARED.match(_bared(part))
        if match is None:
            continue
        left, right = _column(match[1], owners), _column(match[3], owners)
        if (left is None) != (right is None):
            yield left or right or "", match[2]


def _column(text: str, owners: set[str]) -> str | None:
    """Return a column of the table itself; None for a value or another table's column."""
    match = _COLUMN.fullmatch(_bared(text))
    if match is None or match["name"][0].isdigit() or match["name"].lower() in _VALUES:
        return None
    if match["owner"] and owners and _bare(match["owner"]) not in owners:
        return None
    return match["name"]


_VALUES = frozenset({"true", "false", "null"})


def _bared(text: str) -> str:
    """Strip the parentheses around an expression, unbalanced ones too."""
    text = text.strip()
    while text.startswith("(") or (text.endswith(")") and text.count(")") > text.count("(")):
        text = (text[1:] if text.startswith("(") else text[:-1]).strip()
    return text.rstrip(")") if "(" not in text else text


def _bare(name: str) -> str:
    return name.strip('`"')

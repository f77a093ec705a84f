"""What a key holds, read by its structure's own commands, and the commands that change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kit.labs.redis.reply import readable, spelled
from kit.labs.redis.source import Client
from kit.widgets.table import Grid

MOST = 20
CLIP = 400

Arguments = list[Any]


@dataclass(frozen=True)
class Edit:
    """A command that changes a key: its words, and the names of what it takes besides the key."""

    words: str
    fields: tuple[str, ...] = ()

    def arguments(self, key: bytes, given: Sequence[Any]) -> Arguments:
        """Return the command as it is sent."""
        if self.words == "XADD":
            return ["XADD", key, "*", *given]
        return [self.words, key, *given]


_ANY = (
    Edit("EXPIRE", ("seconds",)),
    Edit("PERSIST"),
    Edit("RENAME", ("new name",)),
    Edit("UNLINK"),
)
_EDITS = {
    "string": (
        Edit("SET", ("value",)),
        Edit("APPEND", ("value",)),
        Edit("INCRBY", ("amount",)),
        Edit("SETEX", ("seconds", "value")),
    ),
    "list": (
        Edit("RPUSH", ("element",)),
        Edit("LPUSH", ("element",)),
        Edit("LSET", ("index", "element")),
        Edit("LREM", ("count", "element")),
        Edit("LPOP"),
    ),
    "set": (Edit("SADD", ("member",)), Edit("SREM", ("member",))),
    "hash": (
        Edit("HSET", ("field", "value")),
        Edit("HINCRBY", ("field", "amount")),
        Edit("HDEL", ("field",)),
    ),
    "zset": (
        Edit("ZADD", ("score", "member")),
        Edit("ZINCRBY", ("amount", "member")),
        Edit("ZREM", ("member",)),
    ),
    "stream": (Edit("XADD", ("field", "value")), Edit("XDEL", ("id",))),
}
KINDS = tuple(_EDITS)


def edits(kind: str) -> dict[str, Edit]:
    """Return what can be done to a key of that type, by name; without one, what makes a key."""
    if kind in _EDITS:
        found = [*_EDITS[kind], *_ANY]
    else:
        found = [one for name in KINDS for one in _EDITS[name][:1]]
    return {edit.words: edit for edit in found}


def look(client: Client, key: bytes, kind: str) -> tuple[Grid, str]:
    """Read the first entries of a key, and return them with the commands that did it.

    Where the structure is large only MOST of them travel: one reader must not keep all others
    waiting. A string gives its first CLIP bytes.
    """
    if kind not in _READS:
        return Grid(columns=(), rows=(), message=f"The kit has no view of the type {kind}."), ""
    read = _READS[kind]
    count: Arguments = [read.count, key]
    entries: Arguments = [read.command, key, *read.rest]
    pipeline = client.pipeline(transaction=False)
    pipeline.execute_command(*count)
    pipeline.execute_command(*entries)
    total, reply = pipeline.execute()
    rows = _rows(kind, reply)[:MOST]
    clipped = kind == "string" and total > CLIP
    grid = Grid(
        columns=read.columns,
        rows=rows,
        total=None if kind == "string" else total,
        caption=f"{kind} {readable(key)}",
        note=f"The first {CLIP} of {total:,} bytes." if clipped else "",
    )
    return grid, f"{spelled(count)}\n{spelled(entries)}"


@dataclass(frozen=True)
class _Read:
    columns: tuple[str, ...]
    count: str
    command: str
    rest: tuple[Any, ...]


_READS = {
    "string": _Read(("value",), "STRLEN", "GETRANGE", (0, CLIP - 1)),
    "list": _Read(("index", "element"), "LLEN", "LRANGE", (0, MOST - 1)),
    "set": _Read(("member",), "SCARD", "SSCAN", (0, "COUNT", MOST)),
    "hash": _Read(("field", "value"), "HLEN", "HSCAN", (0, "COUNT", MOST)),
    "zset": _Read(("rank", "member", "score"), "ZCARD", "ZREVRANGE", (0, MOST - 1, "WITHSCORES")),
    "stream": _Read(("id", "fields"), "XLEN", "XREVRANGE", ("+", "-", "COUNT", MOST)),
}


def _rows(kind: str, reply: Any) -> list[tuple[Any, ...]]:
    if kind == "string":
        return [(readable(reply),)]
    if kind == "list":
        return [(i, readable(element)) for i, element in enumerate(reply)]
    if kind == "set":
        return [(readable(member),) for member in reply[1]]
    if kind == "hash":
        return [(readable(field), readable(value)) for field, value in dict(reply[1]).items()]
    if kind == "zset":
        pairs = zip(reply[::2], reply[1::2], strict=True)
        return [(i, readable(member), float(score)) for i, (member, score) in enumerate(pairs)]
    return [(readable(name), _fields(fields)) for name, fields in reply]


def _fields(fields: dict[bytes, bytes]) -> str:
    return "  ".join(f"{readable(name)}={readable(value)}" for name, value in fields.items())

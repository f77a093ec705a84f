"""A call's capacity units, line by line, and why they are what they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from kit.labs.dynamodb import capacity
from kit.labs.dynamodb.capacity import READ_BLOCK, WRITE_BLOCK, Consistency
from kit.labs.dynamodb.scales import Scales
from kit.labs.dynamodb.traffic import Call
from kit.labs.dynamodb.weight import Wire, wire_size
from kit.widgets import units

_FACTORS = {"eventual": "½ (eventual)", "strong": "1 (strong)", "transactional": "2 (transaction)"}
_FREE = ("DescribeTable", "ListTables", "CreateTable", "DeleteTable", "UpdateTable")
_UNKNOWN = "the kit has no published rule for this call"


@dataclass(frozen=True, kw_only=True)
class Line:
    """What a call used of a table or an index; `units` is None where no rule is published.

    `size` is the bytes that count, `said` the server's own figure where the server meters.
    """

    call: str
    where: str
    kind: Literal["read", "write"] = "read"
    items: int = 0
    size: int = 0
    units: float | None = None
    why: str = ""
    said: float | None = None


@dataclass(frozen=True)
class Write:
    """One item's write: what was there before, and what it was to become."""

    table: str
    before: Wire | None
    after: Wire | None


def prepare(call: Call, scales: Scales) -> None:
    """Look at what is there before a call changes it."""
    call.before = []
    for table, request in _WRITERS.get(call.operation, _none)(call):
        put = request.get("Item")
        key = request.get("Key") or scales.key(table, put or {})
        call.before.append((table, key, put, scales.items(table, [key])[0]))


def lines(call: Call, scales: Scales) -> list[Line]:
    """Return what an answered call used, table first, then its indexes."""
    reader = _READERS.get(call.operation)
    if reader is not None:
        return [] if call.error else list(reader(call, scales))
    if call.operation in _WRITERS:
        return list(_written(call, scales))
    if call.operation in _FREE:
        return []
    return [Line(call=call.operation, where="", why=_UNKNOWN)]


def compared(found: Sequence[Line], call: Call) -> list[Line]:
    """Put the server's own figure beside the first line of a call."""
    said = call.answer.get("ConsumedCapacity")
    each = said if isinstance(said, list) else [said] if said else []
    if not found or not each:
        return list(found)
    total = sum(float(one.get("CapacityUnits", 0)) for one in each)
    return [replace(found[0], said=total), *found[1:]]


def _get(call: Call, scales: Scales) -> Iterator[Line]:
    table, key = call.request["TableName"], call.request["Key"]
    how: Consistency = "strong" if call.request.get("ConsistentRead") else "eventual"
    yield _one_by_one(call, table, scales.items(table, [key]), how)


def _batch_get(call: Call, scales: Scales) -> Iterator[Line]:
    left = call.answer.get("UnprocessedKeys") or {}
    for table, asked in call.request["RequestItems"].items():
        how: Consistency = "strong" if asked.get("ConsistentRead") else "eventual"
        undone = (left.get(table) or {}).get("Keys") or []
        done = [key for key in asked["Keys"] if key not in undone]
        yield _one_by_one(call, table, scales.items(table, done), how)


def _transact_get(call: Call, scales: Scales) -> Iterator[Line]:
    asked: dict[str, list[Wire]] = {}
    for one in call.request["TransactItems"]:
        asked.setdefault(one["Get"]["TableName"], []).append(one["Get"]["Key"])
    for table, keys in asked.items():
        yield _one_by_one(call, table, scales.items(table, keys), "transactional")


def _one_by_one(call: Call, table: str, items: Sequence[Wire | None], how: Consistency) -> Line:
    sizes = [wire_size(item or {}) for item in items]
    blocks = sum(capacity.blocks(one, READ_BLOCK) for one in sizes)
    missing = sum(item is None for item in items)
    each = "; each rounded up alone" if len(sizes) > 1 else ""
    none = f"; {missing} not there, but paid" if missing else ""
    return Line(
        call=call.operation,
        where=table,
        items=len(sizes),
        size=sum(sizes),
        units=capacity.batch_units(sizes, how),
        why=f"{_blocks(blocks, '4 KB')} × {_FACTORS[how]}{each}{none}",
    )


def _page(call: Call, scales: Scales) -> Iterator[Line]:
    index = call.request.get("IndexName")
    how: Consistency = "strong" if call.request.get("ConsistentRead") else "eventual"
    sizes = [wire_size(item) for item in scales.page(call.request, call.answer)]
    together = sum(sizes)
    dropped = len(sizes) - int(call.answer.get("Count", len(sizes)))
    also = f"; {dropped} filtered out, but paid" if dropped else "; rounded up once"
    blocks = _blocks(capacity.blocks(together, READ_BLOCK), "4 KB")
    yield Line(
        call=call.operation,
        where=call.request["TableName"] + (f" · {index}" if index else ""),
        items=len(sizes),
        size=together,
        units=capacity.page_units(sizes, how),
        why=f"{blocks} × {_FACTORS[how]}{also if len(sizes) > 1 else ''}",
    )


def _written(call: Call, scales: Scales) -> Iterator[Line]:
    if call.error == "TransactionCanceledException":
        yield Line(call=call.operation, where="", kind="write", why=_UNKNOWN)
        return
    if call.error and call.error != "ConditionalCheckFailedException":
        return
    double = call.operation == "TransactWriteItems"
    writes = list(_writes(call, scales))
    for table in dict.fromkeys(one.table for one in writes):
        here = [one for one in writes if one.table == table]
        yield _table_line(call, table, here, double=double)
        if not call.error:
            yield from _index_lines(call, table, here, scales)


def _table_line(call: Call, table: str, writes: Sequence[Write], *, double: bool) -> Line:
    pairs = [(wire_size(one.before or {}), wire_size(one.after or {})) for one in writes]
    if call.error:
        used = [capacity.refused_units(before) for before, _ in pairs]
        sizes = [before for before, _ in pairs]
        why = "; the condition failed, what is there counts"
    else:
        used = [capacity.write_units(*pair, transactional=double) for pair in pairs]
        sizes = [max(pair) for pair in pairs]
        why = _larger(pairs)
    blocks = sum(capacity.blocks(one, WRITE_BLOCK) for one in sizes)
    return Line(
        call=call.operation,
        where=table,
        kind="write",
        items=len(writes),
        size=sum(sizes),
        units=sum(used),
        why=_blocks(blocks, "1 KB") + (" × 2 (transaction)" if double else "") + why,
    )


def _index_lines(call: Call, table: str, writes: Sequence[Write], scales: Scales) -> Iterator[Line]:
    for index in scales.design(table).indexes:
        each = [capacity.index_units(index, one.before, one.after) for one in writes]
        touched = sum(used > 0 for used in each)
        entries = [capacity.entry(index, one.after or one.before) for one in writes]
        yield Line(
            call=call.operation,
            where=f"{table} · {index.name}",
            kind="write",
            items=touched,
            size=sum(wire_size(e) for e, used in zip(entries, each, strict=True) if e and used),
            units=sum(each),
            why="the index's own copy" if touched else "nothing in the index changes",
        )


def _writes(call: Call, scales: Scales) -> Iterator[Write]:
    """Pair what was there with what came; of a batch, leave out what the server did not process."""
    left = call.answer.get("UnprocessedItems") or {}
    known = call.before if isinstance(call.before, list) else []
    for table, key, put, before in known:
        undone = [scales.key(table, _request(one)) for one in left.get(table, ())]
        if key not in undone:
            yield Write(table, before, put if put is not None else scales.items(table, [key])[0])


def _single(call: Call) -> Iterator[tuple[str, dict[str, Any]]]:
    yield call.request["TableName"], call.request


def _batch(call: Call) -> Iterator[tuple[str, dict[str, Any]]]:
    for table, requests in call.request["RequestItems"].items():
        yield from ((table, one.get("PutRequest") or one["DeleteRequest"]) for one in requests)


def _transaction(call: Call) -> Iterator[tuple[str, dict[str, Any]]]:
    for one in call.request["TransactItems"]:
        ((_, request),) = one.items()
        yield request["TableName"], request


def _request(one: dict[str, Any]) -> Wire:
    found: Wire = (one.get("PutRequest") or {}).get("Item") or one["DeleteRequest"]["Key"]
    return found


def _none(_call: Call) -> Iterable[tuple[str, dict[str, Any]]]:
    return ()


def _larger(pairs: Sequence[tuple[int, int]]) -> str:
    if len(pairs) > 1:
        return "; each rounded up alone"
    return "; the larger of before and after" if pairs and all(pairs[0]) else ""


def _blocks(count: int, of: str) -> str:
    return f"{units.plural(count, 'block')} of {of}"


_READERS: dict[str, Callable[[Call, Scales], Iterator[Line]]] = {
    "GetItem": _get,
    "BatchGetItem": _batch_get,
    "TransactGetItems": _transact_get,
    "Query": _page,
    "Scan": _page,
}
_WRITERS: dict[str, Callable[[Call], Iterable[tuple[str, dict[str, Any]]]]] = {
    "PutItem": _single,
    "UpdateItem": _single,
    "DeleteItem": _single,
    "BatchWriteItem": _batch,
    "TransactWriteItems": _transaction,
}

"""How many capacity units a call uses, computed from the sizes of the items.

The rules are those of "DynamoDB read and write operations" in the Amazon DynamoDB Developer Guide,
sections "Capacity unit consumption for read operations" and "… for write operations"; what an
index adds is in "Using Global Secondary Indexes", section "Provisioned throughput considerations".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from kit.errors import UsageError
from kit.labs.dynamodb.design import Index
from kit.labs.dynamodb.weight import Wire, wire_size

READ_BLOCK = 4 * 1024
WRITE_BLOCK = 1024
FACTORS = {"eventual": 0.5, "strong": 1.0, "transactional": 2.0}

Consistency = Literal["eventual", "strong", "transactional"]


def blocks(size: int, block: int) -> int:
    """Return how many blocks `size` bytes fill; an item that is not there counts as one."""
    if size < 0:
        raise UsageError("A size in bytes is zero or more.")
    return max(1, -(-size // block))


def read_units(size: int, consistency: Consistency = "eventual") -> float:
    """Return the read units of one item: half, one or two for every 4 KB begun."""
    return blocks(size, READ_BLOCK) * FACTORS[consistency]


def page_units(sizes: Iterable[int], consistency: Consistency = "eventual") -> float:
    """Return the read units of one page of Query or Scan.

    All items that were looked at count, whether or not a filter kept them and whichever of their
    attributes came back. Their sizes are added first and rounded up once.
    """
    return read_units(sum(sizes), consistency)


def batch_units(sizes: Iterable[int], consistency: Consistency = "eventual") -> float:
    """Return the read units of BatchGetItem or TransactGetItems: each item is rounded up alone."""
    return sum(read_units(size, consistency) for size in sizes)


def write_units(before: int, after: int = 0, *, transactional: bool = False) -> int:
    """Return the write units of one item, by the larger of its sizes before and after.

    One unit for every 1 KB begun, two in a transaction.
    """
    return blocks(max(before, after), WRITE_BLOCK) * (2 if transactional else 1)


def refused_units(existing: int) -> int:
    """Return the write units of a write whose condition was false.

    The item that is there counts, or one unit ("Working with items and attributes", section
    "Conditional writes").
    """
    return write_units(existing)


def index_units(index: Index, before: Wire | None, after: Wire | None) -> int:
    """Return the write units that an index adds to the write of one item.

    An entry that comes, goes or changes in what is projected is one write; one whose index key
    changes is two, for the old entry is deleted and a new one put; one that stays as it is, none.
    """
    old, new = (entry(index, item) for item in (before, after))
    if old == new:
        return 0
    if old is not None and new is not None and _key(index, old) != _key(index, new):
        return write_units(wire_size(old)) + write_units(wire_size(new))
    return write_units(*(wire_size(one or {}) for one in (old, new)))


def entry(index: Index, item: Wire | None) -> dict[str, Any] | None:
    """Return what an index holds of an item, None where the item lacks a key of the index."""
    if item is None or not all(name in item for name in index.keys):
        return None
    kept = index.projected
    return {name: value for name, value in item.items() if kept is None or name in kept}


def _key(index: Index, item: Wire) -> list[Any]:
    return [item[name] for name in index.keys]

"""Fill a memory over and over, and ask the server what became of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pymemcache.exceptions import MemcacheServerError

from kit.labs.memcached.counts import BATCH, stats

if TYPE_CHECKING:
    from kit.launch.server import Server

POPULAR = 20
"""Keys from the very beginning that are read again and again while the memory fills."""

MOST = 40_000
"""Values that are written at most: enough to overflow what the lessons give a server."""

_BLOCKS = 20


@dataclass(frozen=True, kw_only=True)
class Slab:
    """One class of chunks, by `stats slabs` and `stats items`: sizes in bytes, the rest counts."""

    number: int
    chunk: int
    pages: int
    items: int
    evicted: int


@dataclass(frozen=True, kw_only=True)
class Fill:
    """What became of values that were written in order, the popular ones read meanwhile.

    `kept` tells, block by block in the order of writing, which share of the keys was still there;
    `popular` the same for those that were read. `evictions` is what the server's counter grew by;
    `refused` counts values for which it said that it has no memory.
    """

    size: int
    written: int
    evictions: int
    kept: Sequence[tuple[float, float]]
    popular: float
    refused: int = 0
    slabs: Sequence[Slab] = field(repr=False)

    @property
    def survived(self) -> float:
        """Return the share of all keys that was still there."""
        return sum(share for _, share in self.kept) / len(self.kept) if self.kept else 0.0


def slabs(server: Server) -> list[Slab]:
    """Return the classes that have memory, the smallest chunks first."""
    sizes, counted = stats(server, "slabs"), stats(server, "items")
    numbers = sorted({int(name.partition(":")[0]) for name in sizes if ":" in name})
    return [
        Slab(
            number=number,
            chunk=int(sizes[f"{number}:chunk_size"]),
            pages=int(sizes[f"{number}:total_pages"]),
            items=int(counted.get(f"items:{number}:number", 0)),
            evicted=int(counted.get(f"items:{number}:evicted", 0)),
        )
        for number in numbers
    ]


def limit(server: Server) -> int:
    """Return the bytes that a server may use for its items."""
    return int(stats(server)["limit_maxbytes"])


def overfill(
    server: Server,
    *,
    size: int = 1000,
    times: float = 2.0,
    stop: threading.Event | None = None,
    seen: Callable[[int], object] = lambda _written: None,
) -> Fill:
    """Write `times` as many bytes as fit, in values of `size`, and look for every key afterwards.

    The first POPULAR keys are read after each batch. Setting `stop` ends the writing early.
    """
    server.require_own("fills the memory twice over, so that what others keep there is thrown out")
    total = min(max(int(times * limit(server) / size), POPULAR), MOST)
    client = server.connect(default_noreply=False)
    before = int(stats(server)["evictions"])
    try:
        written, refused = _write(client, total, size, stop or threading.Event(), seen)
        found = _found(client, [_key(size, number) for number in range(written)])
        return Fill(
            size=size,
            written=written,
            evictions=int(stats(server)["evictions"]) - before,
            kept=_shares(found),
            popular=sum(found[:POPULAR]) / POPULAR,
            refused=refused,
            slabs=slabs(server),
        )
    finally:
        client.close()


def _write(
    client: Any, total: int, size: int, stop: threading.Event, seen: Callable[[int], object]
) -> tuple[int, int]:
    """Write values in small enough steps that the popular ones are read often."""
    step = min(BATCH, max(POPULAR, total // 40))
    written = refused = 0
    while written < total and not (stop.is_set() and written >= POPULAR):
        names = [_key(size, number) for number in range(written, min(written + step, total))]
        refused += _store(client, names, b"x" * size)
        written += len(names)
        client.get_many([_key(size, number) for number in range(POPULAR)])
        seen(written)
    return written, refused


def _store(client: Any, names: Sequence[str], value: bytes) -> int:
    """Write the same value under all names; return for how many there was no memory."""
    try:
        client.set_many(dict.fromkeys(names, value))
    except MemcacheServerError:
        # Nobody knows which of them: they are written again one by one.
        return sum(not _stored(client, name, value) for name in names)
    return 0


def _stored(client: Any, name: str, value: bytes) -> bool:
    try:
        client.set(name, value)
    except MemcacheServerError as error:
        if b"out of memory" in error.args[0]:
            return False
        raise
    return True


def _found(client: Any, names: Sequence[str]) -> list[bool]:
    """Tell of each key whether it is still there."""
    there: set[str] = set()
    for start in range(0, len(names), BATCH):
        there.update(client.get_many(names[start : start + BATCH]))
    return [name in there for name in names]


def _shares(found: Sequence[bool]) -> list[tuple[float, float]]:
    width = max(1, len(found) // _BLOCKS)
    blocks = [found[start : start + width] for start in range(0, len(found), width)]
    return [(width * (i + 1), sum(block) / len(block)) for i, block in enumerate(blocks)]


def _key(size: int, number: int) -> str:
    return f"fill:{size}:{number}"

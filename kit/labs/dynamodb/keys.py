"""Keys under traffic: real writes by real clients, counted as they go over the wire."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kit.errors import UsageError
from kit.labs.dynamodb.capacity import write_units
from kit.labs.dynamodb.design import Design
from kit.labs.dynamodb.layout import create, drop
from kit.labs.dynamodb.scales import python
from kit.labs.dynamodb.traffic import Call, Tap
from kit.labs.dynamodb.weight import size
from kit.widgets.values import text_of

if TYPE_CHECKING:
    from kit.launch.server import Server

PARTITION_WRITES = 1000
"""Write units per second that one partition takes, whatever is provisioned ("Best practices for
designing and using partition keys effectively" in the Developer Guide)."""

TABLE = "kit_traffic"
_KEY, _ORDER = "partition", "id"


@dataclass(frozen=True)
class KeyChoice:
    """A partition key made of attributes; `shards` spreads each value over so many keys."""

    attributes: tuple[str, ...]
    shards: int = 0

    @property
    def name(self) -> str:
        """Return the choice in words."""
        return " + ".join(self.attributes) + (f" + one of {self.shards}" if self.shards else "")

    @property
    def code(self) -> str:
        """Return the key as Python computes it from an event."""
        parts = ["{event[" + repr(name) + "]}" for name in self.attributes]
        parts += [f"{{crc32(event['id'].encode()) % {self.shards}}}"] if self.shards else []
        return 'f"' + "#".join(parts) + '"'

    def value(self, event: Mapping[str, Any], identity: str) -> str:
        """Return an event's partition key; the shard is computed from its identity."""
        parts = [text_of(event[name]) for name in self.attributes]
        parts += [str(zlib.crc32(identity.encode()) % self.shards)] if self.shards else []
        return "#".join(parts)


@dataclass(frozen=True)
class Traffic:
    """How many requests each partition key got, and the write units of one request on average."""

    choice: KeyChoice
    counts: Counter[str]
    units: float

    @property
    def hottest(self) -> tuple[str, float]:
        """Return the key that got most, and its share of all requests."""
        ((key, count),) = self.counts.most_common(1)
        return key, count / self.counts.total()

    @property
    def ceiling(self) -> float:
        """Return the requests per second at which the hottest key's partition is full.

        It holds for the same mix of keys, and for a partition that holds no other key.
        """
        return PARTITION_WRITES / (self.hottest[1] * self.units)


@contextmanager
def counting(resource: Any, attribute: str) -> Iterator[Counter[str]]:
    """Count the requests of a boto3 resource, or a table of one, by the value of a key attribute.

    Reads and writes of single items, and each item of a batch, are counted.
    """
    counts: Counter[str] = Counter()
    tap = Tap(resource, gone=lambda call: counts.update(_values(call, attribute)))
    tap.open()
    try:
        yield counts
    finally:
        tap.close()


def send(
    server: Server, events: Sequence[Mapping[str, Any]], choice: KeyChoice, *, clients: int = 4
) -> Traffic:
    """Write events to a table under a partition key, by clients of their own, and count the keys.

    The table kit_traffic is replaced. Raise UsageError where an event lacks an attribute.
    """
    for name in choice.attributes:
        if not events or any(name not in event for event in events):
            raise UsageError(f"Every event needs the attribute {name!r} to be keyed by it.")
    db = server.connect()
    drop(db, TABLE)
    items = [_item(event, choice, number) for number, event in enumerate(events)]
    create(db, TABLE, Design(partition=_KEY, sort=_ORDER).definition(items))
    with ThreadPoolExecutor(clients) as crew:
        parts = [items[start::clients] for start in range(clients)]
        counted = list(crew.map(lambda part: _write(server, part), parts))
    db.meta.client.close()
    counts = sum(counted, Counter[str]())
    each = sum(write_units(size(item)) for item in items) / len(items)
    return Traffic(choice, counts, each)


def _write(server: Server, items: Sequence[Mapping[str, Any]]) -> Counter[str]:
    db = server.connect()
    with counting(db, _KEY) as counts:
        for item in items:
            db.Table(TABLE).put_item(Item=item)
    db.meta.client.close()
    return counts


def _item(event: Mapping[str, Any], choice: KeyChoice, number: int) -> dict[str, Any]:
    identity = text_of(event.get("id", number))
    return {**event, _KEY: choice.value(event, identity), _ORDER: identity}


def _values(call: Call, attribute: str) -> list[str]:
    """Return the value of the key attribute in each item that a call names."""
    if call.error:
        return []
    found = [call.request.get("Key"), call.request.get("Item")]
    for asked in (call.request.get("RequestItems") or {}).values():
        if isinstance(asked, Mapping):
            found += asked["Keys"]
        else:
            found += [
                (one.get("PutRequest") or {}).get("Item") or one["DeleteRequest"]["Key"]
                for one in asked
            ]
    named = [{attribute: one[attribute]} for one in found if one and attribute in one]
    return [text_of(python(one)[attribute]) for one in named]

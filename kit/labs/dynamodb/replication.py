"""A global table, modelled: two tables kept in step by code that is short enough to read.

What the service promises is in "Global tables" in the Amazon DynamoDB Developer Guide: every region
takes writes, changes travel to the others on their own, and where two regions changed one item, the
last writer wins. This model does the same with a table's stream; deleted items do not travel in it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from kit.labs.dynamodb.scales import python

WHEN, WHERE = "rep_time", "rep_region"
"""The attributes that say when, and in which region, an item was written last."""


@dataclass
class Region:
    """A region's own table, and how far its stream was read."""

    name: str
    table: Any
    streams: Any
    _read: dict[str, str | None] = field(default_factory=dict)

    def write(self, item: Mapping[str, Any]) -> None:
        """Put an item, stamped with the time and the region."""
        self.table.put_item(Item={**item, WHEN: time.time_ns(), WHERE: self.name})

    def read(self, key: Mapping[str, Any]) -> dict[str, Any]:
        """Return an item as this region has it, without the stamps; empty where there is none."""
        item = self.table.get_item(Key=dict(key), ConsistentRead=True).get("Item", {})
        return {name: value for name, value in item.items() if name not in (WHEN, WHERE)}

    def changes(self) -> Iterator[dict[str, Any]]:
        """Yield what was written in this region since the last look; what came in stays out."""
        for record in self._records():
            new = record["dynamodb"].get("NewImage")
            if new and new.get(WHERE, {}).get("S") == self.name:
                yield python(new)

    def apply(self, item: Mapping[str, Any]) -> bool:
        """Take a change from elsewhere if it is newer than what is here; tell whether it was."""
        newer = (
            "attribute_not_exists(#when) OR #when < :when OR (#when = :when AND #where < :where)"
        )
        try:
            self.table.put_item(
                Item=dict(item),
                ConditionExpression=newer,
                ExpressionAttributeNames={"#when": WHEN, "#where": WHERE},
                ExpressionAttributeValues={":when": item[WHEN], ":where": item[WHERE]},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def _records(self) -> Iterator[dict[str, Any]]:
        stream = self.table.latest_stream_arn
        shards = self.streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
        for shard in shards:
            known = shard["ShardId"]
            if known not in self._read:
                self._read[known] = self.streams.get_shard_iterator(
                    StreamArn=stream, ShardId=known, ShardIteratorType="TRIM_HORIZON"
                )["ShardIterator"]
            if self._read[known] is not None:
                answer = self.streams.get_records(ShardIterator=self._read[known])
                self._read[known] = answer.get("NextShardIterator")
                yield from answer["Records"]


def replicate(one: Region, other: Region) -> str:
    """Carry the changes of each region to the other, and say what became of them."""
    travelling = [(other, list(one.changes())), (one, list(other.changes()))]
    said = []
    for target, items in travelling:
        taken = sum(target.apply(item) for item in items)
        said.append(f"{target.name} took {taken} of {len(items)}")
    return ", ".join(said)

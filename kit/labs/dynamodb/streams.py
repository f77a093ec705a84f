"""A table's stream: the changes of its items, in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kit.errors import Unsupported, UsageError
from kit.labs.dynamodb.scales import python

if TYPE_CHECKING:
    from kit.launch.server import Server


def connect(server: Server) -> Any:
    """Open boto3's client for the streams of a server; raise Unsupported where it has none."""
    if not server.supports("streams"):
        raise Unsupported(
            f"{server.product} has no streams. DynamoDB Local, moto and the service have them."
        )
    return server.connect(service="dynamodbstreams")


def changes(server: Server, table: Any) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield each change of a table that its stream holds: its kind, the item before and after.

    An item that was not there, or that the stream does not keep, is empty.
    """
    table.reload()
    stream = table.latest_stream_arn
    if not stream:
        raise UsageError(
            f"The table {table.name!r} has no stream. Switch it on: table.meta.client.update_table("
            'TableName=…, StreamSpecification={"StreamEnabled": True, "StreamViewType": '
            '"NEW_AND_OLD_IMAGES"}).'
        )
    client = connect(server)
    try:
        for record in _records(client, stream):
            kept = record["dynamodb"]
            before, after = (python(kept.get(name, {})) for name in ("OldImage", "NewImage"))
            yield record["eventName"], before, after
    finally:
        client.close()


def _records(client: Any, stream: str) -> Iterator[dict[str, Any]]:
    for shard in client.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]:
        place = client.get_shard_iterator(
            StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while place is not None:
            answer = client.get_records(ShardIterator=place)
            if not answer["Records"]:
                break
            yield from answer["Records"]
            place = answer.get("NextShardIterator")

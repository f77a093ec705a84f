"""A table too busy for a whole batch, acted: no server on one's own machine is ever too busy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kit.errors import UsageError
from kit.labs.dynamodb.traffic import client

_BEFORE, _AFTER = (f"{when}-call.dynamodb.BatchWriteItem" for when in ("before", "after"))


@contextmanager
def busy(resource: Any, *, takes: int = 10) -> Iterator[None]:
    """Have BatchWriteItem take only the first `takes` items of each table, within the block.

    The others are kept from the server, and come back as UnprocessedItems, as they would from a
    table that is throttled. It is this client that does so, not the server.
    """
    if takes < 1:
        raise UsageError("A table takes one item at least, or a loop over it would never end.")
    events = client(resource).meta.events
    held: dict[int, Mapping[str, Any]] = {}

    def before(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        body = json.loads(params["body"])
        asked = body["RequestItems"]
        body["RequestItems"] = {name: puts[:takes] for name, puts in asked.items()}
        held[id(context)] = {n: puts[takes:] for n, puts in asked.items() if puts[takes:]}
        params["body"] = json.dumps(body).encode()

    def after(parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        left = held.pop(id(context), {})
        unprocessed = parsed.get("UnprocessedItems")
        if unprocessed is not None:
            unprocessed.update(left)

    events.register_first(_BEFORE, before)
    events.register_first(_AFTER, after)
    try:
        yield
    finally:
        events.unregister(_BEFORE, before)
        events.unregister(_AFTER, after)

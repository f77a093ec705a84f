"""A table with an index, and items of exactly so many bytes for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kit.labs.dynamodb.design import Design, Index
from kit.launch.server import Server

INDEX = Index(name="by_model", partition="model", sort="score", projects="KEYS_ONLY")


@pytest.fixture
def table(server: Server) -> Iterator[Any]:
    db = server.connect()
    design = Design(partition="run", sort="epoch", indexes=(INDEX,))
    sample = {"run": "a", "epoch": 1, "model": "m", "score": 1}
    made = db.create_table(TableName="runs", **design.definition([sample]))
    made.wait_until_exists()
    yield made
    made.delete()


def item(epoch: int, size: int, **more: Any) -> dict[str, Any]:
    """Return an item of exactly so many bytes, its key and `more` included."""
    bare = {"run": "a", "epoch": epoch, **more, "p": ""}
    from kit.labs.dynamodb.weight import size as weigh

    return {**bare, "p": "x" * (size - weigh(bare))}

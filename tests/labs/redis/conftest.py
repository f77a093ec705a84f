"""A server that also takes debugging commands, and the keyspace explorer on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.labs.redis import keyspace
from kit.labs.redis.keyspace import Explorer
from kit.launch.server import Server
from kit.launch.start import start


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("redis", name="keys", settings={"enable-debug-command": "yes"}) as running:
        yield running


@pytest.fixture
def panel(server: Server, client: Any) -> Iterator[Explorer]:
    opened = keyspace.explorer(server, watch=False)
    yield opened
    opened.close()

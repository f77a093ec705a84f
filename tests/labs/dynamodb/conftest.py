"""A server that the tests of one module share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.launch.server import Server
from kit.launch.start import start


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("dynamodb", name="one") as running:
        yield running

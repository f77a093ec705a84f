"""The Memcached servers that are tried: one to share, one that may be ended, and three nodes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.launch.server import Server
from kit.launch.start import start
from kit.launch.topology import Topology, topology


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("memcached", name="desk", settings={"t": 2}) as running:
        yield running


@pytest.fixture
def own(home: Path) -> Iterator[Server]:
    """Give a server that a test may kill or fill."""
    with start("memcached", name="own", settings={"m": 8}) as running:
        yield running


@pytest.fixture
def three(home: Path) -> Iterator[Topology]:
    with topology("memcached", "ring", nodes=3, name="cache") as running:
        yield running

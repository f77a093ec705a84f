"""An InfluxDB on which each test asks in an empty database of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.labs.influxdb.session import Session
from kit.launch.server import Server
from kit.launch.start import start

_numbers = itertools.count()


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("influxdb", name="lines") as found:
        yield found


@pytest.fixture
def session(server: Server) -> Iterator[Session]:
    """Ask in an empty database of its own."""
    database = f"test{next(_numbers)}"
    opened = Session(server, database)
    opened.ask(f"CREATE DATABASE {database}")
    yield opened
    opened.ask(f"DROP DATABASE {database}")
    opened.close()

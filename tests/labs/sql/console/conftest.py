"""The servers that the console is tried on, and a console that is closed again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.labs import sql
from kit.labs.sql import Console
from kit.launch.server import Server
from kit.launch.start import start


@pytest.fixture(scope="module", params=["postgresql", "mysql"])
def server(request: pytest.FixtureRequest, home: Path) -> Iterator[Server]:
    with start(request.param, name="console") as running:
        yield running


@pytest.fixture
def console(server: Server) -> Iterator[Console]:
    opened = sql.console(server, tree=False)
    yield opened
    opened.close()

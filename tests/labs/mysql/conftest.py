"""Both servers that data sets are stored on, with files let in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.launch.server import Server
from kit.launch.start import start


@pytest.fixture(scope="module", params=["mysql", "postgresql"])
def server(request: pytest.FixtureRequest, home: Path) -> Iterator[Server]:
    with start(request.param, name="sets", settings=_settings(request.param)) as running:
        yield running


def _settings(database: str) -> dict[str, str]:
    return {"local-infile": "ON"} if database == "mysql" else {}

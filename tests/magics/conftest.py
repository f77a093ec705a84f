"""Servers for `%sql`, and a notebook that is connected to one and has an empty table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kit.launch.server import Server
from kit.launch.start import start
from tests.magics.notebook import Notebook

DATABASES = ("postgresql", "mysql")


@pytest.fixture(scope="module", params=DATABASES)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with start(request.param, name=f"{request.param}-magics") as server:
        yield server


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Server]:
    with start("postgresql", name="magics-pg") as server:
        yield server


@pytest.fixture
def notebook(server: Server, capsys: pytest.CaptureFixture[str]) -> Iterator[Notebook]:
    yield from _connected(server, capsys)


@pytest.fixture
def on_postgresql(postgresql: Server, capsys: pytest.CaptureFixture[str]) -> Iterator[Notebook]:
    yield from _connected(postgresql, capsys)


def _connected(server: Server, capsys: pytest.CaptureFixture[str]) -> Iterator[Notebook]:
    if server.state != "running":
        server.restart()
    notebook = Notebook(server, capsys)
    try:
        notebook("kit.sql(server)")
        notebook("%%sql\nDROP TABLE IF EXISTS runs; CREATE TABLE runs (id int, name text)")
        yield notebook
    finally:
        notebook.close()

"""A server of each product and its catalog, and a pipeline builder on the module's own server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kit.data import trials
from kit.labs import mongodb
from kit.labs.mongodb import source as sources
from kit.labs.mongodb.builder import Builder
from kit.launch.server import Server
from kit.launch.start import start
from tests.labs.mongodb.documents import Document
from tests.mongod import product as product


@pytest.fixture(scope="module")
def server(product: str) -> Iterator[Server]:
    with start("mongodb", name="labs") as running:
        yield running


@pytest.fixture
def catalog(server: Server) -> Iterator[Any]:
    with sources.read(server).open() as opened:
        yield opened
        for name in opened.list_collection_names():
            opened.drop_collection(name)


@pytest.fixture(scope="module")
def runs() -> list[Document]:
    return [trial.document for trial in trials(10)]


@pytest.fixture
def builder(server: Server) -> Iterator[Builder]:
    made = mongodb.pipeline(server, [{"$match": {}}])
    yield made
    made.close()

"""A server whose catalog holds ten trials, their artifacts and 2000 indexed numbers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kit.data import trials
from kit.launch.server import Server
from kit.launch.start import start
from tests.labs.mongodb.documents import Document


@pytest.fixture(scope="module")
def server(product: str, runs: list[Document]) -> Iterator[Server]:
    with start("mongodb", name="pipelines") as running:
        client = running.connect()
        catalog = client.mlops_db
        catalog.experiments.insert_many(runs)
        catalog.artifacts.insert_many([trial.artifact for trial in trials(10)])
        catalog.numbers.insert_many([{"_id": n, "n": n, "odd": bool(n % 2)} for n in range(2000)])
        catalog.numbers.create_index("n")
        client.close()
        yield running

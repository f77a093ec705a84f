"""Databases that MLflow logs into, two runs in each, and explorers that are closed again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kit import data
from kit.labs import tracking
from kit.labs.tracking import Explorer
from kit.launch.server import Server
from tests.targets import target as target


@pytest.fixture(scope="module")
def logged(target: Server | str) -> tuple[str, list[str]]:
    """Log two runs into an experiment that no test adds to."""
    rates = (0.01, 0.1)
    runs = [data.train(target, experiment="two", epochs=3, learning_rate=r).id for r in rates]
    return "two", runs


@pytest.fixture
def explore(target: Server | str) -> Iterator[Any]:
    opened: list[Explorer] = []

    def open_one(**options: Any) -> Explorer:
        opened.append(tracking.explorer(target, **{"watch": False, "refresh": 0.05, **options}))
        return opened[-1]

    yield open_one
    for explorer in opened:
        explorer.close()

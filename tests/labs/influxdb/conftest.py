"""An InfluxDB whose database each test finds empty, two runs, and panels that are closed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kit import data
from kit.labs.influxdb import training
from kit.labs.influxdb.session import Session
from kit.launch.server import Server
from kit.launch.start import start

RATES = {"slow": 0.0001, "fast": 0.1}


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("influxdb", name="panels") as found:
        yield found


@pytest.fixture
def session(server: Server) -> Iterator[Session]:
    """Begin each test with an empty database."""
    opened = Session(server)
    opened.ask('DROP DATABASE "mlops"; CREATE DATABASE "mlops"')
    yield opened
    opened.close()


@pytest.fixture
def shown() -> Iterator[Callable[[Any], Any]]:
    """Close every panel that a test opened."""
    opened: list[Any] = []

    def show(panel: Any) -> Any:
        opened.append(panel)
        return panel

    yield show
    for panel in opened:
        panel.close()


@pytest.fixture
def trained(session: Session) -> dict[str, list[float]]:
    """Train two runs, and return their losses as they were computed."""
    for run, rate in RATES.items():
        training.train(session.server, run_id=run, learning_rate=rate, epochs=4)
    return {
        run: [metrics["loss"] for _, metrics in data.epochs(epochs=4, learning_rate=rate)]
        for run, rate in RATES.items()
    }

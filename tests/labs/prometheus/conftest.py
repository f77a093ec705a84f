"""A Prometheus and its Alertmanager, and what asks the one and is told by the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.labs import prometheus as lab
from kit.labs.prometheus.api import Api
from kit.launch.server import Server
from kit.launch.start import start
from tests.traces import await_true


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("prometheus", name="labs", backend="process") as running:
        yield running


@pytest.fixture
def api(server: Server) -> Api:
    return Api(server)


@pytest.fixture(scope="module")
def alertmanager(server: Server) -> Iterator[Server]:
    with start("alertmanager", name="labs-alertmanager", backend="process") as running:
        lab.join(server, running)
        api = Api(server)
        await_true(lambda: api.get("alertmanagers")["activeAlertmanagers"], "it was discovered")
        yield running


@pytest.fixture
def receiver(alertmanager: Server) -> Iterator[lab.Receiver]:
    made = lab.Receiver(alertmanager)
    lab.deliver(alertmanager, made.url)
    yield made
    made.close()

"""The servers on which transactions are stepped through, and steppers that are closed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kit.labs import stepper
from kit.launch.server import Server
from kit.launch.start import start
from tests.labs.sql.stepper.observed import DATABASES


@pytest.fixture(scope="module", params=DATABASES)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with start(request.param, name=f"stepper-{request.param}") as server:
        yield server


@pytest.fixture
def panel(server: Server) -> Iterator[Callable[..., stepper.Stepper]]:
    opened: list[stepper.Stepper] = []

    def show(*args: Any, **options: Any) -> stepper.Stepper:
        opened.append(stepper.stepper(server, *args, **options))
        return opened[-1]

    yield show
    for one in opened:
        one.close()

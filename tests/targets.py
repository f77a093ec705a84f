"""Where MLflow logs to in a test: a server of either kind, or a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.launch.server import Server
from kit.launch.start import start


@pytest.fixture(scope="module", params=["postgresql", "mysql", "sqlite"])
def target(
    request: pytest.FixtureRequest, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server | str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'runs.db'}"
        return
    with start(request.param, name="tracked") as server:
        yield server

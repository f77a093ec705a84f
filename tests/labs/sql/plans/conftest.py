"""A PostgreSQL and a MariaDB, filled with the runs and metrics whose plans are explained."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kit.launch.server import Server
from kit.launch.start import start
from tests.labs.sql.plans.tables import MARIADB, POSTGRESQL, fill


@pytest.fixture(scope="module")
def pg() -> Iterator[Server]:
    with start("postgresql", name="plans-pg") as server:
        fill(server, POSTGRESQL)
        yield server


@pytest.fixture(scope="module")
def my() -> Iterator[Server]:
    with start("mysql", name="plans-my") as server:
        if server.product != "MariaDB":
            pytest.skip("these plans are MariaDB's")
        fill(server, MARIADB)
        yield server


@pytest.fixture(params=["pg", "my"])
def server(request: pytest.FixtureRequest) -> Server:
    """Return one of the two servers, so that a test runs on both."""
    return request.getfixturevalue(request.param)

"""Every database on every backend that is there; a new module in kit/databases joins by itself."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kit import databases
from kit.databases import programs
from kit.databases.base import Database
from kit.databases.endpoint import Endpoint
from kit.errors import MissingError
from kit.launch.server import Server
from kit.launch.start import start
from tests.containers.fixtures import chosen
from tests.containers.fixtures import found_engine as found_engine
from tests.mongod import MONGOD, named

Starter = Callable[..., Server]


@pytest.fixture(scope="module", params=[*databases.names(), MONGOD])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    with named(request.param) as name:
        yield databases.get(name)


@pytest.fixture(
    scope="module",
    params=[
        "process",
        pytest.param("container", marks=[pytest.mark.container, pytest.mark.timeout(600)]),
    ],
)
def backend(request: pytest.FixtureRequest, database: Database) -> Iterator[str]:
    if request.param == "container":
        if programs.variable(database) in os.environ:
            pytest.skip("an image brings its own program")
        socket = request.getfixturevalue("found_engine")
        with chosen(socket) as choose:
            choose(database.name)
            yield "container"
    else:
        yield "process"


@pytest.fixture(scope="module")
def fresh(database: Database, backend: str) -> Starter:
    """Give what starts a server of one kind on one backend."""

    def starter(name: str, **options: Any) -> Server:
        try:
            return start(database.name, name=name, backend=backend, **options)
        except MissingError as error:
            if options.get("version"):
                raise
            pytest.skip(str(error))

    return starter


@pytest.fixture(scope="module")
def server(fresh: Starter) -> Iterator[Server]:
    """Give the one server that tests share which only ask and write."""
    with fresh("shared") as running:
        yield running


def lets_in(database: Database, endpoint: Endpoint) -> bool:
    """Tell whether a server answers whoever comes with these credentials."""
    try:
        database.introduce(endpoint)
    except Exception:
        return False
    return True


def number(version: str) -> bool:
    """Tell whether this is a version number and not a name."""
    return re.fullmatch(r"\d+(\.\d+)+\S*", version) is not None

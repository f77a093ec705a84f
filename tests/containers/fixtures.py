"""An engine and its images, for all tests that run servers in containers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from kit.launch import engine
from tests.containers import containers, daemon, images, root
from tests.traces import await_nothing_left, await_true

Choose = Callable[[str], str]
IN_CONTAINERS = (pytest.mark.container, pytest.mark.timeout(600))
BACKENDS = ("process", pytest.param("container", marks=IN_CONTAINERS))
"""The parameters of a fixture that has tests run on both backends."""
SOON = 5.0
"""Seconds within which all that a stopped or orphaned server had must be gone."""


@pytest.fixture(scope="session")
def found_engine() -> Iterator[Path]:
    """Give an engine, or skip, saying why there is none."""
    with ExitStack() as stack:
        try:
            found = stack.enter_context(daemon.at_hand())
        except daemon.NoEngine as reason:
            pytest.skip(str(reason))
        yield found


@contextmanager
def chosen(socket: Path) -> Iterator[Choose]:
    """Have the kit use this engine; give what builds a database's image and has the kit take it."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("KIT_BACKEND", "DOCKER_CONTEXT"):
            patch.delenv(variable, raising=False)
        patch.setenv("DOCKER_HOST", f"unix://{socket}")

        def choose(name: str) -> str:
            with engine.client(socket) as client:
                try:
                    image = images.provide(client, name, daemon.folder())
                except root.Unavailable as reason:
                    pytest.skip(f"there is no image of {name}: {reason}")
            patch.setenv(f"KIT_{name.upper()}_IMAGE", image)
            return image

        yield choose


@contextmanager
def usual(request: pytest.FixtureRequest, *names: str) -> Iterator[str]:
    """Have the kit start everything on the backend of the fixture's parameter; give its name.

    `names` are the databases whose images the tests need.
    """
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        if request.param == "container":
            choose = stack.enter_context(chosen(request.getfixturevalue("found_engine")))
            for name in names:
                choose(name)
        patch.setenv("KIT_BACKEND", request.param)
        yield request.param


@contextmanager
def untouched(request: pytest.FixtureRequest, home: Path) -> Iterator[None]:
    """Fail unless, soon after the block, a kit home has nothing left on the backend in use.

    On an engine that is: no container, no network, and no volume that was not there before.
    """
    engines = (
        []
        if request.node.get_closest_marker("container") is None
        else [request.getfixturevalue("found_engine")]
    )
    before = [containers.orphans(socket) for socket in engines]
    yield
    await_nothing_left(home, SOON)
    for socket, kept in zip(engines, before, strict=True):
        containers.await_none(socket, home, SOON)
        await_true(
            lambda at=socket, old=kept: containers.orphans(at) <= old, "the volumes are gone", SOON
        )

"""An engine and its images, for all tests that run servers in containers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from kit.launch import engine
from tests.containers import daemon, images, root

Found = tuple[Path, daemon.Daemon | None]
Choose = Callable[[str], str]


@pytest.fixture(scope="session")
def found_engine() -> Iterator[Found]:
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

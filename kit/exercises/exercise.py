"""What an exercise is, and where the kit finds them.

Every module of this package that has a `SECTION` holds the exercises of one notebook,
so a further notebook's exercises are one further file.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from kit.errors import UnknownName
from kit.exercises.comparison import difference

if TYPE_CHECKING:
    from kit.launch.server import Server

Verify = Callable[["Server", object], str | None]


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """Describe one exercise: what a right answer is, and the hints for a wrong one.

    `expected` is the answer itself, or a function that works it out on the running server.
    `verify` looks at the server as well as at the answer and says what is off, None when
    nothing is; with both, `expected` is asked first.
    """

    id: str
    title: str
    hints: tuple[str, ...]
    expected: object = None
    verify: Verify | None = None
    columns: tuple[str, ...] | None = None
    ordered: bool = False
    tolerance: float = 1e-6

    @property
    def needs_server(self) -> bool:
        """Say whether the answer can be judged only beside a running server."""
        return self.verify is not None or callable(self.expected)

    def complaint(self, answer: object, server: Server | None) -> str | None:
        """Return what is off in an answer, None when it is right."""
        found = None
        if self.expected is not None:
            wanted = self.expected(server) if callable(self.expected) else self.expected
            found = difference(
                answer,
                wanted,
                columns=self.columns,
                ordered=self.ordered,
                tolerance=self.tolerance,
            )
        if found is None and self.verify is not None and server is not None:
            found = self.verify(server, answer)
        return found


@dataclass(frozen=True, kw_only=True)
class Section:
    """Hold the exercises of one notebook; `notebook` is its file name without suffix."""

    notebook: str
    title: str
    exercises: tuple[Exercise, ...]
    database: str | None = None


@cache
def sections() -> tuple[Section, ...]:
    """Return every section that has exercises, in the order of the notebooks."""
    package = importlib.import_module("kit.exercises")
    modules = (
        importlib.import_module(f"kit.exercises.{module.name}")
        for module in pkgutil.iter_modules(package.__path__)
    )
    found = [module.SECTION for module in modules if hasattr(module, "SECTION")]
    return tuple(sorted(found, key=lambda section: str(section.notebook)))


def find(exercise_id: object) -> tuple[Section, Exercise]:
    """Return an exercise and its section; `UnknownName` names the nearest when there is none."""
    known = {
        exercise.id: (section, exercise) for section in sections() for exercise in section.exercises
    }
    if not isinstance(exercise_id, str) or exercise_id not in known:
        raise UnknownName.among("exercise", exercise_id, known)
    return known[exercise_id]

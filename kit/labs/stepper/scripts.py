"""A script for several sessions: who says what, in which order, and what would be wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kit.errors import UnknownName, UsageError

LEVELS = ("READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")

TABLE = (
    "CREATE TABLE quota (id int PRIMARY KEY, team varchar(20) NOT NULL, hours int NOT NULL)",
    "INSERT INTO quota VALUES (1, 'vision', 10), (2, 'text', 20)",
)
LOOK = "SELECT id, hours FROM quota ORDER BY id"
MOST_SESSIONS = 3

_LINE = re.compile(r"(T[1-9]):?\s+(\S.*)")
_FORM = (
    "A script has one statement a line, each after the session that runs it:\n"
    "T1 BEGIN\nT2 BEGIN\nT1 UPDATE quota SET hours = 11 WHERE id = 1\nT1 COMMIT\nT2 COMMIT"
)

Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Step:
    """One statement, and the session that runs it."""

    session: str
    statement: str


@dataclass(frozen=True)
class Seen:
    """What came of a script: which transactions committed, what each session read, what is left.

    `reads` holds the rows of each SELECT that a session ran, in order; `final` the hours by id.
    """

    committed: frozenset[str]
    reads: Mapping[str, Sequence[Rows]]
    final: Mapping[int, int]

    def both(self) -> bool:
        """Tell whether T1 and T2 both committed."""
        return {"T1", "T2"} <= self.committed

    def values(self, session: str) -> list[Any]:
        """Return the last column of all that a session read, if it committed."""
        if session not in self.committed:
            return []
        return [row[-1] for rows in self.reads[session] for row in rows]


@dataclass(frozen=True, kw_only=True)
class Script:
    """A named script on the table `quota`, or on what `setup` makes.

    `code` is the anomaly's name in the literature. `happened` judges what was seen; `broken` says
    in words what is wrong when it did.
    """

    name: str
    steps: Sequence[Step]
    code: str = ""
    story: str = ""
    broken: str = ""
    happened: Callable[[Seen], bool] | None = field(default=None, repr=False)
    setup: Sequence[str] = TABLE

    @property
    def sessions(self) -> list[str]:
        """Name the sessions, T1 first."""
        return sorted({step.session for step in self.steps})

    @property
    def title(self) -> str:
        """Return the name with the code that the literature uses."""
        return f"{self.name} ({self.code})" if self.code else self.name


def parse(text: str) -> tuple[Step, ...]:
    """Read `T1 STATEMENT` lines; raise UsageError for anything else."""
    lines = [line.strip() for line in text.splitlines()]
    found = []
    for line in lines:
        if not line or line.startswith("--"):
            continue
        match = _LINE.fullmatch(line.rstrip("; "))
        if match is None:
            raise UsageError(f"This line names no session: {line[:80]!r}. {_FORM}")
        found.append(Step(match[1], match[2]))
    names = sorted({step.session for step in found})
    if not found or names != [f"T{i + 1}" for i in range(len(names))][:MOST_SESSIONS]:
        raise UsageError(f"The sessions of a script are T1, T2 and at most T3. {_FORM}")
    return tuple(found)


def level(name: str) -> str:
    """Return an isolation level as SQL spells it; raise UnknownName."""
    spelled = " ".join(name.upper().replace("-", " ").replace("_", " ").split())
    if spelled not in LEVELS:
        raise UnknownName.among("isolation level", name, (known.lower() for known in LEVELS))
    return spelled

"""A plan and its steps, in the same shape whichever server made it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

Kind = Literal[
    "read", "index", "join", "sort", "group", "gather", "store", "change", "trigger", "other"
]


@dataclass(frozen=True, kw_only=True)
class Node:
    """One step of a plan, with the steps that feed it.

    `expected` and `rows` are the rows that come out each time it runs, `loops` is how often it ran
    (0: never). `discarded` rows were read and thrown away, in all runs together; `seconds` include
    the steps below, `own` do not; `pages` were touched by this step itself. None is not measured.
    `role` says what it is to its parent, `facts` are conditions and figures as the server names
    them, `raw` is what the server said of it.
    """

    name: str
    kind: Kind = "other"
    relation: str = ""
    alias: str = ""
    index: str = ""
    role: str = ""
    expected: float | None = None
    rows: float | None = None
    loops: float | None = None
    discarded: float | None = None
    seconds: float | None = None
    own: float | None = None
    pages: float | None = None
    facts: Sequence[tuple[str, str]] = ()
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    children: Sequence[Node] = ()

    @property
    def target(self) -> str:
        """Say what it works on: a table with its alias, an index."""
        named = self.alias and self.alias != self.relation
        table = f"{self.relation} as {self.alias}" if named and self.relation else self.relation
        parts = [f"on {table or self.alias}" if table or self.alias else ""]
        parts.append(f"using {self.index}" if self.index else "")
        return " ".join(filter(None, parts))

    @property
    def label(self) -> str:
        """Name the step and what it works on."""
        return f"{self.name} {self.target}".strip()

    @property
    def came(self) -> float | None:
        """Count the rows that came out in all runs together."""
        return None if self.rows is None else self.rows * (self.loops or 0)

    @property
    def hoped(self) -> float | None:
        """Count the rows that the planner expected, over as many runs as there were."""
        if self.expected is None:
            return None
        return self.expected * (1 if self.loops is None else max(self.loops, 1))

    @property
    def handled(self) -> float:
        """Count the rows that were read, whether kept or not: work that is the same every time."""
        return (self.came or 0) + (self.discarded or 0)

    @property
    def whole(self) -> bool:
        """Tell whether it reads all of a table, so that its pages are the size of the table."""
        return self.name in WHOLE or (self.name, self.index) in CLUSTERED

    @property
    def miss(self) -> float:
        """Return by what factor the estimate was wrong; 1 when it was right or is not known."""
        if self.rows is None or self.expected is None or not self.loops:
            return 1.0
        low, high = sorted((max(self.rows, 1.0), max(self.expected, 1.0)))
        return high / low

    def walk(self) -> Iterator[Node]:
        """Yield this step and all below it, from the top, in the order the server lists them."""
        yield self
        for child in self.children:
            yield from child.walk()

    def raws(self, key: str) -> float:
        """Return a figure that the server gave under `key`, 0 where it gave none."""
        value = self.raw.get(key)
        return float(value) if isinstance(value, int | float) else 0.0


WHOLE = frozenset({"Seq Scan", "Parallel Seq Scan", "Full table scan"})
CLUSTERED = frozenset({("Full index scan", "PRIMARY")})  # InnoDB keeps the table in this index


@dataclass(frozen=True, kw_only=True, repr=False)
class Plan:
    """How a server carried a statement out, or (not `measured`) how it would.

    `ran` are the statements that were sent to learn this. `changes` says that the statement
    changes data, which was rolled back; `kept` that a table could not be rolled back. `seconds`
    is the time of the execution and `planning` what came before it; `note` is for the reader.
    """

    root: Node
    product: str
    sql: str = ""
    ran: Sequence[str] = ()
    measured: bool = True
    changes: bool = False
    kept: bool = False
    seconds: float | None = None
    planning: float | None = None
    note: str = ""
    raw: Any = None

    def __repr__(self) -> str:
        names = " < ".join(node.label for node in self.nodes[:4])
        more = " …" if len(self.nodes) > 4 else ""
        return f"<{self.product} plan: {names}{more}>"

    @cached_property
    def nodes(self) -> list[Node]:
        """Return all steps, from the top."""
        return list(self.root.walk())

    @cached_property
    def spent(self) -> float:
        """Return the seconds that all steps took together; 0 where nothing was measured."""
        return sum(node.own or 0 for node in self.nodes)

    @cached_property
    def slowest(self) -> Node | None:
        """Return the step that took most time itself; None where nothing was measured."""
        timed = [node for node in self.nodes if node.own]
        return max(timed, key=lambda node: node.own or 0) if timed else None

    @cached_property
    def busiest(self) -> Node | None:
        """Return the step that read the most rows, which is the same every time it runs."""
        worked = [node for node in self.nodes if node.handled]
        return max(worked, key=lambda node: node.handled) if worked else None

    def share(self, node: Node) -> float:
        """Return which part of the time went into this step itself, from 0 to 1."""
        spent = self.spent
        return (node.own or 0) / spent if spent else 0.0

    def find(self, text: str) -> list[Node]:
        """Return the steps whose name, table or index contains `text`."""
        return [node for node in self.nodes if text.lower() in node.label.lower()]


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """What a server's JSON says: the tree, the times beside it, and whether it was run."""

    root: Node
    measured: bool
    seconds: float | None = None
    planning: float | None = None

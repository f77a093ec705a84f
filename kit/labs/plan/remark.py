"""A remark on a step of a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kit.labs.plan.node import Node, Plan


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What to notice at one step, in a line and in words, and a statement to try.

    `volatile` advice rests on measured times and does not belong in a saved notebook.
    """

    node: Node
    title: str
    words: str
    sql: str = ""
    volatile: bool = False


Rule = Callable[[Plan, Node, Sequence[Node]], Advice | None]
"""Look at a step, with those above it from the nearest on, and remark on it or not."""

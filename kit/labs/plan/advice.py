"""What a learner should notice in a plan, and what to try."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kit.labs.plan import resources, rows
from kit.labs.plan.node import Node, Plan
from kit.labs.plan.remark import Advice


def advise(plan: Plan) -> list[Advice]:
    """Return what is worth a remark, the steps with the most work first."""
    if not plan.measured:
        return []
    found = [
        advice
        for node, above in _descend(plan.root, ())
        for rule in (*rows.RULES, *resources.RULES)
        if (advice := rule(plan, node, above)) is not None
    ]
    return sorted(found, key=lambda advice: -advice.node.handled)


def _descend(node: Node, above: Sequence[Node]) -> Iterator[tuple[Node, Sequence[Node]]]:
    yield node, above
    for child in node.children:
        yield from _descend(child, (node, *above))

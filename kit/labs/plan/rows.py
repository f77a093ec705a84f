"""What to notice in the rows of a plan: those read in vain, and those not foreseen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kit.labs.plan import condition
from kit.labs.plan.node import Node, Plan
from kit.labs.plan.remark import Advice, Rule
from kit.widgets.units import plural

MANY = 1000  # rows below which nothing is worth a remark
FEW = 20  # rows thrown away for each row kept, from which a scan is wasteful
OFTEN = 50  # runs from which a step is repeated too often
MISSED = 10  # factor between estimate and truth from which plans go wrong
ESTIMATE = "The estimate is far off"


def _wasteful(plan: Plan, node: Node, above: Sequence[Node]) -> Advice | None:
    lost, came = node.discarded or 0, node.came or 0
    if node.kind != "read" or lost < MANY or lost < FEW * came:
        return None
    if (node.loops or 0) > 1 and node.handled <= (node.loops or 0):
        return None  # one row for each question: what is wrong is who asks
    kept = f"{came:,.0f}" if came else "none"
    often = f", in {node.loops:,.0f} runs" if (node.loops or 0) > 1 else ""
    read = f"It read {node.handled:,.0f} rows{often} and kept {kept}."
    if node.index:
        cure = "The index leads it to too many: one that holds the filter's columns too would not."
    else:
        cure = "With an index on what the condition compares, it would read only those it keeps."
    return Advice(
        node=node,
        title="Reads much, keeps little",
        words=f"{read} {cure}",
        sql=condition.index(plan, node),
    )


def _repeated(plan: Plan, node: Node, above: Sequence[Node]) -> Advice | None:
    wasteful = _wasteful(plan, node, above)
    if not node.whole or (node.loops or 0) < OFTEN or node.handled < MANY or wasteful:
        return None
    return Advice(
        node=node,
        title="Reads the table again and again",
        words=f"It ran {node.loops:,.0f} times, over the whole table each time.",
        sql=condition.index(plan, node),
    )


def _subquery(plan: Plan, node: Node, above: Sequence[Node]) -> Advice | None:
    asked = node.role.lower().startswith(("subplan", "subquery"))
    if not asked or (node.loops or 0) < OFTEN or node.name == "Materialize":
        return None
    return Advice(
        node=node,
        title="Asked once for every row",
        words=f"This subquery ran {node.loops:,.0f} times. Written as a join, with the grouping "
        "done beforehand, it would run once.",
    )


def _compared(plan: Plan, node: Node, above: Sequence[Node]) -> Advice | None:
    if node.kind != "join" or (node.discarded or 0) < 10 * MANY:
        return None
    inner = next((child for child in reversed(node.children) if child.kind == "read"), node)
    return Advice(
        node=node,
        title="Compares every pair",
        words=f"It compared {node.handled:,.0f} pairs of rows, and {node.came or 0:,.0f} matched. "
        "With an index on the column of the join it would look partners up.",
        sql=condition.index(plan, _with_condition(inner, node)),
    )


def _unmatched(plan: Plan, node: Node, above: Sequence[Node]) -> Advice | None:
    join = above[0] if above else None
    if join is None or join.kind != "join" or not node.whole or join.came is None:
        return None
    came = node.came or 0
    if came < MANY or came < FEW * join.came or (node.loops or 0) > 1:
        return None
    return Advice(
        node=node,
        title="Reads all, needs few",
        words=f"It gave {came:,.0f} rows to the join, and {join.came:,.0f} came out. With an index "
        "on the column of the join, the server can look just these up.",
        sql=condition.index(plan, node, condition.joined(join, node)),
    )


def _with_condition(inner: Node, join: Node) -> Node:
    return replace(inner, facts=join.facts)


def _misjudged(plan: Plan, node: Node, above: Sequence[Node]) -> Advice | None:
    if not astray(node):
        return None
    came, hoped = node.came or 0, node.hoped or 0
    if any(map(astray, node.children)):
        return None  # the error came from below
    if came < hoped and any(_stops_early(step) for step in above):
        return None
    many = "more" if came > hoped else "fewer"
    said = (
        f"{plural(round(hoped), 'row')} expected, {came:,.0f} came: {node.miss:,.0f} times {many}."
    )
    table = condition.written(plan.sql, node)
    return Advice(
        node=node,
        title=ESTIMATE,
        words=f"{said} {_why(plan, node)}",
        sql=_statistics(plan, table) if node.kind == "read" and node.relation[:1] != "<" else "",
    )


def astray(node: Node) -> bool:
    """Tell whether so many more or fewer rows came than expected that it matters."""
    most = max(node.came or 0, node.hoped or 0)
    return node.kind not in ("index", "change") and node.miss >= MISSED and most > MANY


def _stops_early(step: Node) -> bool:
    """Tell whether a step may leave rows below it unread, which is no error of the estimate."""
    return step.name.startswith("Limit") or any(
        word in step.name for word in ("Semi", "Anti", "Merge Join")
    )


def _why(plan: Plan, node: Node) -> str:
    if plan.product == "PostgreSQL":
        return (
            "The planner chooses by its estimates, so first bring its statistics up to date. If "
            "that does not help, it cannot judge this condition: CREATE STATISTICS, or an index "
            "on the expression, teaches it."
        )
    return (
        "About columns without an index the optimizer knows nothing until it is given statistics, "
        "and it orders joins by these numbers."
    )


def _statistics(plan: Plan, table: str) -> str:
    if plan.product == "MariaDB":
        return f"ANALYZE TABLE {table} PERSISTENT FOR ALL"
    return f"ANALYZE {table}" if plan.product == "PostgreSQL" else f"ANALYZE TABLE {table}"


RULES: tuple[Rule, ...] = (_wasteful, _repeated, _subquery, _compared, _unmatched, _misjudged)

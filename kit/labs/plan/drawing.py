"""Plans as rows of a tree: what each step says of itself, and what a saved notebook keeps."""

from __future__ import annotations

from collections.abc import Sequence

from kit.labs.plan.node import Node, Plan
from kit.labs.plan.remark import Advice
from kit.labs.plan.rows import ESTIMATE, astray
from kit.labs.plan.words import words
from kit.widgets import units
from kit.widgets.plan_rows import Cell, Column, Mark, Remark, Step

LATER = "Times and most page counts vary from run to run: they are seen live."
COLUMNS = (
    Column(
        key="time",
        label="Time here",
        hint="Spent in this step itself, over all its runs, without the steps below",
        volatile=True,
    ),
    Column(key="expected", label="Rows expected", hint="What the planner reckoned with"),
    Column(key="came", label="Rows came", hint="Rows that this step gave to the one above"),
    Column(key="discarded", label="Thrown away", hint="Rows that were read for nothing"),
    Column(key="pages", label="Pages", hint="Pages that this step touched, in memory or on disk"),
)


def steps(plan: Plan, found: Sequence[Advice] = ()) -> list[Step]:
    """Turn a plan into the rows of a tree, marked where there is advice."""
    return [_step(plan, node, level, found) for node, level in levels(plan.root)]


def _step(plan: Plan, node: Node, level: int, found: Sequence[Advice]) -> Step:
    here = [one for one in found if one.node is node and one.title != ESTIMATE]
    return Step(
        label=node.name,
        target=node.target,
        role=node.role,
        level=level,
        cells=cells(plan, node),
        marks=[*_marks(plan, node), *map(_flag, here)],
        words=words(node),
        facts=[*_figures(plan, node), *node.facts],
        faint=node.loops == 0,
    )


def remarks(plan: Plan, found: Sequence[Advice]) -> list[Remark]:
    """Tie advice to the rows of the tree."""
    index = {id(node): i for i, node in enumerate(plan.nodes)}
    return [
        Remark(
            step=index[id(one.node)],
            title=f"{one.title}: {one.node.label}",
            words=one.words,
            code=one.sql,
            volatile=one.volatile,
        )
        for one in found
    ]


def chosen(plan: Plan, found: Sequence[Advice]) -> int:
    """Return the row to explain first: one with advice, else the slowest."""
    node = found[0].node if found else plan.slowest or plan.root
    return next(i for i, one in enumerate(plan.nodes) if one is node)


def summary(plan: Plan) -> str:
    """Say in a line what the whole plan came to."""
    said = [units.plural(round(plan.root.came), "row")] if plan.root.came is not None else []
    if not plan.measured:
        said.append("estimates only")
    elif plan.kept:
        said.append("NOT rolled back")
    elif plan.changes:
        said.append("rolled back")
    return " · ".join(said)


def cells(plan: Plan, node: Node) -> dict[str, Cell]:
    """Write the figures of a step, by their columns."""
    about = "≈ " if _rounded(node) else ""
    return {
        "time": _time(plan, node),
        "expected": Cell(text=count(node.hoped)),
        "came": Cell(text=about + count(node.came) if node.came is not None else _never(node)),
        "discarded": Cell(text=count(node.discarded) if node.discarded else ""),
        "pages": _pages(node),
    }


def _time(plan: Plan, node: Node) -> Cell:
    if node.own is None or node.loops == 0:
        return Cell(volatile=True)
    share = plan.share(node)
    return Cell(
        text=units.duration(node.own),
        aside=f"{share:.0%}" if share >= 0.005 else "<1%",
        exact=f"{node.own * 1000:.3f} ms",
        bar=round(share, 3) if share >= 0.005 else None,
        volatile=True,
    )


def _pages(node: Node) -> Cell:
    if not node.pages or node.loops == 0:
        return Cell()
    read = (node.raws("Shared Read Blocks") + node.raws("Local Read Blocks")) or 0
    exact = (
        f"{read:,.0f} of them (with the steps below) not from PostgreSQL's memory" if read else ""
    )
    return Cell(text=count(node.pages), exact=exact, volatile=not node.whole)


def _marks(plan: Plan, node: Node) -> list[Mark]:
    found = []
    if node is plan.slowest:
        found.append(Mark(icon="▲", word="slowest", kind="slow", when="live"))
    if node is plan.busiest:
        found.append(Mark(icon="▲", word="most rows", when="saved"))
    if astray(node):
        many = "more" if (node.rows or 0) > (node.expected or 0) else "fewer"
        found.append(Mark(icon="≠", word=f"{node.miss:,.0f} × {many} rows", kind="miss"))
    if node.loops == 0:
        found.append(Mark(icon="○", word="never ran", kind="never"))
    return found


def _flag(advice: Advice) -> Mark:
    word = advice.title[:1].lower() + advice.title[1:]
    return Mark(icon="⚑", word=word, kind="advice", when="live" if advice.volatile else "both")


def _figures(plan: Plan, node: Node) -> list[tuple[str, str]]:
    found = []
    if node.seconds is not None and node.loops:
        here = units.duration(node.own or 0)
        whole = f" here, {units.duration(node.seconds)} with the steps below"
        found.append(("Time", here + (whole if node.children else "")))
    if node.loops is not None and node.loops != 1:
        found.append(("Runs", f"{node.loops:,.0f}"))
    return found


def _rounded(node: Node) -> bool:
    """Tell whether the rows are an average, rounded by the server, times the number of runs."""
    average = node.raw.get("Actual Rows")
    return isinstance(average, int) and (node.loops or 0) > 1


def _never(node: Node) -> str:
    return "0" if node.loops == 0 else ""


def count(value: float | None) -> str:
    """Write a number of rows or pages; nothing where it is not known."""
    return "" if value is None else f"{value:,.0f}"


def levels(node: Node, level: int = 1) -> list[tuple[Node, int]]:
    """Return every step with its depth, which is 1 for the root."""
    return [(node, level), *(item for c in node.children for item in levels(c, level + 1))]

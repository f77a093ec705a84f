"""Two plans as lines side by side, and what became of each step in words."""

from __future__ import annotations

from dataclasses import replace

from kit.labs.plan import drawing
from kit.labs.plan.drawing import cells, count, levels
from kit.labs.plan.matching import Comparison, Pair
from kit.labs.plan.node import Node, Plan
from kit.widgets.plan_rows import Cell, Column, Line, Mark, Step

COLUMNS = (
    Column(key="time", label="Time", hint=drawing.COLUMNS[0].hint, volatile=True),
    Column(key="handled", label="Rows", hint="Rows that this step read, kept or not"),
    Column(key="pages", label="Pages", hint=drawing.COLUMNS[4].hint),
)
_SIGNS = {
    "same": Mark(icon="=", word="same", kind="same"),
    "figures": Mark(icon="≈", word="other figures", kind="figures"),
    "replaced": Mark(icon="≠", word="replaced", kind="replaced"),
    "gone": Mark(icon="−", word="gone", kind="gone"),
    "new": Mark(icon="+", word="new", kind="new"),
}
_MOVED = Mark(icon="↕", word="moved", kind="figures")


def lines(comparison: Comparison) -> list[Line]:
    """Turn a comparison into lines with a step on each side."""
    before, after = _depths(comparison.before), _depths(comparison.after)
    return [
        Line(
            before=_side(comparison.before, row.before, before),
            after=_side(comparison.after, row.after, after),
            mark=_sign(row.pair),
            words=sentence(row.pair),
            main=row.pair is comparison.main,
        )
        for row in comparison.rows
    ]


def _side(plan: Plan, node: Node | None, depths: dict[int, int]) -> Step | None:
    if node is None:
        return None
    figures = cells(plan, node)
    handled = Cell(text=count(node.handled) if node.rows is not None else "")
    kept = {
        "time": replace(figures["time"], aside=""),
        "pages": figures["pages"],
        "handled": handled,
    }
    return Step(
        label=node.name,
        target=node.target,
        role=node.role,
        level=depths[id(node)],
        cells=kept,
        faint=node.loops == 0,
    )


def _sign(pair: Pair) -> Mark:
    return _MOVED if pair.moved and pair.change == "figures" else _SIGNS[pair.change]


def sentence(pair: Pair) -> str:
    """Say what became of a step."""
    if pair.before is None or pair.after is None:
        state = "is new" if pair.before is None else "is not needed any more"
        return f"{pair.node.label} {state}."
    now = pair.after.label
    said = f"{pair.before.label} became {now}" if pair.change == "replaced" else now
    moved = ["it stands at another place in the plan"] if pair.moved else []
    differences = [*moved, *_differences(pair.before, pair.after)]
    if pair.change == "same" or not differences:
        return (
            f"{said}, with the same figures."
            if pair.change == "replaced"
            else f"{said}: as before."
        )
    return f"{said}: {', '.join(differences)}."


def _differences(before: Node, after: Node) -> list[str]:
    rows = _became("rows read", before.handled, after.handled)
    pages = _became("pages", before.pages, after.pages)
    loops = _became("runs", before.loops, after.loops)
    expected = _became("rows expected", before.hoped, after.hoped)
    fetches = _became("heap fetches", before.raws("Heap Fetches"), after.raws("Heap Fetches"))
    other = [
        f"{name} {text}"
        for name, text in after.facts
        if name in ("Sort Method", "Hash Batches") and (name, text) not in list(before.facts)
    ]
    return [*rows, *pages, *loops, *expected, *fetches, *other]


def _became(name: str, before: float | None, after: float | None) -> list[str]:
    if before is None or after is None or round(before) == round(after):
        return []
    return [f"{name} {before:,.0f} → {after:,.0f}"]


def _depths(plan: Plan) -> dict[int, int]:
    return {id(node): level for node, level in levels(plan.root)}

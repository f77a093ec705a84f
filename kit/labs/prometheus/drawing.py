"""An evaluated expression as the rows of a tree."""

from __future__ import annotations

from collections.abc import Sequence

from kit.labs.prometheus.evaluation import Node, culprit
from kit.labs.prometheus.expression import Step
from kit.labs.prometheus.findings import Finding
from kit.labs.prometheus.words import words
from kit.widgets import plan_rows, units
from kit.widgets.plan_rows import Cell, Column, Mark, Remark

BORROWED = "parsed by the library promql-parser: before Prometheus 3 a server does not tell how"
LATER = "Values, samples and times vary from moment to moment: they are seen live."
COLUMNS = (
    Column(key="kind", label="Type", hint="What kind of value the step gives"),
    Column(key="series", label="Series", hint="How many series the step gives"),
    Column(key="value", label="First value", hint="The first series' last value", volatile=True),
    Column(key="samples", label="Samples read", hint="Counted by the server", volatile=True),
    Column(
        key="time",
        label="Time",
        hint="The server's own evaluation time for the step with all below it: a median",
        volatile=True,
    ),
)
_EXAMPLES = 3


def rows(root: Node, found: Sequence[Finding]) -> list[plan_rows.Step]:
    """Turn an evaluated expression into rows, marked where there is something to notice."""
    longest = max((node.seconds or 0 for node in root.all()), default=0)
    slowest = max(root.all(), key=lambda node: node.own or 0)
    refused = culprit(root)
    return [
        _row(node, level, _marks(node, slowest, refused, found), longest)
        for node, level in _levels(root, 1)
    ]


def remarks(root: Node, found: Sequence[Finding]) -> list[Remark]:
    """Tie findings to the rows of the tree."""
    index = {id(node): i for i, node in enumerate(root.all())}
    return [
        Remark(
            step=index[id(one.node)],
            title=one.title,
            words=one.words,
            code=one.code,
            volatile=one.volatile,
        )
        for one in found
    ]


def chosen(root: Node, found: Sequence[Finding]) -> int:
    """Return the row to explain first: one with a finding, else the whole."""
    nodes = list(root.all())
    return next((i for i, node in enumerate(nodes) if found and node is found[0].node), 0)


def summary(root: Node) -> str:
    """Say in a few words what the whole came to."""
    if root.refusal:
        return "refused"
    if root.count is None:
        return root.kind
    return f"{root.kind} of {units.plural(root.count, 'series', 'series')}"


def _row(node: Node, level: int, marks: Sequence[Mark], longest: float) -> plan_rows.Step:
    name, target = _parts(node.step)
    return plan_rows.Step(
        label=name,
        target=target,
        level=level,
        cells=_cells(node, longest),
        marks=marks,
        words=words(node),
        facts=_facts(node),
        faint=node.step.literal,
    )


def _parts(step: Step) -> tuple[str, str]:
    """Part a step into what is set bold, and the rest."""
    if step.role in ("sum", "pair", "call"):
        name, _, rest = step.label.partition(" ")
        return name, rest
    return " ".join(step.label.split()), ""


def _cells(node: Node, longest: float) -> dict[str, Cell]:
    found = {"kind": Cell(text=node.kind)}
    if node.count is not None:
        found["series"] = Cell(text=f"{node.count:,}")
    if node.series:
        value = node.series[0].value
        found["value"] = Cell(text=units.figure(value), exact=repr(value), volatile=True)
    if node.seconds is not None:
        found["samples"] = Cell(text=f"{node.answer.samples:,}", volatile=True)
        found["time"] = Cell(
            text=units.duration(node.seconds),
            exact=f"{node.seconds * 1e6:,.1f} µs, median of {len(node.times)}",
            bar=round(node.seconds / longest, 3) if longest else None,
            volatile=True,
        )
    return found


def _marks(node: Node, slowest: Node, refused: Node | None, found: Sequence[Finding]) -> list[Mark]:
    made = []
    if node is refused:
        made.append(Mark(icon="✗", word="refused here", kind="miss"))
    if node is slowest and node.own:
        made.append(Mark(icon="▲", word="slowest", kind="slow", when="live"))
    if node.count == 0 and not any(child.count == 0 for child in node.children):
        made.append(Mark(icon="○", word="empty from here", kind="never"))
    for one in found:
        if one.node is node and node is not refused:
            word = one.title[:1].lower() + one.title[1:]
            made.append(
                Mark(icon="⚑", word=word, kind="advice", when="live" if one.volatile else "both")
            )
    return made


def _facts(node: Node) -> list[tuple[str, str]]:
    found = (
        [("PromQL", " ".join(map(str.strip, node.step.text.splitlines())))]
        if not node.step.literal
        else []
    )
    if node.seconds is not None:
        low, high = min(node.times), max(node.times)
        spread = f"{units.duration(low)} to {units.duration(high)} in {len(node.times)} runs"
        own = units.duration(node.own) if node.own else "too little to tell"
        found.append(("Time", f"{spread}; {own} in this step itself"))
    if node.labels:
        found.append(("Labels", ", ".join(f"{k} ({n})" for k, n in node.labels.items())))
    for place, one in enumerate(node.series[:_EXAMPLES]):
        if node.count is not None:
            head = "Series" if place == 0 else ""
            points = f" ({units.plural(len(one.points), 'value')})" if len(one.points) > 1 else ""
            found.append((head, f"{one.name} {units.figure(one.value)}{points}"))
    return found


def _levels(node: Node, level: int) -> list[tuple[Node, int]]:
    return [(node, level), *(row for c in node.children for row in _levels(c, level + 1))]

"""A PromQL expression as a tree of steps, each of which can be evaluated by itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

import promql_parser as parser

Role = Literal["selector", "window", "subquery", "number", "text", "call", "sum", "pair", "other"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of an expression; parentheses are no step of their own.

    `text` is the step with all below it, as the server can evaluate it alone; `label` is the step's
    own part of it. A subquery around it says when it is evaluated last: `offset` seconds before the
    asked time, or before `fixed` (Unix time), `every` so many seconds.
    """

    role: Role
    label: str
    text: str
    children: Sequence[Step] = ()
    offset: float = 0.0
    fixed: float | None = None
    every: float | None = None
    node: Any = field(repr=False, default=None)

    def moment(self, asked: float) -> float:
        """Return the last time at which the step is evaluated when the whole is at `asked`."""
        last = (asked if self.fixed is None else self.fixed) - self.offset
        # A subquery's steps lie at multiples of their distance, wherever it begins.
        return last if self.every is None else math.floor(last / self.every) * self.every

    @property
    def literal(self) -> bool:
        """Tell whether the step is written out, so that nothing has to be evaluated."""
        return self.role in ("number", "text")

    @property
    def name(self) -> str:
        """Return the metric's name, or the name of the function or aggregation."""
        return str(getattr(self.node, "name", None) or self.label.partition(" ")[0])


def read(expression: str) -> Step:
    """Parse an expression; raise ValueError where the parser does not know it."""
    return _step(parser.parse(expression), _Place())


def everything(step: Step) -> Iterator[Step]:
    """Yield a step and all below it, the upper first."""
    yield step
    for child in step.children:
        yield from everything(child)


@dataclass(frozen=True)
class _Place:
    """When a step is evaluated, as told by the subqueries around it."""

    offset: float = 0.0
    fixed: float | None = None
    every: float | None = None


def _step(node: Any, place: _Place) -> Step:
    while isinstance(node, parser.ParenExpr):
        node = node.expr
    role, label = _describe(node)
    within = _within(node, place)
    return Step(
        role=role,
        label=label,
        text=node.prettify(),
        children=[_step(child, within) for child in _children(node)],
        offset=place.offset,
        fixed=place.fixed,
        every=place.every,
        node=node,
    )


def _within(node: Any, place: _Place) -> _Place:
    if not isinstance(node, parser.SubqueryExpr):
        return place
    offset, fixed = place.offset + _seconds(node.offset), place.fixed
    if node.at is not None:
        # start() and end() are both the asked time itself.
        offset, fixed = _seconds(node.offset), node.at.at.timestamp() if node.at.at else None
    return _Place(offset, fixed, _seconds(node.step) or None)


def _children(node: Any) -> list[Any]:
    if isinstance(node, parser.BinaryExpr):
        return [node.lhs, node.rhs]
    if isinstance(node, parser.Call):
        return list(node.args)
    if isinstance(node, parser.AggregateExpr):
        return [*([] if node.param is None else [node.param]), node.expr]
    if isinstance(node, parser.UnaryExpr | parser.SubqueryExpr):
        return [node.expr]
    return []


def _describe(node: Any) -> tuple[Role, str]:
    """Return what a step is, and its own part of the expression."""
    match node:
        case parser.AggregateExpr():
            return "sum", " ".join([str(node.op), *_grouping(node)])
        case parser.BinaryExpr():
            return "pair", " ".join([str(node.op), *_matching(node)])
        case parser.Call():
            return "call", node.func.name
        case parser.MatrixSelector():
            return "window", node.prettify()
        case parser.SubqueryExpr():
            return "subquery", node.prettify().removeprefix(node.expr.prettify())
        case parser.VectorSelector():
            return "selector", node.prettify()
        case parser.NumberLiteral():
            return "number", node.prettify()
        case parser.StringLiteral():
            return "text", node.prettify()
        case _:
            return "other", "−"


def _grouping(node: Any) -> list[str]:
    if node.modifier is None:
        return []
    by = node.modifier.type == parser.AggModifierType.By
    return [f"{'by' if by else 'without'} ({', '.join(node.modifier.labels)})"]


def _matching(node: Any) -> list[str]:
    found, said = node.modifier, []
    if found is None:
        return []
    if found.return_bool:
        said.append("bool")
    if found.matching is not None:
        on = found.matching.type == parser.LabelModifierType.Include
        said.append(f"{'on' if on else 'ignoring'} ({', '.join(found.matching.labels)})")
    sides = {"ManyToOne": "group_left", "OneToMany": "group_right"}
    side = sides.get(str(found.card).rpartition(".")[2])
    if side:
        said.append(f"{side} ({', '.join(found.group_labels or [])})")
    return said


def _seconds(span: timedelta | None) -> float:
    return 0.0 if span is None else span.total_seconds()

"""A PromQL expression as a tree of steps, each of which can be evaluated by itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from kit.labs.prometheus import forms
from kit.labs.prometheus.forms import Form

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
    form: Form = field(repr=False, compare=False, default_factory=dict)

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
        return str(self.form.get("name") or self.label.partition(" ")[0])


def read(form: Form) -> Step:
    """Take a parsed expression apart; raise ValueError where it holds what is not known here."""
    return _step(form, _Place())


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


def _step(form: Form, place: _Place) -> Step:
    # What has no effect of its own is no step.
    while form["type"] == "parenExpr" or (form.get("op") == "+" and form["type"] == "unaryExpr"):
        form = form["expr"]
    role, label = _describe(form)
    within = _within(form, place)
    return Step(
        role=role,
        label=label,
        text=forms.write(form),
        children=[_step(child, within) for child in _children(form)],
        offset=place.offset,
        fixed=place.fixed,
        every=place.every,
        form=form,
    )


def _within(form: Form, place: _Place) -> _Place:
    if form["type"] != "subquery":
        return place
    own, fixed = form["offset"] / 1000, form["timestamp"]
    every = form["step"] / 1000 or None
    if fixed is None and not form["startOrEnd"]:
        return _Place(place.offset + own, place.fixed, every)
    # start() and end() are both the asked time itself.
    return _Place(own, None if fixed is None else fixed / 1000, every)


def _children(form: Form) -> list[Form]:
    match form["type"]:
        case "binaryExpr":
            return [form["lhs"], form["rhs"]]
        case "call":
            return list(form["args"])
        case "aggregation":
            return [*([] if form["param"] is None else [form["param"]]), form["expr"]]
        case "unaryExpr" | "subquery":
            return [form["expr"]]
    return []


_ROLES: dict[str, Role] = {
    "aggregation": "sum",
    "binaryExpr": "pair",
    "call": "call",
    "matrixSelector": "window",
    "numberLiteral": "number",
    "stringLiteral": "text",
    "subquery": "subquery",
    "unaryExpr": "other",
    "vectorSelector": "selector",
}


def _describe(form: Form) -> tuple[Role, str]:
    """Return what a step is, and its own part of the expression."""
    role = _ROLES.get(form["type"])
    match role:
        case None:
            raise ValueError(f"not known here: {form['type']}")
        case "sum":
            return role, " ".join([form["op"], *forms.grouping(form)])
        case "pair":
            return role, " ".join([form["op"], *forms.matching(form)])
        case "call":
            return role, form["func"]["name"]
        case "subquery":
            return role, forms.window(form) + forms.moment(form)
        case "other":
            return role, "−"
    return role, forms.write(form)

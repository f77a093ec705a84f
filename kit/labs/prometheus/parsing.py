"""PromQL parsed by the server itself where it can, else by promql-parser, into the same form."""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import promql_parser as library

from kit.labs.prometheus.forms import Form

if TYPE_CHECKING:
    from kit.labs.prometheus.api import Api

FEATURE = "parser"

_HOW = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
_CARDS = {
    "OneToOne": "one-to-one",
    "ManyToOne": "many-to-one",
    "OneToMany": "one-to-many",
    "ManyToMany": "many-to-many",
}


def parse(api: Api, expression: str) -> Form:
    """Parse an expression, by the server's own parser where it tells what it found.

    Raise PromQLError where the server refuses it, ValueError where the library does not know it.
    """
    if api.server.supports(FEATURE):
        found: Form = api.get("parse_query", query=expression)
        return found
    return by_library(expression)


def by_library(expression: str) -> Form:
    """Parse an expression by promql-parser; raise ValueError where it does not know it."""
    return _form(library.parse(expression))


def _form(node: Any) -> Form:
    match node:
        case library.ParenExpr():
            return {"type": "parenExpr", "expr": _form(node.expr)}
        case library.UnaryExpr():
            return {"type": "unaryExpr", "op": "-", "expr": _form(node.expr)}
        case library.NumberLiteral():
            return {"type": "numberLiteral", "val": _number(node.val)}
        case library.StringLiteral():
            return {"type": "stringLiteral", "val": node.val}
        case library.Call():
            args = [_form(arg) for arg in node.args]
            return {"type": "call", "func": {"name": node.func.name}, "args": args}
        case library.AggregateExpr():
            return _aggregation(node)
        case library.BinaryExpr():
            return _binary(node)
        case library.VectorSelector():
            return {"type": "vectorSelector", **_selector(node)}
        case library.MatrixSelector():
            own = {"type": "matrixSelector", "range": _milliseconds(node.range)}
            return {**own, **_selector(node.vector_selector)}
        case library.SubqueryExpr():
            own = {"type": "subquery", "range": _milliseconds(node.range)}
            step = _milliseconds(node.step)
            return {**own, "step": step, "expr": _form(node.expr), **_moment(node)}
    raise ValueError(f"not known here: {type(node).__name__}")


def _aggregation(node: Any) -> Form:
    how = node.modifier
    return {
        "type": "aggregation",
        "op": str(node.op),
        "expr": _form(node.expr),
        "param": None if node.param is None else _form(node.param),
        "grouping": list(how.labels) if how else [],
        "without": bool(how) and how.type != library.AggModifierType.By,
    }


def _binary(node: Any) -> Form:
    found = node.modifier
    return {
        "type": "binaryExpr",
        "op": str(node.op),
        "lhs": _form(node.lhs),
        "rhs": _form(node.rhs),
        "matching": found and _matching(found),
        "bool": bool(found and found.return_bool),
    }


def _matching(found: Any) -> Form:
    labels = found.matching
    return {
        "card": _CARDS[str(found.card).rpartition(".")[2]],
        "labels": list(labels.labels) if labels else [],
        "on": bool(labels) and labels.type == library.LabelModifierType.Include,
        "include": list(found.group_labels or []),
    }


def _selector(node: Any) -> Form:
    if node.matchers.or_matchers:
        # MetricsQL knows alternatives, Prometheus does not.
        raise ValueError("Prometheus knows no `or` between conditions")
    matchers = [
        {"name": one.name, "type": _HOW[str(one.op).rpartition(".")[2]], "value": one.value}
        for one in node.matchers.matchers
    ]
    return {"name": node.name or "", "matchers": matchers, **_moment(node)}


def _moment(node: Any) -> Form:
    at = node.at
    fixed = at.at if at else None
    return {
        "offset": _milliseconds(node.offset),
        "timestamp": round(fixed.timestamp() * 1000) if fixed else None,
        "startOrEnd": str(at.type).rpartition(".")[2].lower() if at and not fixed else None,
    }


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{value:+}".capitalize().replace("inf", "Inf")
    written = format(Decimal(repr(value)), "f")
    return written.rstrip("0").rstrip(".") if "." in written else written


def _milliseconds(span: timedelta | None) -> int:
    return 0 if span is None else round(span / timedelta(milliseconds=1))

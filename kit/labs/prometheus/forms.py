"""A parsed expression in the form in which Prometheus itself tells it, and written out again.

The form is the answer to `/api/v1/parse_query` (web/api/v1/translate_ast.go of Prometheus): nested
mappings, each with a `type`; spans of time in milliseconds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

Form = Mapping[str, Any]

SIDES = {"many-to-one": "group_left", "one-to-many": "group_right"}
_UNITS = (
    ("y", 31_536_000_000),
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
)
_EXACT = {"y", "w"}  # written only where nothing is left over
_PLAIN = re.compile(r"[A-Za-z_]\w*")
# Experimental; left out, the rest would ask for something else.
_BEYOND = ("anchored", "smoothed", "rangeExpr", "offsetExpr", "stepExpr", "fillValues")


def write(form: Form) -> str:
    """Write a form as PromQL; raise ValueError where it holds what is not known here."""
    _check(form)
    match form["type"]:
        case "numberLiteral":
            return str(form["val"])
        case "stringLiteral":
            return quoted(form["val"])
        case "parenExpr":
            return f"({write(form['expr'])})"
        case "unaryExpr":
            # A plus in front changes nothing.
            return f"{form['op'].strip('+')}{write(form['expr'])}"
        case "call":
            return f"{form['func']['name']}({', '.join(map(write, form['args']))})"
        case "aggregation":
            inside = [form["expr"]] if form["param"] is None else [form["param"], form["expr"]]
            head = " ".join([form["op"], *grouping(form)])
            gap = " " if grouping(form) else ""
            return f"{head}{gap}({', '.join(map(write, inside))})"
        case "binaryExpr":
            how = " ".join([form["op"], *matching(form)])
            return f"{write(form['lhs'])} {how} {write(form['rhs'])}"
        case "vectorSelector" | "matrixSelector":
            return selector(form) + window(form) + moment(form)
        case "subquery":
            return write(form["expr"]) + window(form) + moment(form)
    raise ValueError(f"unknown: {form['type']}")


def grouping(form: Form) -> list[str]:
    """Return by which labels an aggregation groups, as a clause, if there is one."""
    if not form["grouping"] and not form["without"]:
        return []
    return [f"{'without' if form['without'] else 'by'} {_listed(form['grouping'])}"]


def matching(form: Form) -> list[str]:
    """Return the clauses that say how an operator pairs its sides."""
    how = form["matching"] or {"card": "", "labels": [], "on": False, "include": []}
    side = SIDES.get(how["card"], "")
    said = ["bool"] if form["bool"] else []
    if how["on"] or how["labels"] or side:
        said.append(f"{'on' if how['on'] else 'ignoring'} {_listed(how['labels'])}")
    return [*said, *([f"{side} {_listed(how['include'])}"] if side else [])]


def selector(form: Form) -> str:
    """Return a selector's name and conditions."""
    name = str(form["name"])
    own = {"name": "__name__", "type": "=", "value": name}
    rest = ",".join(condition(one) for one in form["matchers"] if one != own)
    return name + (f"{{{rest}}}" if rest or not name else "")


def condition(matcher: Mapping[str, str]) -> str:
    """Write one condition of a selector."""
    return f"{_label(matcher['name'])}{matcher['type']}{quoted(matcher['value'])}"


def window(form: Form) -> str:
    """Return how far back a selector or a subquery reaches, in brackets, if it does."""
    if form["type"] == "vectorSelector":
        return ""
    every = form.get("step")
    step = "" if form["type"] == "matrixSelector" else f":{span(every) if every else ''}"
    return f"[{span(form['range'])}{step}]"


def moment(form: Form) -> str:
    """Return the modifiers that move a selector or a subquery in time."""
    at = f" @ {form['timestamp'] / 1000:.3f}" if form["timestamp"] is not None else ""
    at = f" @ {form['startOrEnd']}()" if form["startOrEnd"] else at
    sign, length = "-" if form["offset"] < 0 else "", abs(form["offset"])
    return at + (f" offset {sign}{span(length)}" if length else "")


def span(milliseconds: int) -> str:
    """Write a span of time as PromQL does: 90,000 milliseconds are 1m30s."""
    made, left = "", milliseconds
    for unit, size in _UNITS:
        count, rest = divmod(left, size)
        if count and not (unit in _EXACT and rest):
            made, left = f"{made}{count}{unit}", rest
    return made or "0s"


def quoted(text: str) -> str:
    """Write a text as PromQL does."""
    return json.dumps(text, ensure_ascii=False)


def _label(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else quoted(name)


def _listed(labels: Sequence[str]) -> str:
    return f"({', '.join(map(_label, labels))})"


def _check(form: Form) -> None:
    filled = (form.get("matching") or {}).get("fillValues") or {}
    if any(form.get(name) for name in _BEYOND) or any(v is not None for v in filled.values()):
        raise ValueError(f"not known here: {form['type']}")

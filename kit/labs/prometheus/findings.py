"""What stands out in an evaluated expression: where series were lost, and why."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kit.errors import KitError
from kit.labs.prometheus import api as asking
from kit.labs.prometheus import forms
from kit.labs.prometheus.api import Api
from kit.labs.prometheus.evaluation import Node, culprit
from kit.widgets import units

_COUNTERS = {"rate", "irate", "increase"}
_SETS = {"and", "or", "unless"}
_SHOWN = 6


@dataclass(frozen=True)
class Finding:
    """Something to notice at a step, and what to try."""

    node: Node
    title: str
    words: str
    code: str = ""
    volatile: bool = False


def look(api: Api, root: Node) -> list[Finding]:
    """Return what stands out, most important first; a lost server adds nothing."""
    found = []
    refused = culprit(root)
    if refused is not None:
        message = str(refused.refusal)
        found.append(Finding(refused, "Refused here", message, asking.hint(message)))
    wanted = {id(c) for n in root.all() if n.step.name.startswith("absent") for c in n.children}
    for node in root.all():
        if id(node) in wanted:
            # To be empty is what it is asked for.
            continue
        try:
            found += [*_empty(api, node), *_misused(api, node), *_odd(node)]
        except KitError:
            continue
    return found


def _empty(api: Api, node: Node) -> Iterator[Finding]:
    if node.refusal or node.count is None:
        return
    sides = [child for child in node.children if child.count is not None]
    if node.step.role == "selector" and node.count == 0:
        yield _missing(api, node)
    elif node.step.role == "pair" and len(sides) == 2 and all(side.count for side in sides):
        yield from _unmatched(node, sides)
    elif node.step.role == "call" and node.step.name != "absent":
        yield from _short(node, sides)


def _missing(api: Api, node: Node) -> Finding:
    """Say which part of a selector nothing fits."""
    metric = str(node.step.form["name"])
    known = api.metrics()
    if metric and metric not in known:
        near = difflib.get_close_matches(metric, known, n=1, cutoff=0.6)
        meant = f" Did you mean {near[0]}?" if near else ""
        words = f"No target has ever told of a metric called {metric}.{meant}"
        return Finding(node, "No such metric", words)
    for one in node.step.form["matchers"]:
        asked = forms.condition(one)
        if one["name"] != "__name__" and not api.instant(f"{metric}{{{asked}}}").series:
            there = api.values(one["name"], metric)
            words = f"Nothing fits {asked}. {_known(one['name'], there)}"
            return Finding(node, "No such label", words)
    words = "Each condition fits some series, but no series fits them all at this moment."
    return Finding(node, "No series", words)


def _known(label: str, values: Sequence[str]) -> str:
    if not values:
        return f"The metric has no label {label}."
    more = " and more" if len(values) > _SHOWN else ""
    return f"The values of {label} are {', '.join(values[:_SHOWN])}{more}."


def _unmatched(node: Node, sides: Sequence[Node]) -> Iterator[Finding]:
    """Say that the two sides of an operator found no partners, and which labels differ."""
    how = node.step.form["matching"] or {}
    if node.count or node.step.name in _SETS - {"and"}:
        return
    left, right = (set(side.labels) - {"__name__"} for side in sides)
    only, common = sorted(left ^ right), sorted(left & right)
    if not only or how.get("on") or how.get("labels"):
        words = "Both sides have series, and no two of them agree in every label that is compared."
        yield Finding(node, "No partners", words)
        return
    words = (
        f"Both sides have series, but two series are partners only if all their labels agree. "
        f"Only one side carries {', '.join(only)}."
    )
    counts = [side.count or 0 for side in sides]
    many = {1: " group_left", -1: " group_right"}.get(
        (counts[0] > counts[1]) - (counts[0] < counts[1]), ""
    )
    yield Finding(node, "No partners", words, f"{node.step.label} on ({', '.join(common)}){many}")


def _short(node: Node, sides: Sequence[Node]) -> Iterator[Finding]:
    """Say that a function left out series with too few values in their window."""
    for side in sides:
        if side.kind != "range vector" or (node.count or 0) >= (side.count or 0):
            continue
        lone = sum(len(one.points) < 2 for one in side.series)
        if lone and node.step.name in _COUNTERS | {"delta", "idelta", "deriv"}:
            words = (
                f"{node.step.name} needs two values in its window, and "
                f"{units.plural(lone, 'series', 'series')} had one. "
                "Let the window span four scrapes, so that a lost one does no harm."
            )
            yield Finding(node, "Window too short", words, volatile=True)


def _misused(api: Api, node: Node) -> Iterator[Finding]:
    """Say that a function was given what it is not made for."""
    step = node.step
    if step.role == "call" and step.name in _COUNTERS and step.children:
        below = step.children[0]
        metric = below.form["name"] if below.role == "window" else None
        if metric and api.metrics().get(metric) == "gauge":
            words = (
                f"{metric} is a gauge: it falls by itself, and {step.name} takes every fall for a "
                "counter that began anew. Use delta or deriv."
            )
            yield Finding(node, "A gauge is no counter", words)
        if below.role == "subquery" and below.children[0].role == "sum":
            words = (
                "Once counters are added up, a restart of one looks like a small fall of the sum. "
                f"Take the {step.name} of each first, then add."
            )
            yield Finding(node, f"{step.name} comes before sum", words)
    if step.role == "call" and step.name == "histogram_quantile" and not node.count:
        buckets = node.children[-1]
        if buckets.count and "le" not in buckets.labels:
            words = "The bounds of the buckets stand in the label le, and it was added away."
            yield Finding(node, "The buckets are gone", words, "sum by (le) (…)")


def _odd(node: Node) -> Iterator[Finding]:
    bad = sum(not math.isfinite(one.value) for one in node.series)
    inherited = any(not math.isfinite(one.value) for c in node.children for one in c.series)
    if bad and not inherited and node.step.role != "selector":
        words = (
            f"{bad} of {units.plural(len(node.series), 'value')} are NaN or infinite: "
            "most often zero divided by zero, where nothing happened in the window."
        )
        yield Finding(node, "Not a number", words, volatile=True)

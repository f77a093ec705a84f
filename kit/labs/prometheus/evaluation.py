"""Every step of an expression evaluated by the server, and how long each of them took."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kit.errors import PromQLError
from kit.labs.prometheus import expression as steps
from kit.labs.prometheus import parsing
from kit.labs.prometheus.api import Answer, Api, Found
from kit.labs.prometheus.expression import Step

TIMES = 5
"""How often each step is evaluated, for a median of its time."""

_ENOUGH = 0.2  # seconds after which one step is not evaluated again
_KINDS = {"vector": "instant vector", "matrix": "range vector"}


@dataclass(frozen=True, kw_only=True)
class Node:
    """A step with what the server answered, or why it refused.

    `times` are the server's own evaluation times in seconds, those of the steps below included.
    """

    step: Step
    answer: Answer
    times: Sequence[float] = ()
    refusal: PromQLError | None = None
    children: Sequence[Node] = ()

    @property
    def kind(self) -> str:
        """Return what kind of value the step gives, in PromQL's terms."""
        return _KINDS.get(self.answer.kind, self.answer.kind)

    @property
    def series(self) -> Sequence[Found]:
        """Return the series that the step gives; a single number has no labels."""
        return self.answer.series

    @property
    def count(self) -> int | None:
        """Return the number of series, None for a single number or text, or after a refusal."""
        return len(self.series) if self.answer.kind in _KINDS else None

    @property
    def seconds(self) -> float | None:
        """Return the median time of the step with all below it."""
        return statistics.median(self.times) if self.times else None

    @property
    def own(self) -> float | None:
        """Return what the step itself adds to the steps below it; never less than nothing."""
        if self.seconds is None:
            return None
        return max(0.0, self.seconds - sum(child.seconds or 0 for child in self.children))

    @property
    def labels(self) -> Mapping[str, int]:
        """Return the names of the labels, each with how many values it has here."""
        names = dict.fromkeys(name for one in self.series for name in one.labels)
        return {name: len({one.labels.get(name) for one in self.series}) for name in names}

    def all(self) -> Iterator[Node]:
        """Yield this node and all below it, the upper first."""
        yield self
        for child in self.children:
            yield from child.all()


def evaluate(
    api: Api,
    expression: str,
    *,
    at: float | None = None,
    times: int = TIMES,
    stop: threading.Event | None = None,
) -> Node:
    """Evaluate an expression and each of its steps by themselves, all for the same moment.

    `at` is a Unix time, now if it is not given; `stop` ends it early, with what is there. Raise
    PromQLError where the server refuses the whole before any step can be told.
    """
    asked = api.instant("time()").series[0].value if at is None else at
    try:
        root = steps.read(parsing.parse(api, expression))
    except (ValueError, LookupError, TypeError):
        # The library may not know it, and the server's form may change from version to version.
        # The server has the last word, and may know more.
        root = Step(role="other", label=expression, text=expression)
        return _asked(api, root, asked, times, ())
    return _node(api, root, asked, times, stop or threading.Event())


def culprit(root: Node) -> Node | None:
    """Return the step at which an expression is refused: none below it is."""
    refused = [node for node in root.all() if node.refusal]
    return next((n for n in refused if not any(c.refusal for c in n.children)), None)


def _node(api: Api, step: Step, asked: float, times: int, stop: threading.Event) -> Node:
    children = [_node(api, child, asked, times, stop) for child in step.children]
    if step.literal:
        kind = "scalar" if step.role == "number" else "string"
        return Node(step=step, answer=Answer(kind, [], text=step.label))
    if stop.is_set():
        return Node(step=step, answer=Answer("", []), children=children)
    try:
        return _asked(api, step, asked, times, children)
    except PromQLError as error:
        return Node(step=step, answer=Answer("", []), refusal=error, children=children)


def _asked(api: Api, step: Step, asked: float, times: int, children: Sequence[Node]) -> Node:
    moment = step.moment(asked)
    answer = api.instant(step.text, at=moment)
    took = [answer.seconds]
    while len(took) < times and sum(took) < _ENOUGH:
        took.append(api.instant(step.text, at=moment).seconds)
    return Node(step=step, answer=answer, times=took, children=children)

"""Two plans of one question, matched step by step, and what became of each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kit.labs.plan.node import Node, Plan

Change = Literal["same", "figures", "replaced", "gone", "new"]

# How much work must differ to be a change: estimates and caches move a little by themselves.
FACTOR = 1.5
LEAST = 10
MORE = 10  # how many times more work must have changed elsewhere to matter more
_SERVING = ("store", "gather", "index")  # kinds of steps that come and go with another one


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A step before and what it became; one of the two is None where it is gone or new.

    `figures` name what differs in a step that stayed: "rows", "expected", "discarded", "loops",
    "pages", "how" (its conditions). `moved` says that it runs at another place than before.
    """

    before: Node | None
    after: Node | None
    change: Change
    figures: Sequence[str] = ()
    moved: bool = False

    @property
    def node(self) -> Node:
        """Return the step as it is now, or as it was."""
        found = self.after or self.before
        assert found is not None  # noqa: S101 — a pair has at least one side
        return found

    @property
    def weight(self) -> float:
        """Return how much work, in rows and pages, came or went with this change."""
        return abs(_work(self.before) - _work(self.after))


@dataclass(frozen=True)
class Row:
    """What stands side by side: a pair, or one of its steps where the other has moved away."""

    pair: Pair
    before: Node | None
    after: Node | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two plans with their steps in rows, each plan in the order in which its server lists it."""

    before: Plan
    after: Plan
    rows: Sequence[Row]

    @property
    def pairs(self) -> list[Pair]:
        """Return each pair once, in the order of the rows."""
        return list({id(row.pair): row.pair for row in self.rows}.values())

    @property
    def changed(self) -> list[Pair]:
        """Return what changed, the greatest difference in work first."""
        order = {"replaced": 0, "gone": 1, "new": 1, "figures": 2}
        found = [pair for pair in self.pairs if pair.change != "same"]
        return sorted(found, key=lambda pair: (-pair.weight, order[pair.change]))

    @property
    def main(self) -> Pair | None:
        """Return the change that matters most, None where the plans are the same."""
        changed = self.changed
        known = {node.index for node in self.before.nodes}
        replaced = [pair for pair in changed if pair.change == "replaced"]
        # An index that was not used before is the cause of what came and went around it.
        indexed = [pair for pair in replaced if pair.node.index not in known]
        able = [pair for pair in changed if pair.node.kind not in _SERVING]
        lead = [*indexed, *replaced, *able, *changed][:1]
        more = [pair for pair in able if lead and pair.weight > MORE * (lead[0].weight + MORE)]
        return next(iter([*more, *lead]), None)


def compare(before: Plan, after: Plan) -> Comparison:
    """Match the steps of two plans and say what became of each."""
    left, right = before.nodes, after.nodes
    partner = _match(before.root, after.root)
    kept = _increasing(sorted(partner.items()))
    made = {(i, j): _pair(left[i], right[j], moved=(i, j) not in kept) for i, j in partner.items()}
    pairs: dict[tuple[int | None, int | None], Pair] = {}
    pairs |= {(i, j): pair for (i, j), pair in made.items() if not pair.moved}
    pairs |= {(i, None): pair for (i, _), pair in made.items() if pair.moved}
    pairs |= {(None, j): pair for (_, j), pair in made.items() if pair.moved}
    rows = []
    for i, j in _aligned(len(left), len(right), kept):
        one, other = None if i is None else left[i], None if j is None else right[j]
        rows.append(Row(pairs.get((i, j)) or _pair(one, other, moved=False), one, other))
    return Comparison(before=before, after=after, rows=rows)


def _pair(before: Node | None, after: Node | None, *, moved: bool) -> Pair:
    if before is None or after is None:
        return Pair(before=before, after=after, change="new" if before is None else "gone")
    if (before.name, before.index) != (after.name, after.index):
        return Pair(before=before, after=after, change="replaced", moved=moved)
    figures = _figures(before, after)
    change: Change = "figures" if figures or moved else "same"
    return Pair(before=before, after=after, change=change, figures=figures, moved=moved)


def _figures(before: Node, after: Node) -> list[str]:
    compared = {
        "expected": (before.expected, after.expected),
        "rows": (before.came, after.came),
        "discarded": (before.discarded, after.discarded),
        "loops": (before.loops, after.loops),
        "pages": (before.pages, after.pages),
        "heap": (before.raws("Heap Fetches"), after.raws("Heap Fetches")),
    }
    found = [name for name, (a, b) in compared.items() if _differs(a, b)]
    return [*found, *(["how"] if _how(before) != _how(after) else [])]


def _differs(before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        return (before is None) != (after is None)
    low, high = sorted((before, after))
    return high - low >= LEAST and high > low * FACTOR


def _how(node: Node) -> tuple[str, ...]:
    """Return the conditions and ways that a plan may change while the step keeps its name."""
    telling = ("Cond", "condition", "Filter", "Sort Method", "Sort Space Type", "ref", "using")
    return tuple(text for name, text in node.facts if any(word in name for word in telling))


def _work(node: Node | None) -> float:
    return 0.0 if node is None else node.handled + (node.pages or 0)


# Matching: steps of a kind that work on the same tables belong together, the likest first.


def _match(before: Node, after: Node) -> dict[int, int]:
    left, right = _described(before), _described(after)
    scored = [
        (score, -abs(a.depth - b.depth), -i, -j)
        for i, a in enumerate(left)
        for j, b in enumerate(right)
        if (score := _likeness(a, b)) > 0
    ]
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, i, j in sorted(scored, reverse=True):
        if -i not in partner and -j not in taken:
            partner[-i] = -j
            taken.add(-j)
    return partner


@dataclass(frozen=True)
class _Described:
    node: Node
    depth: int
    tables: frozenset[str]


def _described(root: Node, depth: int = 0) -> list[_Described]:
    below = [item for child in root.children for item in _described(child, depth + 1)]
    tables = frozenset(n.relation or n.index for n in root.walk() if n.relation or n.index)
    return [_Described(root, depth, tables), *below]


def _likeness(a: _Described, b: _Described) -> float:
    """Score how likely two steps are the same one, 0 where they cannot be."""
    one, other = a.node, b.node
    if one.kind != other.kind or (one.kind == "other" and one.name != other.name):
        return 0.0
    if one.kind in ("read", "change", "trigger") and one.relation != other.relation:
        return 0.0
    if one.kind == "index":
        return 4.0 if (one.name, one.index) == (other.name, other.index) else 1.0
    both, either = a.tables & b.tables, a.tables | b.tables
    tables = len(both) / len(either) if either else 1.0
    same = [one.name == other.name, one.alias == other.alias, one.role == other.role]
    return 2 * tables + sum(same) if tables or not either else 0.0


# Alignment: pairs that keep the order stand side by side, as in a diff of two texts.


def _aligned(
    left: int, right: int, kept: Sequence[tuple[int, int]]
) -> list[tuple[int | None, int | None]]:
    rows: list[tuple[int | None, int | None]] = []
    at_left = at_right = 0
    for i, j in [*kept, (left, right)]:
        rows += [(k, None) for k in range(at_left, i)]
        rows += [(None, k) for k in range(at_right, j)]
        rows += [(i, j)] if i < left else []
        at_left, at_right = i + 1, j + 1
    return rows


def _increasing(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest run of pairs in which both sides keep their order."""
    best: list[list[tuple[int, int]]] = []
    for pair in pairs:
        before = max((run for run in best if run[-1][1] < pair[1]), key=len, default=[])
        best.append([*before, pair])
    return max(best, key=len, default=[])

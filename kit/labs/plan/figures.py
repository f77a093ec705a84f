"""What PostgreSQL's figures measure: per run, per process, with or without other steps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Raw = Mapping[str, Any]

_PAGES = tuple(f"{kind} {how} Blocks" for kind in ("Shared", "Local") for how in ("Hit", "Read"))
_CONDITIONS = (
    *("Index Cond", "Recheck Cond", "Filter", "Order By", "Hash Cond", "Merge Cond"),
    *("Join Filter", "One-Time Filter"),
)


@dataclass(frozen=True)
class Team:
    """The processes that share a step, as they were (`processes`) and as planned (`divisor`)."""

    processes: float = 1.0
    divisor: float = 0.0
    loops: float = 1.0


@dataclass
class Lent:
    """Steps that run while another one waits for them, although the plan lists them elsewhere."""

    by: dict[int, list[tuple[float, float]]] = field(default_factory=dict)

    def to(self, raw: Raw) -> tuple[float, float]:
        """Return the seconds and pages that a step's own figures contain, but that it only lent."""
        debts = self.by.get(id(raw), [])
        return sum(debt[0] for debt in debts), sum(debt[1] for debt in debts)


def team(raw: Raw, above: Team) -> Team:
    """Say who shares the steps below: figures there are averages over these processes."""
    below = raw.get("Plans") or []
    loops = float(raw.get("Actual Loops") or 0)
    if not str(raw.get("Node Type", "")).startswith("Gather") or not below or not loops:
        return above
    workers = float(raw.get("Workers Planned") or 0)
    return Team(
        processes=max(1.0, float(below[0].get("Actual Loops") or 0) / loops),
        # The planner counts the leader for less, the more workers it has to look after
        # (get_parallel_divisor in costsize.c).
        divisor=workers + max(0.0, 1 - 0.3 * workers),
        loops=loops,
    )


def expected(raw: Raw, team: Team) -> float | None:
    """Return the estimate for one run; where processes share the rows, it was for one of them."""
    planned = number(raw, "Plan Rows")
    loops = float(raw.get("Actual Loops") or 0)
    if planned is None or not team.divisor or not loops or not _shared(raw):
        return planned
    return planned * team.divisor * team.loops / loops


def _shared(raw: Raw) -> bool:
    outer = next(
        (c for c in raw.get("Plans") or [] if c.get("Parent Relationship") == "Outer"), None
    )
    return bool(raw.get("Parallel Aware")) or (outer is not None and _shared(outer))


def seconds(raw: Raw, processes: float) -> float | None:
    """Return the time of a step with all below it, as the clock on the wall saw it."""
    if "Actual Total Time" not in raw:
        return None
    loops = float(raw.get("Actual Loops") or 0)
    return float(raw["Actual Total Time"]) * loops / processes / 1000


def pages(raw: Raw) -> float | None:
    """Count the pages of a step with all below it, found in memory or not."""
    known = [float(raw[key]) for key in _PAGES if key in raw]
    return sum(known) if known else None


def less(total: float | None, children: list[float], elsewhere: float) -> float | None:
    """Take from a step's figure what others took; small ones may cross zero by rounding."""
    return None if total is None else max(0.0, total - sum(children) - elsewhere)


def lent(root: Raw) -> Lent:
    """Find who waits for each InitPlan and CTE: its time is in that step's figures."""
    found = Lent()
    for parent in _walk(root):
        for child in parent.get("Plans") or []:
            if child.get("Parent Relationship") == "InitPlan":
                waiting = _waiting(root, child) or parent
                debt = (seconds(child, 1.0) or 0, pages(child) or 0)
                found.by.setdefault(id(waiting), []).append(debt)
    return found


def _waiting(root: Raw, child: Raw) -> Raw | None:
    inside = {id(raw) for raw in _walk(child)}
    outside = [raw for raw in _walk(root) if id(raw) not in inside]
    readers = [raw for raw in outside if _reads(raw, str(child.get("Subplan Name") or ""))]
    return max(readers, key=lambda raw: seconds(raw, 1.0) or 0, default=None)


def _reads(raw: Raw, name: str) -> bool:
    if name.startswith("CTE "):
        return raw.get("CTE Name") == name.removeprefix("CTE ")
    # PostgreSQL 17 names the plan where it is used, older ones a parameter.
    signs = [f"({name})", *re.findall(r"\$\d+", name)]
    texts = [str(raw[key]) for key in _CONDITIONS if key in raw]
    return any(re.search(re.escape(sign) + r"(?!\d)", text) for sign in signs for text in texts)


def _walk(raw: Raw) -> Iterator[Raw]:
    yield raw
    for child in raw.get("Plans") or []:
        yield from _walk(child)


def number(raw: Raw, key: str) -> float | None:
    """Return a figure, None where the server gave none."""
    value = raw.get(key)
    return float(value) if isinstance(value, int | float) else None


def milliseconds(value: Any) -> float | None:
    """Return milliseconds as seconds."""
    return float(value) / 1000 if isinstance(value, int | float) else None

"""What a measurement says, as a row of the table and of the JSON."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

Row = dict[str, Any]


def row(
    what: str,
    taken: Sequence[float],
    against: Sequence[float],
    aim: float | None,
    *,
    unit: str = "s",
) -> Row:
    """Set the median of what was taken against another; `aim` is the most that their ratio may be.

    An aim that is a figure of its own stands as `against`, with a ratio of 1.
    """
    ratio = median(taken) / median(against)
    return {
        "what": what,
        "unit": unit,
        "median": round(median(taken), 4),
        "spread": [round(min(taken), 4), round(max(taken), 4)],
        "against": round(median(against), 4),
        "ratio": round(ratio, 2),
        "aim": aim,
        "met": aim is None or ratio <= aim,
    }


def show(rows: Sequence[Row]) -> None:
    """Print the rows as a table."""
    table = Table("What", "Median", "Least–most", "Against", "", "Ratio", "Aim", "Met", box=None)
    for one in rows:
        least, most = one["spread"]
        measured = (one["median"], f"{least}–{most}", one["against"], one["unit"], one["ratio"])
        met = "" if one["aim"] is None else "yes" if one["met"] else "no"
        table.add_row(*map(str, (one["what"], *measured, one["aim"] or "", met)))
    Console(width=140).print(table)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what `work` returns, and the seconds that it took."""
    began = time.perf_counter()
    return work(), time.perf_counter() - began


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` of the others do not exceed."""
    return sorted(values)[min(int(len(values) * percent / 100), len(values) - 1)]

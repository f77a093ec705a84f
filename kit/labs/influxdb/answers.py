"""What InfluxDB answered, as tables and as lines over time."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any, overload

from kit.labs.influxdb.session import Series
from kit.widgets import chart
from kit.widgets.table import Grid
from kit.widgets.values import Shown

if TYPE_CHECKING:
    import pandas as pd

TALL = 100
"""Rows beyond which an answer is shown a screenful at a time."""


class Rows(Sequence[Sequence[object]]):
    """The rows of several series one after the other, each with its tags; laid out when asked for.

    The client's answer of a million rows is not copied for the page, which shows a dozen.
    """

    def __init__(self, group: Sequence[Series]) -> None:
        self._group = group
        self._ends = list(accumulate(len(one.rows) for one in group))
        self._timed = list(group[0].columns[:1]) == ["time"]

    def __len__(self) -> int:
        return self._ends[-1]

    @overload
    def __getitem__(self, place: int) -> Sequence[object]: ...
    @overload
    def __getitem__(self, place: slice) -> list[Sequence[object]]: ...
    def __getitem__(self, place: int | slice) -> Sequence[Any]:
        if isinstance(place, slice):
            return [self[at] for at in range(*place.indices(len(self)))]
        at = range(len(self))[place]
        which = bisect_right(self._ends, at)
        series = self._group[which]
        first, *rest = series.rows[at - self._ends[which]]
        begin = Shown(moment(first), first) if self._timed else first
        return [begin, *series.tags.values(), *rest]


def grid(series: Series) -> Grid:
    """Lay out one series."""
    return _grid([series])


def parted(found: Sequence[Series]) -> tuple[list[Grid], Grid | None]:
    """Lay out an answer: what is shown whole, and the last of the long ones, if there is any.

    Series with the same columns come into one table, their tags as columns.
    """
    alike: dict[tuple[object, ...], list[Series]] = {}
    for one in found:
        alike.setdefault((one.name, *one.tags, None, *one.columns), []).append(one)
    laid = [_grid(group) for group in alike.values()]
    long = next((one for one in reversed(laid) if len(one.rows) > TALL), None)
    return [_short(one) for one in laid if one is not long], long


def frame(found: Sequence[Series]) -> pd.DataFrame:
    """Return the rows of the first table of an answer as a pandas frame, with times in UTC."""
    import pandas as pd

    group = [one for one in found if one.columns == found[0].columns and one.name == found[0].name]
    columns = [*group[0].columns[:1], *group[0].tags, *group[0].columns[1:]]
    rows = [[row[0], *one.tags.values(), *row[1:]] for one in group for row in one.rows]
    made = pd.DataFrame(rows, columns=columns)
    if "time" in made:
        made["time"] = pd.to_datetime(made["time"], unit="ns", utc=True)
    return made


def lines(found: Sequence[Series], *, every: float = math.inf) -> list[chart.Series]:
    """Return a line for every column of numbers in every series that has times.

    Points that come `every` so many seconds are not joined over what is missing between them.
    """
    drawn: list[chart.Series] = []
    for one in found:
        names = [name for name in one.columns if name != "time" and _numeric(one, name)]
        if "time" in one.columns and len(one.rows) > 1:
            drawn += [
                chart.Series(_label(one, name, len(names) > 1), broken(one.points(name), every))
                for name in names
            ]
    return drawn


def broken(points: Sequence[chart.Point], every: float) -> list[chart.Point]:
    """Put a gap where two points lie further apart than points that come `every` second would."""
    whole: list[chart.Point] = []
    for point in points:
        if whole and point[0] - whole[-1][0] > 1.5 * every:
            whole.append(((whole[-1][0] + point[0]) / 2, math.nan))
        whole.append(point)
    return whole


def moment(nanoseconds: int) -> str:
    """Write a time as precisely as it is kept: UTC, down to the last digit that is not zero."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    text = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
    return f"{text}.{rest:09d}".rstrip("0") if rest else text


def _grid(group: Sequence[Series]) -> Grid:
    first = group[0]
    timed = list(first.columns[:1]) == ["time"]
    return Grid(
        columns=[*first.columns[:1], *first.tags, *first.columns[1:]],
        rows=Rows(group),
        caption=first.name,
        volatile=frozenset({"time"}) if timed else frozenset(),
    )


def _short(grid: Grid) -> Grid:
    return replace(grid, rows=grid.rows[:TALL], total=len(grid.rows))


def _label(series: Series, column: str, several: bool) -> str:
    """Name a line by its tags, and by its column where that tells it from another."""
    tags = [value or "(without)" for value in series.tags.values()]
    return ", ".join(tags) + (f" {column}" if several else "") if tags else column


def _numeric(series: Series, column: str) -> bool:
    known = [value for value in series.column(column) if value is not None]
    return bool(known) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in known
    )

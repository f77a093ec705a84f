"""What InfluxDB answered, as tables and as lines over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from kit.labs.influxdb.session import Series
from kit.widgets import chart
from kit.widgets.table import Grid
from kit.widgets.values import Shown

ROWS = 1000


def grid(series: Series, *, rows: int = ROWS, caption: str = "") -> Grid:
    """Lay out one series."""
    return grids([series], rows=rows, caption=caption)[0]


def grids(found: Sequence[Series], *, rows: int = ROWS, caption: str = "") -> list[Grid]:
    """Lay out an answer: series with the same columns in one table, their tags as columns.

    A table holds `rows` rows at most, and says how many there are.
    """
    alike: dict[tuple[object, ...], list[Series]] = {}
    for one in found:
        alike.setdefault((one.name, *one.tags, None, *one.columns), []).append(one)
    return [_grid(group, rows, caption) for group in alike.values()]


def lines(found: Sequence[Series]) -> list[chart.Series]:
    """Return a line for every column of numbers in every series that has times."""
    drawn: list[chart.Series] = []
    for one in found:
        names = [name for name in one.columns if name != "time" and _numeric(one, name)]
        if "time" in one.columns and len(one.rows) > 1:
            drawn += [
                chart.Series(_label(one, name, len(names) > 1), one.points(name)) for name in names
            ]
    return drawn


def moment(nanoseconds: int) -> str:
    """Write a time as precisely as it is kept: UTC, down to the last digit that is not zero."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    text = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
    return f"{text}.{rest:09d}".rstrip("0") if rest else text


def _grid(group: Sequence[Series], rows: int, caption: str) -> Grid:
    first = group[0]
    timed = list(first.columns[:1]) == ["time"]
    columns = [*first.columns[:1], *first.tags, *first.columns[1:]]
    laid: list[list[object]] = []
    for one in group:
        for row in one.rows[: rows - len(laid)]:
            begin = Shown(moment(row[0]), row[0]) if timed else row[0]
            laid.append([begin, *one.tags.values(), *row[1:]])
    return Grid(
        columns=columns,
        rows=laid,
        total=sum(len(one.rows) for one in group),
        caption=caption or first.name,
        volatile=frozenset({"time"}) if timed else frozenset(),
    )


def _label(series: Series, column: str, several: bool) -> str:
    """Name a line by its tags, and by its column where that tells it from another."""
    tags = [value or "(without)" for value in series.tags.values()]
    return ", ".join(tags) + (f" {column}" if several else "") if tags else column


def _numeric(series: Series, column: str) -> bool:
    known = [value for value in series.column(column) if value is not None]
    return bool(known) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in known
    )

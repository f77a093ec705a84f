"""What a console makes of its results: tables, a sentence, and a frame for pandas."""

from __future__ import annotations

from collections.abc import Container, Sequence
from itertools import chain, count
from typing import TYPE_CHECKING

from kit.labs.statements import Result
from kit.widgets import units
from kit.widgets.table import Grid

if TYPE_CHECKING:
    import pandas as pd

TALL, WIDE = 100, 40
"""Rows and columns beyond which a result is shown a screenful at a time."""


def parted(results: Sequence[Result]) -> tuple[list[Grid], Grid | None]:
    """Return what is shown whole, and the last of the large results, if there is one."""
    good = [result for result in results if result.refusal is None]
    large = next((one for one in reversed(good) if _is_large(one)), None)
    many = len(results) > 1
    whole = [grid(one, many) for one in good if one is not large]
    return whole, None if large is None else grid(large, many, most=None)


def grid(result: Result, many: bool, most: int | None = TALL) -> Grid:
    """Return a result as a grid of `most` rows at most."""
    held = len(result.rows)
    cut = most is not None and held > most
    return Grid(
        columns=result.columns,
        rows=result.rows[:most] if cut else result.rows,
        total=held if result.count is None and not result.more else result.count,
        more=result.more,
        message=result.message,
        caption=" ".join(result.statement.split())[:120] if many else "",
        seconds=result.seconds if many else None,
    )


def summary(results: Sequence[Result], state: str | None) -> str:
    """Say what came, where the time went, and whether a transaction is open."""
    if not results:
        return "nothing to run"
    last = results[-1]
    rows = held(last) if last.count is None else units.plural(last.count, "row")
    said = [rows if last.columns else last.message]
    if len(results) > 1:
        said.insert(0, units.plural(len(results), "statement"))
    if state is not None:
        said.append("transaction open" if state == "open" else "transaction aborted")
    return " · ".join([*said, *_times(results)])


def frame(result: Result) -> pd.DataFrame:
    """Return the rows of a result as a pandas frame; names that occur twice are numbered."""
    import pandas as pd

    names: list[str] = []
    for name in result.columns:
        names.append(free(names, str(name)))
    return pd.DataFrame(list(result.rows), columns=names)


def held(result: Result) -> str:
    """Say which rows of a result there are."""
    rows = units.plural(len(result.rows), "row")
    return f"the first {rows}" if result.more else rows


def free(used: Container[str], name: str) -> str:
    """Return a name that is not in use yet: this one, or it with a number."""
    numbered = (f"{name}_{number}" for number in count(2))
    return next(one for one in chain([name], numbered) if one not in used)


def _times(results: Sequence[Result]) -> list[str]:
    server = [result.server for result in results]
    known = [seconds for seconds in server if seconds is not None]
    if len(known) < len(server) or not any(result.columns for result in results):
        return []
    rest = sum(result.seconds for result in results) - sum(known)
    return [f"server {units.duration(sum(known))}", f"transfer {units.duration(rest)}"]


def _is_large(result: Result) -> bool:
    return len(result.rows) > TALL or len(result.columns) > WIDE

"""An answer, whatever it came as, read as a table of plain values."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Table:
    """Hold an answer's rows, and its column names where it brought any.

    `flat` tells that it came as single values and not as rows.
    """

    rows: list[tuple[object, ...]]
    columns: tuple[str, ...] | None = None
    flat: bool = False

    @property
    def width(self) -> int:
        """Return how many cells the widest row has."""
        return max((len(row) for row in self.rows), default=0)

    def reordered(self, columns: tuple[str, ...] | None) -> Table:
        """Put the columns into another order, where the names of both are the same."""
        if self.columns is None or columns is None:
            return self
        here = [name.casefold() for name in self.columns]
        there = [name.casefold() for name in columns]
        if sorted(here) != sorted(there) or len(set(here)) < len(here):
            return self
        order = [here.index(name) for name in there]
        rows = [tuple(row[place] for place in order) for row in self.rows]
        return replace(self, rows=rows, columns=columns)

    def upright(self, width: int) -> Table:
        """Read single values as the one row that was asked for, where they fill it."""
        if self.flat and width > 1 and len(self.rows) == width:
            return Table([tuple(row[0] for row in self.rows)])
        return self


def read(answer: object) -> Table:
    """Read rows, frames, query results, mappings, collections and single values alike."""
    if (frame := _frame(answer)) is not None:
        return frame
    answer = _plain(answer)
    if hasattr(answer, "_fields"):  # one row of a query result
        return _rows([answer])
    if isinstance(answer, Mapping):
        return Table([(_plain(key), _plain(value)) for key, value in answer.items()])
    if isinstance(answer, str | bytes) or not isinstance(answer, Iterable):
        return Table([(answer,)], flat=True)
    names = getattr(answer, "field_names", None)  # a ResultSet of %sql keeps them here
    table = _rows(list(answer))
    return replace(table, columns=tuple(map(str, names))) if names else table


def _frame(answer: object) -> Table | None:
    pandas = sys.modules.get("pandas")  # without pandas loaded, nothing can be a frame
    if pandas is None or not isinstance(answer, pandas.DataFrame | pandas.Series):
        return None
    named = any(name is not None for name in answer.index.names)
    if isinstance(answer, pandas.Series) and not named:
        return Table([(_plain(value),) for value in answer.tolist()], flat=True)
    whole: Any = answer.reset_index() if named else answer
    rows = [tuple(map(_plain, row)) for row in whole.itertuples(index=False, name=None)]
    return Table(rows, tuple(map(str, whole.columns)))


def _rows(items: list[Any]) -> Table:
    if items and all(isinstance(item, Mapping) for item in items):
        names = tuple(items[0])
        if all(set(item) == set(names) for item in items):
            rows = [tuple(_plain(item[name]) for name in names) for item in items]
            return Table(rows, tuple(map(str, names)))
        return Table([tuple(map(_plain, item.values())) for item in items])
    if items and all(_is_row(item) for item in items):
        names = tuple(getattr(items[0], "_fields", ()))
        return Table([tuple(map(_plain, item)) for item in items], names or None)
    return Table([(_plain(item),) for item in items], flat=True)


def _is_row(item: object) -> bool:
    """Tell a row from a value: SQLAlchemy's rows are no tuples, but name their fields."""
    return hasattr(item, "_fields") or isinstance(item, tuple | list)


def _plain(value: object) -> object:
    """Turn a NumPy or pandas value into Python's own, and every way to say nothing into None."""
    if hasattr(value, "tolist") and not isinstance(value, memoryview):
        value = value.tolist()
    if isinstance(value, memoryview | bytearray):
        return bytes(value)
    if isinstance(value, uuid.UUID):
        return str(value)
    missing = type(value).__name__ in {"NaTType", "NAType"}
    return None if missing or (isinstance(value, float) and value != value) else value

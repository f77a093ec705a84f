"""What is off between an answer and the right one, said without giving the right one away."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from decimal import Decimal

from kit.exercises.answer import Table, read

Number = int | float | Decimal
Row = tuple[object, ...]


def difference(
    answer: object,
    expected: object,
    *,
    columns: tuple[str, ...] | None = None,
    ordered: bool = False,
    tolerance: float = 1e-6,
) -> str | None:
    """Say what is off in an answer, None when it is right.

    `columns` names the columns of `expected`; an answer that names the same ones may have
    them in another order. Whole numbers must agree exactly, others within `tolerance`,
    relative or absolute.
    """
    right = read(expected)
    columns = columns or right.columns
    given = read(answer).reordered(columns)
    if len(right.rows) == 1:
        given = given.upright(right.width)
        if right.width == len(given.rows) == given.width == 1:
            return _value(given.rows[0][0], right.rows[0][0], tolerance)
    return _shape(given, right) or _content(given, right, ordered=ordered, tolerance=tolerance)


def same(one: object, other: object, tolerance: float) -> bool:
    """Tell whether two values are the same, numbers within a tolerance, at any depth."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(
            same(one[key], other[key], tolerance) for key in one
        )
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(
            same(here, there, tolerance) for here, there in zip(one, other, strict=True)
        )
    if isinstance(one, Number) and isinstance(other, Number):
        if isinstance(one, int) and isinstance(other, int):
            return one == other
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
    return bool(one == other)


def _value(given: object, right: object, tolerance: float) -> str | None:
    if same(given, right, tolerance):
        return None
    if isinstance(given, str) and isinstance(right, Number):
        return f"{_shown(given)} is text; a number was asked for."
    if isinstance(given, Number) and isinstance(right, str):
        return f"{_shown(given)} is a number; text was asked for."
    if isinstance(given, str) and isinstance(right, str) and _folded(given) == _folded(right):
        return f"{_shown(given)} differs only in spaces or in upper and lower case."
    return f"{_shown(given)} is not it."


def _shape(given: Table, right: Table) -> str | None:
    if not given.rows and right.rows:
        return "There are no rows in it."
    if given.rows and right.rows and given.width != right.width:
        return f"Its rows have {_count(given.width, 'column')}, not {right.width}."
    if len(given.rows) != len(right.rows):
        return f"It has {_count(len(given.rows), 'row')}, not {len(right.rows)}."
    return None


def _content(given: Table, right: Table, *, ordered: bool, tolerance: float) -> str | None:
    in_order = all(
        same(here, there, tolerance) for here, there in zip(given.rows, right.rows, strict=True)
    )
    if in_order:
        return None
    stray = _stray(given.rows, right.rows, tolerance)
    if stray is None:
        return "The rows are right, their order is not." if ordered else None
    if len(stray) == 1:
        return f"The value {_shown(stray[0])} does not belong there."
    return f"The row {_shown(stray)} does not belong there."


def _stray(given: list[Row], right: list[Row], tolerance: float) -> Row | None:
    """Return the first row that has no counterpart, None when each has one.

    Both sides are sorted, so the counterpart is nearly always the first that is looked at.
    """
    left = sorted(right, key=_sort_key)
    for row in sorted(given, key=_sort_key):
        place = next((at for at, other in enumerate(left) if same(row, other, tolerance)), None)
        if place is None:
            return row
        left.pop(place)
    return None


def _sort_key(row: Row) -> list[tuple[int, float, str]]:
    return [
        (1, float(cell), "") if isinstance(cell, Number) else (2, 0.0, str(cell)) for cell in row
    ]


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        value = tuple(float(cell) if isinstance(cell, Decimal) else cell for cell in value)
    return reprlib.repr(value)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

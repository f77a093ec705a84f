"""Training data as rows: what is in each column, and a checksum that tells two sets apart."""

from __future__ import annotations

import hashlib
import importlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from kit.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from pandas import DataFrame

NAMES = ("breast_cancer", "diabetes", "digits", "iris", "wine")
"""The data sets that come with scikit-learn itself."""

Kind = Literal["whole number", "number", "text"]
Value = int | float | str | None

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True)
class Column:
    """One column and what its values are like; `low` to `mean` are None where it holds text."""

    name: str
    kind: Kind
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    missing: int = 0


@dataclass(frozen=True)
class TrainingSet:
    """Rows to learn from; `target` names the column that is to be predicted."""

    name: str
    target: str
    source: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Value, ...]] = field(repr=False)

    @cached_property
    def checksum(self) -> str:
        """Return the SHA-256 of the columns' names and all rows, in their order."""
        digest = hashlib.sha256(repr([column.name for column in self.columns]).encode())
        for row in self.rows:
            digest.update(repr(row).encode())
        return digest.hexdigest()

    def frame(self) -> DataFrame:
        """Return the rows as a pandas DataFrame."""
        from pandas import DataFrame

        return DataFrame(list(self.rows), columns=[column.name for column in self.columns])


def read(name: str) -> TrainingSet:
    """Read one of the data sets that come with scikit-learn, its target as the last column."""
    if name not in NAMES:
        raise UnknownName.among("data set", name, NAMES)
    loaded: Any = getattr(importlib.import_module("sklearn.datasets"), f"load_{name}")(
        as_frame=True
    )
    frame = loaded.frame.rename(columns=_plain)
    return of(frame, name=name, target="target", source=f"scikit-learn: load_{name}()")


def of(frame: DataFrame, *, name: str, target: str, source: str) -> TrainingSet:
    """Make a training set of a DataFrame: its index is left out, NaN and its like become NULL.

    `name` becomes part of a table's name: small letters, digits and underscores, 40 at most.
    Raise UsageError where the frame cannot be a table.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be part of a table's name: take small letters, digits and "
            f"underscores, a letter first, 40 at most, as in {_suggested(name)!r}."
        )
    names = [str(column) for column in frame.columns]
    if target not in names:
        raise UnknownName.among("column to predict", target, names)
    if len({one.casefold() for one in names}) < len(names):
        raise UsageError("Two columns have the same name, but for capitals: rename one of them.")
    values = [_values(frame[column]) for column in frame.columns]
    columns = tuple(_column(one, found) for one, found in zip(names, values, strict=True))
    return TrainingSet(name, target, source, columns, list(zip(*values, strict=True)))


def _values(series: Any) -> list[Value]:
    present = [None if _missing(value) else value for value in series.tolist()]
    numbers = [value for value in present if value is not None]
    if any(isinstance(value, str | bool) or not _is_number(value) for value in numbers):
        return [None if value is None else str(value) for value in present]
    if any(math.isinf(value) for value in numbers):
        raise UsageError(f"The column {series.name!r} holds infinity, for which SQL has no number.")
    if all(float(value).is_integer() and abs(value) < 2**31 for value in numbers):
        return [None if value is None else int(value) for value in present]
    return [None if value is None else float(value) for value in present]


def _column(name: str, found: Sequence[Value]) -> Column:
    numbers = [value for value in found if isinstance(value, int | float)]
    texts = any(isinstance(value, str) for value in found)
    missing = sum(value is None for value in found)
    if texts or not numbers:
        return Column(name, "text", missing=missing)
    whole = all(isinstance(value, int) for value in numbers)
    kind: Kind = "whole number" if whole else "number"
    mean = math.fsum(numbers) / len(numbers)
    return Column(name, kind, float(min(numbers)), float(max(numbers)), mean, missing)


def _missing(value: object) -> bool:
    return (
        value is None
        or (isinstance(value, float) and math.isnan(value))
        or type(value).__name__ in {"NaTType", "NAType"}
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _plain(name: str) -> str:
    """Spell a column so that it needs no quotes in SQL."""
    return re.sub(r"\W+", "_", name.lower()).strip("_")


def _suggested(name: str) -> str:
    found = _plain(name)[:40]
    return found if _NAME.fullmatch(found) else "my_data"

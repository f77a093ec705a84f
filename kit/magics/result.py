"""The rows that `%sql` shows: a table in HTML and in text, in which data stays data."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING, Any

import prettytable
from sql.run import PrettyTable, ResultSet, unduplicate_field_names

if TYPE_CHECKING:
    import pandas as pd

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_INDENT = re.compile(r"^ +", re.MULTILINE)
_LEFT = ' style="text-align:left;white-space:pre-wrap"'
_RIGHT = ' style="text-align:right"'
_NULL = '<em style="opacity:0.6">NULL</em>'
_BYTES_SHOWN = 32


class Result(ResultSet):  # type: ignore[misc]
    """Hold the rows of a statement, with ipython-sql's dicts(), csv(), bar() and their like."""

    def __init__(self, columns: Sequence[str], rows: Sequence[Any], config: Any) -> None:
        # ipython-sql's own constructor looks styles up where prettytable 3.12 has none any more.
        list.__init__(self, rows)
        self.config = config
        self.keys = list(columns)
        self.field_names = unduplicate_field_names([cell_text(name) for name in columns])
        self.pretty = PrettyTable(self.field_names, style=prettytable.TableStyle[config.style])
        self.pretty.custom_format = lambda _, value: cell_text(value)
        for name, align in zip(self.field_names, self._alignments(), strict=True):
            self.pretty.align[name] = align

    def __repr__(self) -> str:
        self.pretty.add_rows(self)
        return f"{self.pretty.get_string()}\n{self._footer()}"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        styles = [_RIGHT if align == "r" else _LEFT for align in self._alignments()]
        head = "".join(
            f"<th{style}>{escape(name)}</th>"
            for name, style in zip(self.field_names, styles, strict=True)
        )
        body = "\n".join(
            "<tr>" + "".join(map(_cell_html, row, styles)) + "</tr>" for row in self._shown()
        )
        return (
            f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n"
            f"<p>{self._footer()}</p>"
        )

    def DataFrame(self) -> pd.DataFrame:
        """Give all rows as a pandas frame, with the columns' names even if there is no row."""
        import pandas as pd

        return pd.DataFrame([tuple(row) for row in self], columns=self.field_names)

    def _shown(self) -> Sequence[Any]:
        return list.__getitem__(self, slice(self.config.displaylimit or None))

    def _footer(self) -> str:
        count, shown = len(self), len(self._shown())
        total = f"{count:,} {'row' if count == 1 else 'rows'}"
        if self.config.autolimit and count == self.config.autolimit:
            total = f"first {total} fetched (SqlMagic.autolimit)"
        return f"({total})" if shown == count else f"({total}, the first {shown:,} shown)"

    def _alignments(self) -> list[str]:
        return ["r" if _numeric(column) else "l" for column in self._columns()]

    def _columns(self) -> list[Sequence[Any]]:
        rows = self._shown()
        return [[row[index] for row in rows] for index in range(len(self.keys))]


def cell_text(value: Any) -> str:
    """Write a value as the server would: NULL, JSON, hexadecimal bytes."""
    if value is None:
        return "NULL"
    if isinstance(value, (dict, list)):
        value = json.dumps(value, ensure_ascii=False, default=str)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        value = _hexadecimal(bytes(value))
    # A terminal would obey an escape sequence that comes in a row.
    return _CONTROLS.sub(lambda match: repr(match[0])[1:-1], str(value))


def _hexadecimal(value: bytes) -> str:
    rest = f"… ({len(value):,} bytes)" if len(value) > _BYTES_SHOWN else ""
    return f"\\x{value[:_BYTES_SHOWN].hex()}{rest}"


def _cell_html(value: Any, style: str) -> str:
    if value is None:
        return f"<td{style}>{_NULL}</td>"
    # The indentation of a query plan must outlive a viewer that drops styles.
    text = _INDENT.sub(lambda match: "&nbsp;" * len(match[0]), escape(cell_text(value)))
    return f"<td{style}>{text}</td>"


def _numeric(column: Sequence[Any]) -> bool:
    given = [value for value in column if value is not None]
    return bool(given) and all(
        isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) for value in given
    )

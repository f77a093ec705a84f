"""A table of any length: the browser holds only what can be seen of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import traitlets

from kit.widgets import pen, values
from kit.widgets.parts import HERE, Part
from kit.widgets.table import Grid, foot, grid_html, grid_text

SEEN = 12
_SAMPLE = 100
_LONGEST = 48
_PADDING = 24
_NARROWEST = 56
_FIRST_ROWS, _FIRST_COLUMNS = 4 * SEEN, 32
_MOST_ROWS, _MOST_COLUMNS = 200, 200

Block = dict[str, Any]


class Sheet(Part):
    """Show one grid of up to millions of rows and thousands of columns, a screenful at a time.

    It is scrolled by wheel, bar or keys; what comes into sight is asked of the kernel. Widths
    are those of some rows from all over it, so that nothing moves while it is scrolled.
    """

    _esm = HERE / "sheet.js"
    _css = HERE / "sheet.css"
    facts: Any = traitlets.Dict().tag(sync=True)
    first: Any = traitlets.Dict().tag(sync=True)

    def __init__(self, label: str = "Result") -> None:
        super().__init__()
        self.label = label
        self.grid = Grid(columns=(), rows=())
        self._version = 0
        self.listen("block", self._asked)
        self.show(self.grid)

    def show(self, grid: Grid) -> None:
        """Replace what is shown."""
        self.grid = grid
        self._version += 1
        step = max(len(grid.rows) // _SAMPLE, 1)
        sample = [*grid.rows[::step], *grid.rows[-1:]]
        with self.hold_sync():
            self.first = self.block(0, _FIRST_ROWS, 0, _FIRST_COLUMNS)
            self.facts = {
                "version": self._version,
                "label": self.label,
                "rows": len(grid.rows),
                "seen": SEEN,
                "foot": foot(grid),
                "columns": [_column(grid, place, sample) for place in range(len(grid.columns))],
            }

    def block(self, top: int, bottom: int, left: int, right: int) -> Block:
        """Return the cells of these rows and columns as escaped markup."""
        rows = range(len(self.grid.rows))[max(top, 0) : bottom][:_MOST_ROWS]
        columns = range(len(self.grid.columns))[max(left, 0) : right][:_MOST_COLUMNS]
        cells = [[values.cell(self.grid.rows[r][c]) for c in columns] for r in rows]
        return {"version": self._version, "top": max(top, 0), "left": max(left, 0), "cells": cells}

    def static_html(self) -> str:
        """Return the first rows as a plain table."""
        return grid_html(self.grid.saved(), static=True) if self.grid.columns else ""

    def static_text(self) -> str:
        """Return the first rows in columns."""
        return grid_text(self.grid.saved()) if self.grid.columns else ""

    def _asked(self, value: object) -> None:
        if isinstance(value, Mapping):
            ends = [int(value.get(end, 0)) for end in ("top", "bottom", "left", "right")]
            self.send({"event": "block", **self.block(*ends)})


def _column(grid: Grid, place: int, sample: Sequence[Sequence[object]]) -> dict[str, Any]:
    name = values.visible(str(grid.columns[place])[:_LONGEST])
    cells = [row[place] for row in sample]
    texts = [values.plain(cell, _LONGEST) for cell in cells]
    present = [cell for cell in cells if cell is not None]
    longest = max([name, *texts], key=len)
    return {
        "name": values.visible(str(grid.columns[place])),
        "width": round(max(pen.width(longest) * 1.1 + _PADDING, _NARROWEST)),
        "right": bool(present) and all(values.is_number(cell) for cell in present),
    }

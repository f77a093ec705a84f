"""Rows of data as a table: escaped, aligned, and honest about what is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import traitlets

from kit.widgets import units, values
from kit.widgets.parts import HERE, Part

STATIC_ROWS = 20
STATIC_COLUMNS = 40
NOTE = 400


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Columns and rows of data, with what is to be said about them.

    `total` counts all rows there are when `rows` holds only some of them; `more` says that there
    are more where nobody counted. A grid without columns holds only a `message`; a `note` stands
    below the rows. `volatile` names columns that change from run to run (times, durations) and so
    stay out of a saved notebook. `keys` gives each row the name by which it is chosen.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    total: int | None = None
    more: bool = False
    caption: str = ""
    message: str = ""
    note: str = ""
    seconds: float | None = None
    volatile: frozenset[str] = frozenset()
    keys: Sequence[str] = field(default=())

    def saved(self) -> Grid:
        """Return the part that may stand in a saved notebook."""
        lasting = [i for i, name in enumerate(self.columns) if name not in self.volatile]
        kept = lasting[:STATIC_COLUMNS]
        cut = f"First {len(kept)} of {len(lasting):,} columns" if len(lasting) > len(kept) else ""
        counted = None if self.more else len(self.rows)
        return Grid(
            columns=[self.columns[i] for i in kept],
            rows=[[row[i] for i in kept] for row in self.rows[:STATIC_ROWS]],
            total=counted if self.total is None else self.total,
            more=self.more,
            caption=self.caption,
            message=self.message,
            note=" · ".join(filter(None, [cut, self.note])),
        )


class Table(Part):
    """Show one or more grids; rows that have keys can be chosen."""

    _esm = HERE / "table.js"
    html = traitlets.Unicode("").tag(sync=True)
    label = traitlets.Unicode("").tag(sync=True)
    choosable = traitlets.Bool(False).tag(sync=True)
    chosen = traitlets.List(traitlets.Unicode()).tag(sync=True)
    colours = traitlets.Dict().tag(sync=True)

    def __init__(self, label: str = "Result", **traits: Any) -> None:
        super().__init__(label=label, **traits)
        self.grids: tuple[Grid, ...] = ()

    def show(self, *grids: Grid) -> None:
        """Replace what is shown."""
        self.grids = grids
        self.html = "".join(grid_html(grid) for grid in grids)

    def static_html(self) -> str:
        """Return the first rows of every grid as plain tables."""
        return "".join(grid_html(grid.saved(), static=True) for grid in self.grids)

    def static_text(self) -> str:
        """Return the first rows of every grid, in columns."""
        return "\n\n".join(grid_text(grid.saved()) for grid in self.grids)


def grid_html(grid: Grid, *, static: bool = False) -> str:
    """Return a grid as an escaped HTML table; `static` brings its own alignment along."""
    if not grid.columns:
        return f'{_title("p", grid)}<p class="kit-message">{escape(grid.message)}</p>'
    right = [_is_numeric(grid, i) for i in range(len(grid.columns))]
    caption = _title("caption", grid)
    head = "".join(
        f'<th scope="col"{_align(n, static)}>{escape(values.visible(str(name)))}</th>'
        for name, n in zip(grid.columns, right, strict=True)
    )
    body = "".join(_row(grid, i, right, static) for i in range(len(grid.rows)))
    opened = "<table>" if static else '<table class="kit-table">'
    table = f"{opened}{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    wrapped = table if static else f'<div class="kit-scroll">{table}</div>'
    return wrapped + _foot_html(grid)


def grid_text(grid: Grid) -> str:
    """Return a grid as columns of plain text."""
    if not grid.columns:
        return "\n".join(filter(None, [values.visible(grid.caption), grid.message]))
    lines = [[values.plain(name) for name in grid.columns]]
    lines += [[values.plain(value) for value in row] for row in grid.rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(grid.columns))]
    right = [_is_numeric(grid, i) for i in range(len(grid.columns))]
    written = ["  ".join(_justified(line, widths, right)).rstrip() for line in lines]
    written.insert(1, "  ".join("─" * width for width in widths))
    head = [values.visible(grid.caption)] if grid.caption else []
    below = foot(grid)
    return "\n".join([*head, *written, *([below] if below else [])])


def foot(grid: Grid) -> str:
    """Say what stands below the rows: how many are not shown, and the note."""
    note = grid.note if len(grid.note) <= NOTE else grid.note[: NOTE - 1] + "…"
    return " · ".join(filter(None, [_left_out(grid), values.visible(note)]))


def _left_out(grid: Grid) -> str:
    shown = len(grid.rows)
    if grid.total is None or grid.total <= shown:
        return f"First {units.plural(shown, 'row')}; there are more" if grid.more else ""
    return f"First {shown:,} of {units.plural(grid.total, 'row')}"


def _title(tag: str, grid: Grid) -> str:
    if not grid.caption:
        return ""
    took = "" if grid.seconds is None else f"<span>{units.duration(grid.seconds)}</span>"
    said = escape(values.visible(grid.caption))
    return f'<{tag} class="kit-caption"><code>{said}</code> {took}</{tag}>'


def _row(grid: Grid, index: int, right: Sequence[bool], static: bool) -> str:
    key = f' data-key="{escape(grid.keys[index])}"' if grid.keys and not static else ""
    cells = "".join(
        f"<td{_align(n, static)}>{values.cell(value)}</td>"
        for value, n in zip(grid.rows[index], right, strict=True)
    )
    return f"<tr{key}>{cells}</tr>"


def _align(right: bool, static: bool) -> str:
    if static:
        side = "right" if right else "left"
        return f' align="{side}" style="text-align:{side}"'
    return ' class="kit-number"' if right else ' dir="auto"'


def _is_numeric(grid: Grid, column: int) -> bool:
    present = [row[column] for row in grid.rows if row[column] is not None]
    return bool(present) and all(values.is_number(value) for value in present)


def _foot_html(grid: Grid) -> str:
    said = foot(grid)
    return f'<p class="kit-limit" dir="auto">{escape(said)}</p>' if said else ""


def _justified(line: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> list[str]:
    return [
        text.rjust(width) if n else text.ljust(width)
        for text, width, n in zip(line, widths, right, strict=True)
    ]

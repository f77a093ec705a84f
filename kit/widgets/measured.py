"""Charts that write few digits: of what is computed, and of what was measured here and today."""

from __future__ import annotations

from dataclasses import replace
from html import escape

from kit.widgets import units
from kit.widgets.chart import Chart
from kit.widgets.picture import Line, Span
from kit.widgets.table import Table, foot


class RoundedChart(Chart):
    """Write values in three digits, where more would say nothing."""

    def _draw(self) -> None:
        self.lines = [replace(line, last=units.short(line.known[-1][1])) for line in self.lines]
        super()._draw()


class MeasuredChart(RoundedChart):
    """Write values in three digits; a saved notebook keeps the shape of the lines, no values."""

    def kept(self) -> tuple[list[Line], Span]:
        """Return the lines without their values, on an axis that names zero alone."""
        names = ["0" if tick == 0 else "" for tick in self._upright.ticks]
        bare = [replace(line, last="") for line in self.lines]
        return bare, replace(self._upright, labels=names)


class MeasuredTable(Table):
    """Show figures that are seen live only: a saved notebook keeps what is said beneath them."""

    def static_html(self) -> str:
        """Return the notes, each as a paragraph."""
        return "".join(f"<p>{escape(note)}</p>" for note in self._notes())

    def static_text(self) -> str:
        """Return the notes."""
        return "\n".join(self._notes())

    def _notes(self) -> list[str]:
        return [note for grid in self.grids if (note := foot(grid.saved()))]

"""What bqplot draws of one line of a chart."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import bqplot

from kit.widgets.picture import Line

INK = "var(--jp-ui-font-color1)"
DOTS = 64


class Stroke:
    """The line, its points to read values off, and the label at its end."""

    def __init__(self, x: Any, y: Any) -> None:
        scales = {"x": x, "y": y}
        self.tip = bqplot.Tooltip(fields=["x", "y"])
        self.line = bqplot.Lines(x=[0], y=[0], stroke_width=2, scales=scales)
        self.points = bqplot.Scatter(x=[0], y=[0], default_size=16, tooltip=self.tip, scales=scales)
        self.points.display_names = False
        self.label = bqplot.Label(
            x=[0],
            y=[0],
            text=[""],
            x_offset=12,
            align="start",
            default_size=12,
            font_weight="normal",
            apply_clip=False,
            scales=scales,
            colors=[INK],
        )
        self.marks = [self.line, self.points, self.label]

    def show(
        self,
        line: Line,
        axes: tuple[str, str],
        end: tuple[float, float],
        name: Callable[[float], str] | None = None,
    ) -> None:
        """Draw `line`, whose label ends at `end`; `name` writes out a point's place on x."""
        self.tip.fields = ["name" if name else "x", "y"]
        self.tip.labels = [axes[0], f"{line.label} {axes[1]}"]
        dense = len(line.known) > DOTS
        some = line.known[:: math.ceil(len(line.known) / DOTS)]
        # A browser draws dots one by one: of many only some can be pointed at, and none is seen.
        self.points.opacities = [0.0 if dense else 1.0]
        for mark, points in ((self.line, line.points), (self.points, some)):
            with mark.hold_sync():
                mark.x, mark.y = zip(*points, strict=True)
                mark.colors = [line.colour]
                if mark is self.points and name is not None:
                    mark.names = [name(x) for x, _ in some]
        with self.label.hold_sync():
            self.label.x, self.label.y = [end[0]], [end[1]]
            self.label.text = [line.end]

    def close(self) -> None:
        """Remove everything that bqplot made for the line."""
        for model in (*self.marks, self.tip.layout, self.tip):
            model.close()

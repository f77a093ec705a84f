"""A figure as an SVG image, readable on light and on dark ground."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT = 720, 280
TOP, BOTTOM, LEFT = 28, 44, 56
INK = "#767676"  # the grey with the same contrast against black and white
LINE = "#9e9e9e"
STYLE = "font-family:system-ui,sans-serif;font-size:12px"


def svg(figure: dict[str, Any]) -> str:
    """Draw a figure of `kit.widgets.chart` at a fixed size."""
    right = label_width(figure["series"])
    inner = (WIDTH - LEFT - right, HEIGHT - TOP - BOTTOM)
    parts = [*_grid(figure, inner), *_lines(figure, inner), *_labels(figure, inner)]
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="{STYLE}">'
    return f"{head}<title>{escape(figure['words'])}</title>{''.join(parts)}</svg>"


def label_width(series: Sequence[dict[str, Any]]) -> int:
    """Return the room that labels need at the right, in pixels."""
    longest = max((len(_end(line)) for line in series), default=0)
    return min(220, 20 + 7 * longest)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move labels apart, at least `gap` from each other, as little as that takes."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed = list(wanted)
    floor = low
    for i in order:
        placed[i] = floor = max(wanted[i], floor)
        floor += gap
    ceiling = high
    for i in reversed(order):
        placed[i] = ceiling = min(placed[i], ceiling)
        ceiling -= gap
    return placed


def _place(axis: dict[str, Any], value: float) -> float:
    return float((value - axis["low"]) / (axis["high"] - axis["low"]))


def _xy(
    figure: dict[str, Any], inner: tuple[int, int], point: Sequence[float]
) -> tuple[float, float]:
    across, up = _place(figure["x"], point[0]), _place(figure["y"], point[1])
    return LEFT + across * inner[0], TOP + (1 - up) * inner[1]


def _text(x: float, y: float, text: str, anchor: str = "start", fill: str = INK) -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}"'
    return f"<text {where}>{escape(text)}</text>"


def _grid(figure: dict[str, Any], inner: tuple[int, int]) -> list[str]:
    x, y = figure["x"], figure["y"]
    base, end = TOP + inner[1], LEFT + inner[0]
    drawn = [_text(LEFT, TOP - 12, y["label"])]
    for value, label in y["ticks"]:
        height = TOP + (1 - _place(y, value)) * inner[1]
        where = f'x1="{LEFT}" x2="{end}" y1="{height:.1f}" y2="{height:.1f}"'
        drawn.append(f'<line {where} stroke="{LINE}" stroke-opacity=".35"/>')
        drawn.append(_text(LEFT - 8, height + 4, label, "end"))
    for value, label in x["ticks"]:
        drawn.append(_text(LEFT + _place(x, value) * inner[0], base + 18, label, "middle"))
    return [*drawn, _text(end, base + 36, x["label"], "end")]


def _lines(figure: dict[str, Any], inner: tuple[int, int]) -> list[str]:
    drawn = []
    for line in figure["series"]:
        path = _path([None if p[1] is None else _xy(figure, inner, p) for p in line["points"]])
        colour = escape(line["colour"])
        drawn.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        ends = [p for p in line["points"] if p[1] is not None][-1:]
        drawn += [_dot(_xy(figure, inner, point), colour) for point in ends]
    return drawn


def _dot(spot: tuple[float, float], colour: str) -> str:
    return f'<circle cx="{spot[0]:.1f}" cy="{spot[1]:.1f}" r="3.5" fill="{colour}"/>'


def _path(spots: Sequence[tuple[float, float] | None]) -> str:
    pen, drawn = "M", []
    for spot in spots:
        if spot is not None:
            drawn.append(f"{pen}{spot[0]:.1f} {spot[1]:.1f}")
        pen = "M" if spot is None else "L"
    return "".join(drawn)


def _labels(figure: dict[str, Any], inner: tuple[int, int]) -> list[str]:
    ended = [(line, [p for p in line["points"] if p[1] is not None]) for line in figure["series"]]
    ended = [(line, points) for line, points in ended if points]
    heights = [_xy(figure, inner, points[-1])[1] for _, points in ended]
    placed = spread(heights, 16, TOP, TOP + inner[1])
    x = LEFT + inner[0] + 10
    return [_text(x, y + 4, _end(line)) for (line, _), y in zip(ended, placed, strict=True)]


def _end(line: dict[str, Any]) -> str:
    label = line["label"] if len(line["label"]) <= 20 else line["label"][:19] + "…"
    return f"{label} {line['last']}"

"""A circle shared out among nodes, the keys on it, and how much each node has."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import traitlets

from kit.widgets import values
from kit.widgets.chart import PALETTE
from kit.widgets.parts import HERE, Part

_SIZE = 320
_MIDDLE = _SIZE / 2
_RADIUS = 112
_BAND = 24
_AROUND = 3600  # a circle's length in the units of its dashes
_LABELLED = 0.035  # of the circle: a shorter stretch has no room for its node's number
_GREY = "#767676"  # the same contrast against black and white


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A node: its stretches of the circle from 0 to 1, and the share of the keys that it holds.

    `note` stands behind its name; a node that is `gone` has no stretches and is struck out.
    """

    name: str
    arcs: Sequence[tuple[float, float]] = ()
    share: float = 0.0
    note: str = ""
    gone: bool = False


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key at its place on the circle; `moved` sets it off, `sought` leads from it to its point.

    `owner` counts the nodes from zero; `point` is where the node's point lies.
    """

    at: float
    owner: int
    name: str
    moved: bool = False
    sought: bool = False
    point: float = 0.0


class Ring(Part):
    """Show who owns which part of a circle; pointing at a node sets it off, by keyboard too.

    The positions run clockwise from the top.
    """

    _esm = HERE / "ring.js"
    _css = HERE / "ring.css"
    html: Any = traitlets.Unicode("").tag(sync=True)

    def __init__(self, label: str = "Ring") -> None:
        super().__init__()
        self.label = label
        self.owners: tuple[Owner, ...] = ()
        self.placed: tuple[Key, ...] = ()
        self.note = ""

    def show(self, owners: Sequence[Owner], keys: Sequence[Key] = (), *, note: str = "") -> None:
        """Replace what is shown; `note` stands in the middle."""
        self.owners, self.placed, self.note = tuple(owners), tuple(keys), note
        self.html = f"{self._picture()}{self._legend()}" if owners else ""

    def static_html(self) -> str:
        """Return the circle as an image, and the nodes as a table beneath."""
        if not self.owners:
            return ""
        drawn = base64.b64encode(self._picture().encode()).decode()
        image = f'<img alt="{escape(self.words)}" width="{_SIZE}" src="data:image/svg+xml;base64,'
        rows = "".join(
            f'<tr><td style="text-align:left">{_mark(i)} {escape(values.visible(owner.name))}</td>'
            f'<td style="text-align:right">{_said(owner)}</td>'
            f'<td style="text-align:left">{escape(owner.note)}</td></tr>'
            for i, owner in enumerate(self.owners)
        )
        left = 'style="text-align:left"'
        head = f"<thead><tr><th {left}>node</th><th>keys held</th><th></th></tr></thead>"
        return f'{image}{drawn}"><table>{head}<tbody>{rows}</tbody></table>'

    def static_text(self) -> str:
        """Return each node's share."""
        lines = [f"{owner.name}: {_said(owner)} {owner.note}".rstrip() for owner in self.owners]
        return "\n".join([f"{self.label}:", *lines]) if lines else ""

    @property
    def words(self) -> str:
        """Say in one sentence what is drawn."""
        shares = ", ".join(f"{owner.name} {_said(owner)}" for owner in self.owners)
        return f"{self.label}: {shares}"

    def _picture(self) -> str:
        bands = "".join(_band(i, owner) for i, owner in enumerate(self.owners))
        dots = "".join(_dot(key) for key in self.placed)
        middle = "".join(
            f'<text x="{_MIDDLE}" y="{_MIDDLE + 18 * i - 4}" text-anchor="middle" fill="{_GREY}" '
            f'font-family="sans-serif" font-size="13">{escape(line)}</text>'
            for i, line in enumerate(self.note.split("\n") if self.note else [])
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE} {_SIZE}" '
            f'width="{_SIZE}" height="{_SIZE}" role="img" aria-label="{escape(self.words)}">'
            f"{bands}{dots}{middle}</svg>"
        )

    def _legend(self) -> str:
        most = max(owner.share for owner in self.owners) or 1.0
        even = 1 / (sum(not owner.gone for owner in self.owners) or 1)
        rows = "".join(_row(i, owner, most, even) for i, owner in enumerate(self.owners))
        return f'<ul class="kit-ring-legend" aria-label="Nodes">{rows}</ul>'


def colour(index: int) -> str:
    """Return the colour of the node that is counted `index`, from zero."""
    return PALETTE[index % len(PALETTE)]


def _band(index: int, owner: Owner) -> str:
    """Draw all stretches of a node as the dashes of one circle."""
    if not owner.arcs:
        return ""
    dashes, before = ["0"], 0.0
    for begin, end in owner.arcs:
        dashes += [_units(begin - before), _units(end - begin)]
        before = end
    dashes.append(_units(1 - before))
    labels = "".join(
        _label(index, (begin + end) / 2) for begin, end in owner.arcs if end - begin > _LABELLED
    )
    return (
        f'<g data-node="{index}"><circle cx="{_MIDDLE}" cy="{_MIDDLE}" r="{_RADIUS}" fill="none" '
        f'stroke="{colour(index)}" stroke-width="{_BAND}" pathLength="{_AROUND}" '
        f'stroke-dasharray="{" ".join(dashes)}" '
        f'transform="rotate(-90 {_MIDDLE} {_MIDDLE})"/>{labels}</g>'
    )


def _units(share: float) -> str:
    return f"{max(share, 0) * _AROUND:.1f}".removesuffix(".0")


def _label(index: int, at: float) -> str:
    x, y = _place(at, _RADIUS)
    return (
        f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" fill="#fff" font-weight="600" '
        f'font-family="sans-serif" font-size="12">{index + 1}</text>'
    )


def _dot(key: Key) -> str:
    """Draw a key outside of the circle: a filled dot, larger and tied to it where it moved."""
    x, y = _place(key.at, _RADIUS + _BAND / 2 + (18 if key.moved or key.sought else 8))
    title = f"<title>{escape(values.visible(key.name))}</title>"
    spoke = _path(key) if key.sought else ""
    if key.moved and not spoke:
        near, far = _place(key.at, _RADIUS + _BAND / 2 + 2), (x, y)
        spoke = (
            f'<path d="M{near[0]:.1f} {near[1]:.1f}L{far[0]:.1f} {far[1]:.1f}" '
            f'stroke="{colour(key.owner)}" stroke-width="1.5"/>'
        )
    radius = 5 if key.sought else 4 if key.moved else 2
    return (
        f'<g data-node="{key.owner}">{spoke}<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" '
        f'fill="{colour(key.owner)}">{title}</circle></g>'
    )


def _path(key: Key) -> str:
    """Draw the way from a key, clockwise, to the point that has it."""
    radius = _RADIUS + _BAND / 2 + 18
    (x, y), (u, v) = _place(key.at, radius), _place(key.point, radius)
    inner = _place(key.point, _RADIUS + _BAND / 2)
    large = int((key.point - key.at) % 1 > 0.5)
    return (
        f'<path d="M{x:.1f} {y:.1f}A{radius:g} {radius:g} 0 {large} 1 {u:.1f} {v:.1f}'
        f'L{inner[0]:.1f} {inner[1]:.1f}" fill="none" stroke="{colour(key.owner)}" '
        'stroke-width="2"/>'
    )


def _place(at: float, radius: float) -> tuple[float, float]:
    angle = 2 * math.pi * at
    return _MIDDLE + radius * math.sin(angle), _MIDDLE - radius * math.cos(angle)


def _row(index: int, owner: Owner, most: float, even: float) -> str:
    gone = " kit-ring-gone" if owner.gone else ""
    width, line = 100 * owner.share / most, min(100.0, 100 * even / most)
    bar = (
        f'<span class="kit-ring-bar"><i style="width:{width:.1f}%;background:{colour(index)}"></i>'
        f'<b style="left:{line:.1f}%" title="an even share"></b></span>'
    )
    name = escape(values.visible(owner.name))
    return (
        f'<li tabindex="0" data-node="{index}" class="kit-ring-node{gone}">'
        f'<span class="kit-ring-name">{_mark(index)} {name}</span>{bar}'
        f'<span class="kit-ring-share">{_said(owner)}</span>'
        f'<span class="kit-ring-note">{escape(owner.note)}</span></li>'
    )


def _mark(index: int) -> str:
    return (
        f'<span style="color:{colour(index)}" aria-hidden="true">●</span>&nbsp;{index + 1}&nbsp;·'
    )


def _said(owner: Owner) -> str:
    return "✗ gone" if owner.gone else f"{owner.share:.1%}"

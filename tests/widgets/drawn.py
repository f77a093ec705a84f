"""Drawings made in one call, and what is in their SVG, read as strictly as a browser reads it."""

from __future__ import annotations

import base64
import re
from typing import Any
from xml.etree import ElementTree

from kit.widgets.bars import Bar, Bars
from kit.widgets.chart import PALETTE
from kit.widgets.drawing import Drawing
from kit.widgets.histogram import Distribution, Histogram
from kit.widgets.timeline import Lane, Timeline


def bars(*shown: Bar, **options: Any) -> Bars:
    drawn = Bars("s", of="latency", **options)
    drawn.show(shown)
    return drawn


def histogram(*rows: Distribution, **options: Any) -> Histogram:
    drawn = Histogram("s", of="latency", **options)
    drawn.show(rows)
    return drawn


def timeline(*lanes: Lane, **options: Any) -> Timeline:
    drawn = Timeline(**options)
    drawn.show(lanes)
    return drawn


def read(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314


def still(drawing: Drawing) -> ElementTree.Element:
    """Read the saved picture as an XML document, as strictly as a browser reads an image."""
    found = re.search(r'base64,([^"]+)', drawing.static_html())
    assert found
    return read(base64.b64decode(found[1]).decode())


def texts(svg: str | ElementTree.Element) -> list[str]:
    root = read(svg) if isinstance(svg, str) else svg
    return [str(element.text) for element in root.iter() if element.tag.endswith("text")]


def boxes(svg: str, colour: str = PALETTE[0]) -> list[tuple[float, float]]:
    """Return the left end and the width of each box of a colour."""
    return [
        (float(box.get("x", "")), float(box.get("width", "")))
        for box in read(svg).iter("rect")
        if f"fill:{colour}" in box.get("style", "")
    ]


def said(drawing: Drawing) -> list[str]:
    return [str(thing.get("data-say")) for thing in read(drawing.svg).iter("g")]

"""Drawing by hand in SVG, for a page with a theme or for a picture that serves both themes."""

from __future__ import annotations

import unicodedata
from xml.etree import ElementTree

from kit.widgets import values

WIDTH = 720
FONT = 12
# The grey with the same contrast against black and white.
_GREY = "#767676"
_THEME = {
    "ink": "var(--jp-ui-font-color1, #212121)",
    "soft": "var(--jp-ui-font-color2, #666)",
    "edge": "var(--jp-border-color2, #e0e0e0)",
}
_STILL = {"ink": _GREY, "soft": _GREY, "edge": "rgba(118,118,118,0.35)"}
_NO_XML = dict.fromkeys((0xFFFE, 0xFFFF), "\N{REPLACEMENT CHARACTER}")


class Pen:
    """Draw on a sheet of fixed width; `live` takes the colours of the page's theme.

    A colour is "ink", "soft", "edge" or one as #rrggbb.
    """

    def __init__(self, height: float, *, live: bool) -> None:
        self._live = live
        self._colours = _THEME if live else _STILL
        family = "var(--jp-ui-font-family, system-ui, sans-serif)" if live else "sans-serif"
        style = f"font:{FONT}px {family};font-variant-numeric:tabular-nums"
        size = {"width": str(WIDTH), "height": _n(height), "viewBox": f"0 0 {WIDTH} {_n(height)}"}
        space = {} if live else {"xmlns": "http://www.w3.org/2000/svg"}
        self._root = ElementTree.Element("svg", {**space, **size, "style": style})
        self._into = self._root

    def item(self, say: str = "") -> None:
        """Let what follows be one thing that can be pointed at, and says this; "" ends it.

        In a still picture nothing can be pointed at, and figures would be saved with it.
        """
        self._into = self._root
        if say and self._live:
            self._into = ElementTree.SubElement(self._root, "g", {"data-say": _clean(say)})

    def rect(
        self, x: float, y: float, width: float, height: float, fill: str, opacity: float = 1
    ) -> None:
        """Draw a filled box."""
        style = f"fill:{self._colour(fill)}" + ("" if opacity == 1 else f";fill-opacity:{opacity}")
        self._add("rect", x=x, y=y, width=width, height=height, style=style)

    def line(
        self, x1: float, y1: float, x2: float, y2: float, stroke: str, width: float = 1
    ) -> None:
        """Draw a straight line."""
        style = f"stroke:{self._colour(stroke)};stroke-width:{_n(width)}"
        self._add("line", x1=x1, y1=y1, x2=x2, y2=y2, style=style)

    def text(self, x: float, y: float, text: str, fill: str = "ink", anchor: str = "start") -> None:
        """Write a line of text; `anchor` is "start", "middle" or "end"."""
        style = f"fill:{self._colour(fill)};text-anchor:{anchor}"
        self._add("text", x=x, y=y, style=style).text = _clean(text)

    def svg(self) -> str:
        """Return what was drawn."""
        return ElementTree.tostring(self._root, encoding="unicode")

    def _add(self, tag: str, style: str, **places: float) -> ElementTree.Element:
        numbers = {name: _n(place) for name, place in places.items()}
        return ElementTree.SubElement(self._into, tag, {**numbers, "style": style})

    def _colour(self, name: str) -> str:
        return self._colours.get(name, name)


def width(text: str) -> float:
    """Estimate how wide a text is, in pixels; rather too much than too little."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return FONT * (0.58 * (len(text) - wide) + 1.05 * wide)


def fitted(text: str, room: float) -> str:
    """Return as much of a text as fits, with an ellipsis where something is missing."""
    text = values.visible(text[:200])
    if width(text) <= room:
        return text
    while text and width(text) + FONT > room:
        text = text[:-1]
    return f"{text}…" if text else ""


def readable(fill: str) -> str:
    """Return black or white, whichever is better read on a colour given as #rrggbb."""
    red, green, blue = (_linear(int(fill[i : i + 2], 16) / 255) for i in (1, 3, 5))
    # WCAG 2.2, "relative luminance" and "contrast ratio".
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#000000" if (luminance + 0.05) ** 2 > 0.05 * 1.05 else "#ffffff"


def _linear(channel: float) -> float:
    return float(channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4)


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _clean(text: str) -> str:
    return values.visible(text).translate(_NO_XML)

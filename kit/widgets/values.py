"""A value from a database, as text that is safe to show."""

from __future__ import annotations

import datetime
import json
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING

from kit.widgets import units

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.measure.spread import Spread

CLIP = 160
HOVER = 2000
_TURNING = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_HIT = re.compile("<b>(.*?)</b>")
_ESCAPED_HIT = re.compile("&lt;b&gt;(.*?)&lt;/b&gt;")


@dataclass(frozen=True)
class Shown:
    """A value written for people, with the exact one kept for the hover."""

    text: str
    exact: object
    icon: str = ""

    def __str__(self) -> str:
        return f"{self.icon} {self.text}".strip()


@dataclass(frozen=True)
class Marked:
    """A text with its hits between <b> and </b>, as PostgreSQL's ts_headline returns it."""

    text: str

    def __str__(self) -> str:
        return _HIT.sub(r"[\1]", self.text)


def quartiles(found: Spread, write: Callable[[float], str]) -> Shown:
    """Write a median, and the quartiles in brackets."""
    low, high = write(found.low), write(found.high)
    number, _, unit = low.partition(" ")
    # A unit that both share stands once: the table is wide enough without it.
    low = number if unit == high.partition(" ")[2] else low
    return Shown(f"{write(found.median)} ({low}–{high})", found.median)


def text_of(value: object) -> str:
    """Write a value as a database client would; nothing is rounded."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes | bytearray | memoryview):
        return _bytes(bytes(value[: HOVER + 1]), len(value))
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def is_number(value: object) -> bool:
    """Tell whether a value belongs on the right-hand side of its column."""
    if isinstance(value, Shown):
        return is_number(value.exact)
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def visible(text: str) -> str:
    """Replace control characters, line ends and direction overrides by signs that can be seen."""
    if text.isprintable():
        return text
    return "".join(_sign(character) for character in text)


def cell(value: object) -> str:
    """Return the escaped inside of a table cell: NULL set apart, long text clipped."""
    if value is None:
        return '<em class="kit-null">NULL</em>'
    if isinstance(value, Shown):
        return f'<span title="{escape(text_of(value.exact))}">{escape(visible(str(value)))}</span>'
    if isinstance(value, Marked):
        # Escaped first: what else the text holds of markup stays text.
        return _ESCAPED_HIT.sub(r"<mark>\1</mark>", escape(visible(value.text)))
    text = text_of(value)
    if text == "":
        return '<em class="kit-null">empty</em>'
    return escape(visible(text)) if len(text) <= CLIP else _clipped(text)


def plain(value: object, width: int = 40) -> str:
    """Return a value for a plain-text table, at most `width` characters."""
    text = "NULL" if value is None else visible(text_of(value)[: width + 1])
    return text if len(text) <= width else text[: width - 1] + "…"


def _clipped(text: str) -> str:
    hover = text[:HOVER] + (f"… ({units.size(len(text))})" if len(text) > HOVER else "")
    shown = escape(visible(text[: CLIP - 1]))
    return f'<span title="{escape(hover)}">{shown}…</span>'


def _bytes(head: bytes, length: int) -> str:
    tail = "" if length <= len(head) else f"… ({units.size(length)})"
    return "\\x" + head.hex() + tail


def _sign(character: str) -> str:
    if character == "\n":
        return "⏎"
    if character == "\t":
        return "⇥"
    hidden = unicodedata.category(character) in ("Cc", "Cs") or character in _TURNING
    return "\N{REPLACEMENT CHARACTER}" if hidden else character

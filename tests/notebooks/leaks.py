"""What must not stand in a committed output: secrets, and what differs from run to run."""

from __future__ import annotations

import base64
import html
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

_HERE = {Path(place).resolve().parts[1] for place in (__file__, sys.prefix, tempfile.gettempdir())}
_TOPS = "|".join([*sorted(_HERE), "etc|home|mnt|opt|private|root|srv|tmp|usr|var|Users"])

# Each replacement must not be caught by its own pattern.
VOLATILE: dict[str, tuple[str, str]] = {
    "time stamp": (
        r"\b\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?[^\s<\"']*",
        "[time]",
    ),
    "epoch": (r"\b1[6-9]\d{8}(?:\d{3}){0,3}(?:\.\d+)?\b", "[time]"),
    "address": (r"\b0x[0-9a-f]{6,}\b", "[object]"),
    "run id": (r"\b[0-9a-f]{32}\b", "[id]"),
    "uuid": (r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "[id]"),
    "port": (r"\b(127\.0\.0\.1|localhost|\[::1\])(?:,? port |:)\d{2,5}\b", r"\1:[port]"),
    "process": (r"\b(pid|PID)([ =:]+)\d+\b", r"\1\2[pid]"),
    "timing": (
        # What stands in time(…) or in brackets is a window that a query asks for.
        r"(?<![\w.\[])(?<!time\()\d+(?:[.,]\d+)?(?: |&nbsp;|\u202f|\u00a0)?(ns|µs|μs|ms|s|min)\b",
        r"… \1",
    ),
    "path": (rf"(?<![\w<.:/+~%-])/(?:{_TOPS})/(?:[\w.@+-]+/)*([\w.@+-]*)", r"…/\1"),
}
SECRET: dict[str, str] = {
    "password in a URL": r"\w://[^\s/:@]*:(?!\**@|…@|•+@)[^\s/@]+@",
    "password in a setting": r"(?i)\b(password|passwd|pwd|requirepass)\b[\"']?\s*[=:]\s*[\"']?"
    r"(?!\*|…|•|[\"'\s<,;)]|$)\S+",
}
_DRAWING = re.compile(r"data:image/svg\+xml;base64,([\w+/=]+)")
# Neither CSS nor the bytes of a picture are text, whatever digits they hold.
_NO_TEXT = re.compile(
    r"<style\b.*?</style>|style=(?:\"[^\"]*\"|'[^']*')|data:image/[\w+.-]+;base64,[\w+/=]+",
    re.DOTALL,
)


class Leak(AssertionError):
    """A secret stands in an output."""


def masked(text: str) -> str:
    """Replace what differs from run to run, leaving CSS and pictures alone."""
    return _in_text(text, _mask)


def found(text: str) -> Iterator[str]:
    """Name everything in a text that must not be committed."""
    patterns = SECRET | {name: pattern for name, (pattern, _) in VOLATILE.items()}
    plain = _in_text(text, lambda part: part, rest="")
    for name, pattern in patterns.items():
        if match := re.search(pattern, plain):
            yield f"{name}: {match[0]!r}"


def texts(notebook: Any) -> Iterator[tuple[str, str]]:
    """Yield each text among a notebook's outputs, drawings included, with the id of its cell."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                yield cell.id, output.text
            for kind, content in output.get("data", {}).items():
                if isinstance(content, str) and not kind.startswith("image/p"):
                    yield cell.id, content
                    for drawing in _DRAWING.findall(content):
                        yield cell.id, base64.b64decode(drawing).decode()


def refuse(notebook: Any, secrets: Iterable[str]) -> None:
    """Raise `Leak` when one of these secrets is in an output, however it is written there."""
    forms = (str, quote, html.escape, partial(quote, safe=""))
    spellings = {form(secret) for secret in secrets for form in forms}
    for cell, text in texts(notebook):
        if any(spelling in text for spelling in spellings):
            raise Leak(f"the output of cell {cell} shows a server's password")


def sanitizer() -> str:
    """Return nbval's file of replacements, so that it masks what the committed outputs mask."""
    return "\n".join(f"regex: {old}\nreplace: {new}" for old, new in VOLATILE.values())


def _mask(text: str) -> str:
    for pattern, replacement in VOLATILE.values():
        text = re.sub(pattern, replacement, text)
    return text


def _in_text(text: str, change: Callable[[str], str], rest: str | None = None) -> str:
    parts, end = [], 0
    for other in _NO_TEXT.finditer(text):
        parts += [change(text[end : other.start()]), other[0] if rest is None else rest]
        end = other.end()
    return "".join([*parts, change(text[end:])])

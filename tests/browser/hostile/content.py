"""Names and values that would do harm if they were taken for anything but text."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kit.launch.server import Server
from kit.launch.topology import Topology
from kit.notebook import start as started
from kit.notebook import topology as joined
from kit.widgets.panel import Panel

# Each fits into a name of 63 bytes; each would set window.ran if it were taken for markup.
SCRIPT = "<script>window.ran=1</script>"
IMAGE = '<img src=x onerror="window.ran=1">'
QUOTED = "\"'><svg onload=window.ran=1>"
CLOSED = "</textarea></pre></td><iframe onload=parent.ran=1>"
BRACES = "{{7*7}}`<b onclick=window.ran=1>`&lt;i&gt;"
LINK = "<a href='javascript:window.ran=1'>[x](javascript:ran=1)"
# What stands behind an override is read from right to left, to the end of the paragraph.
TURNED = "\u202e<script>window.ran=1</script>\u05d0"
LONG = "<i>" + "W" * 400
NUL = "<b>\0\x1b[31m\a\r\n</b>"
NAMES = [SCRIPT, IMAGE, QUOTED, CLOSED, BRACES, LINK]
VALUES = [*NAMES, TURNED, LONG]


@dataclass(frozen=True)
class Case:
    """A panel, and how it comes to show hostile content: `show` is given what `begin` returned."""

    panel: type[Panel]
    show: Callable[[Any], Panel]


def start(database: str, **options: Any) -> Server:
    """Start a server of this test's own."""
    return started(database, name=f"hostile-{secrets.token_hex(2)}", **options)


def topology(database: str, kind: str, **options: Any) -> Topology:
    """Start servers that work together, of this test's own."""
    return joined(database, kind, name=f"hostile-{secrets.token_hex(2)}", **options)

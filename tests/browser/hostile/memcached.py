"""Memcached: keys without blanks, values of any bytes, refusals."""

from __future__ import annotations

from typing import Any

from kit.labs import memcached
from kit.widgets.panel import Panel
from tests.browser.hostile.content import CLOSED, NUL, SCRIPT, VALUES, Case, start


def begin() -> Any:
    """Start a server."""
    return start("memcached")


def _desk(server: Any) -> Panel:
    shown = memcached.desk(server)
    for n, value in enumerate([*VALUES, NUL]):
        shown.run("set", f"{n}{SCRIPT}", value)
        shown.run("get", f"{n}{SCRIPT}")
    shown.run("incr", f"0{SCRIPT}", "1")
    shown.run("get", CLOSED)  # a key with a blank is refused
    return shown


CASES = [Case(memcached.Desk, _desk)]

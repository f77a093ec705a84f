"""Redis: keys, values of each kind, messages, a board's members, errors."""

from __future__ import annotations

from typing import Any

from kit.labs.redis import dashboard, keyspace, messages, service, slots
from kit.widgets.panel import Panel
from tests.browser.hostile.content import IMAGE, NUL, SCRIPT, VALUES, Case, start, topology


def begin() -> Any:
    """Start a server, and keep keys and values of every kind, all hostile."""
    server = start("redis")
    client = server.connect()
    for value in [*VALUES, NUL]:
        client.set(value, value)
    client.hset(f"hash {IMAGE}", mapping={value: value for value in [*VALUES, NUL]})
    client.rpush(f"list {IMAGE}", *VALUES)
    client.zadd(f"board {IMAGE}", dict.fromkeys(VALUES, 1.0))
    client.xadd(f"stream {IMAGE}", {value: value for value in VALUES})
    return server


def _keys(server: Any) -> Panel:
    lines = (f'GET "{SCRIPT}"', f"HGETALL 'hash {IMAGE}'", f"{SCRIPT} x", f"EVAL '{SCRIPT}' 0")
    return keyspace.explorer(server, key=f"hash {IMAGE}", lines=lines, watch=False)


def _messages(server: Any) -> Panel:
    shown = messages.panel(server)
    for value in VALUES:
        shown.publish(value)
    return shown


def _dashboard(server: Any) -> Panel:
    for n, value in enumerate(VALUES):
        service.score(server.connect(), value, 0.999 - n / 10_000)
    return dashboard.panel(server, users=10, seconds=0.2)


def _slots(_server: Any) -> Panel:
    return slots.panel(topology("redis", "cluster"), key=IMAGE)


CASES = [
    Case(keyspace.Explorer, _keys),
    Case(messages.Messages, _messages),
    Case(dashboard.Dashboard, _dashboard),
    Case(slots.Slots, _slots),
]

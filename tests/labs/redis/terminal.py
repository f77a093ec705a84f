"""What the explorer's command line has answered."""

from __future__ import annotations

from kit.labs.redis.keyspace import Explorer


def answers(panel: Explorer) -> list[str]:
    return [entry["reply"] for entry in panel.line.terminal.entries]

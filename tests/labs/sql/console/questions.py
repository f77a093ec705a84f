"""What several tests ask a server through the console."""

from __future__ import annotations

from typing import Any

from kit.labs.sql import Console
from kit.launch.server import Server

HOSTILE = "<script>alert(1)</script>"


def is_postgresql(server: Server) -> bool:
    return server.database == "postgresql"


def numbers(server: Server, count: int) -> str:
    if is_postgresql(server):
        return f"SELECT n, 'row ' || n AS s FROM generate_series(1, {count}) n"
    return f"SELECT seq AS n, concat('row ', seq) AS s FROM seq_1_to_{count}"


def millions(server: Server, count: int) -> str:
    if is_postgresql(server):
        return f"SELECT generate_series(1, {count})"
    return f"SELECT seq FROM seq_1_to_{count}"


def rows(console: Console, script: str) -> list[tuple[Any, ...]]:
    result = console.run(script)[-1]
    assert result.refusal is None, result.refusal
    return list(result.rows)

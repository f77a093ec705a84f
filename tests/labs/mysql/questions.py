"""What a server itself answers to a question in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from kit.labs import source as sources
from kit.launch.server import Server


def ask(server: Server, sql: str, **values: Any) -> list[tuple[Any, ...]]:
    engine = sources.read(server).engine()
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql), values)]
    finally:
        engine.dispose()

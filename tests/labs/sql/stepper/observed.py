"""What several tests step through, and what they see of it in the panel and on the server."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

from kit.labs import stepper
from kit.labs.stepper.stage import SCHEMA
from kit.launch.server import Server
from tests.traces import await_true

DATABASES = ("postgresql", "mysql")
HOLD = """
    T1 BEGIN
    T2 BEGIN
    T1 UPDATE quota SET hours = 11 WHERE id = 1
    T2 UPDATE quota SET hours = 12 WHERE id = 1"""


def until(condition: Callable[[], object]) -> None:
    await_true(condition, "what another thread does")


def schemas(server: Server) -> list[str]:
    asked = "SELECT schema_name FROM information_schema.schemata"
    return [row[0] for row in ask(server, asked) if row[0].startswith(SCHEMA)]


def ask(server: Server, sql: str) -> list[Any]:
    with closing(server.connect(autocommit=True)) as client, client.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def outcomes(shown: stepper.Stepper) -> list[str]:
    return [entry.said for entry in shown.lanes.course.entries]

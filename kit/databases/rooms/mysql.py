"""Room on a shared MySQL: a database of the learner's own."""

from __future__ import annotations

from typing import Any

from kit.databases.rooms import denied

_DENIED = (1044, 1045)  # ER_DBACCESS_DENIED_ERROR, ER_ACCESS_DENIED_ERROR


def create(client: Any, name: str) -> None:
    """Create the database unless it is there."""
    from pymysql.err import OperationalError

    try:
        _do(client, "CREATE DATABASE IF NOT EXISTS {}", name)
    except OperationalError as error:
        if error.args[0] not in _DENIED:
            raise
        raise denied(error.args[1], "mysql+pymysql://user@host/mine") from None


def drop(client: Any, name: str) -> None:
    """Drop the database."""
    _do(client, "DROP DATABASE IF EXISTS {}", name)


def _do(client: Any, statement: str, name: str) -> None:
    # The driver quotes values alone; a learner's name holds letters, digits, dots and dashes only.
    quoted = "`" + name.replace("`", "``") + "`"
    with client.cursor() as cursor:
        cursor.execute(statement.format(quoted))

"""Room on a shared PostgreSQL: a database of the learner's own."""

from __future__ import annotations

from typing import Any

from kit.databases.rooms import denied


def create(client: Any, name: str) -> None:
    """Create the database unless it is there; `client` is in autocommit."""
    from psycopg import errors, sql

    if client.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
        return
    try:
        client.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except errors.InsufficientPrivilege as error:
        raise denied(error, "postgresql://user@host/mine") from None
    except errors.DuplicateDatabase:
        # Another notebook of the same learner came at the same moment.
        return


def drop(client: Any, name: str) -> None:
    """Drop the database, whoever is still connected to it (PostgreSQL 13 and later)."""
    from psycopg import sql

    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    client.execute(statement.format(sql.Identifier(name)))

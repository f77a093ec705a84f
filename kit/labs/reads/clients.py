"""Readers, each a thread: what they ask, and by which connections."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, get_args

from sqlalchemy import URL, NullPool, QueuePool

from kit.errors import UnknownName, UsageError
from kit.labs import source as sources
from kit.labs.reads.table import CUSTOMERS, QUERY
from kit.labs.source import Source
from kit.measure.load import Load, load

if TYPE_CHECKING:
    from kit.launch.server import Server

Connections = Literal["kept", "pooled", "new"]
CONNECTIONS: dict[Connections, str] = {
    "kept": "one kept by each reader",
    "pooled": "a pool of 8 shared by all",
    "new": "a new one for each request",
}
POOL = 8
_PATIENCE = 30.0  # seconds that a reader waits for a connection of the pool
_SERVE = ("mysql", "mariadb", "postgresql")


def measure(
    server: Server | Source | str | URL,
    *,
    readers: int = 8,
    seconds: float = 1.0,
    connections: Connections = "kept",
    seed: int = 0,
    stop: threading.Event | None = None,
    tick: Callable[[Load], object] | None = None,
) -> Load:
    """Have `readers` ask for the newest predictions of random customers, all at the same time.

    `connections` says whether each keeps one ("kept"), all share a pool of 8 ("pooled"), or each
    request opens and closes its own ("new"). The table must be there: see `prepare`. What a
    server refuses to all readers is raised as the driver's own error.
    """
    if connections not in CONNECTIONS:
        raise UnknownName.among("kind of connection", connections, get_args(Connections))
    source = check(server if isinstance(server, Source) else sources.read(server))
    office = _Office(source, connections, seed)
    try:
        return load(
            office.reader,
            _Reader.read,
            clients=readers,
            seconds=seconds,
            close=_Reader.leave,
            stop=stop,
            tick=tick,
        )
    finally:
        office.close()


def check(source: Source) -> Source:
    """Return the source; raise UsageError where many clients cannot read from one server."""
    if source.url.get_backend_name() not in _SERVE:
        raise UsageError(
            f"{source.url.get_backend_name()} has no server that many readers connect to. "
            "Give one from kit.start, or the URL of a MySQL, MariaDB or PostgreSQL."
        )
    return source


def script(connections: Connections) -> str:
    """Return what each reader does, as Python to be copied."""
    return _SCRIPTS[connections]


class _Office:
    """Where readers get their connections: the driver's own, handed out by SQLAlchemy's pools."""

    def __init__(self, source: Source, connections: Connections, seed: int) -> None:
        # In autocommit there is nothing to roll back when a connection is given back.
        options: dict[str, Any] = {"pool_reset_on_return": None, "poolclass": NullPool}
        if connections == "pooled":
            pool = {"pool_size": POOL, "max_overflow": 0, "pool_timeout": _PATIENCE}
            options |= {"poolclass": QueuePool, **pool}
        self.engine = source.engine(**options)
        self.keeps = connections == "kept"
        self.sql = QUERY.replace(":customer", "%s")
        self.seed = seed
        self.numbers = itertools.count()

    def reader(self) -> _Reader:
        """Let one reader in; the n-th asks for the same customers each time."""
        kept = self.engine.raw_connection() if self.keeps else None
        generator = random.Random(f"{self.seed}-{next(self.numbers)}")
        return _Reader(kept, self.engine.raw_connection, self.sql, generator)

    def close(self) -> None:
        self.engine.dispose()


class _Reader:
    """One client."""

    def __init__(
        self, kept: Any, connect: Callable[[], Any], sql: str, generator: random.Random
    ) -> None:
        self.kept, self.connect, self.sql, self.generator = kept, connect, sql, generator

    def read(self) -> None:
        connection = self.kept or self.connect()
        try:
            cursor = connection.cursor()
            cursor.execute(self.sql, [self.generator.randrange(CUSTOMERS)])
            cursor.fetchall()
            cursor.close()
        finally:
            if connection is not self.kept:
                connection.close()

    def leave(self) -> None:
        if self.kept is not None:
            self.kept.close()


_POOLED = """\
from sqlalchemy import create_engine, text

engine = create_engine(url, {pool})

def read(customer):
    with engine.connect() as connection:
        return connection.execute(text(QUERY), {{"customer": customer}}).fetchall()"""
_KEPT = """\
from sqlalchemy import create_engine, text

connection = create_engine(url).connect()  # one for each reader, for as long as it lives

def read(customer):
    return connection.execute(text(QUERY), {"customer": customer}).fetchall()"""
_SCRIPTS: dict[Connections, str] = {
    "kept": _KEPT,
    "pooled": _POOLED.format(pool=f"pool_size={POOL}, max_overflow=0"),
    "new": _POOLED.format(pool="poolclass=NullPool"),
}

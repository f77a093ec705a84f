"""What a MongoDB lab is pointed at: a server of the kit's, or the address of any deployment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kit import databases
from kit.errors import UsageError
from kit.labs.remedy import remedy

if TYPE_CHECKING:
    from pymongo.database import Database as Catalog

    from kit.launch.server import Server

Document = dict[str, Any]
PATIENCE = 5000
"""Milliseconds in which a server must be found."""


@dataclass(frozen=True)
class Source:
    """A deployment, and how a panel presents it."""

    given: Any = field(repr=False)
    title: str
    accent: str
    catalog: str

    @contextmanager
    def open(self) -> Iterator[Catalog[Document]]:
        """Connect for as long as the block lasts: a server may come back at another address."""
        client = self.client()
        try:
            yield client[self.catalog]
        finally:
            client.close()

    def client(self, **options: Any) -> Any:
        """Return a client of its own; raise ServerGone where the kit knows that nothing answers."""
        options = {"serverSelectionTimeoutMS": PATIENCE, "retryReads": False} | options
        if hasattr(self.given, "connect"):
            return self.given.connect(**options)
        from pymongo import MongoClient

        return MongoClient(self.given, **options)

    def supports(self, feature: str) -> bool:
        """Ask the handle what the server can do; of a stranger everything is expected."""
        return bool(self.given.supports(feature)) if hasattr(self.given, "supports") else True

    @property
    def product(self) -> str:
        """Return what really answers."""
        return str(getattr(self.given, "product", "MongoDB"))

    @property
    def remedy(self) -> str:
        """Say what to do when nothing answers."""
        return remedy(self.given)


def read(given: Server | str, *, catalog: str = "") -> Source:
    """Take a server's handle or a MongoDB address; raise UsageError for anything else."""
    kind = databases.get("mongodb")
    if getattr(given, "database", "") == kind.name:
        title = f"{getattr(given, 'product', kind.title)} · {getattr(given, 'name', '')}"
        own = getattr(given, "catalog", kind.catalog)
        return Source(given, title, kind.accent, catalog or own)
    if isinstance(given, str) and given.startswith(("mongodb://", "mongodb+srv://")):
        named = "" if given.startswith("mongodb+srv://") else kind.parse(given).catalog
        return Source(given, kind.title, kind.accent, catalog or named or kind.catalog)
    raise UsageError(
        'A MongoDB lab wants a server from kit.start("mongodb"), or an address such as '
        "mongodb://user:password@host:27017/mlops_db."
    )

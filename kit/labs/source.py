"""What a lab is pointed at: a server of the kit's, or the URL of any SQL database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy import URL, Engine, exc

from kit import databases
from kit.errors import KitError, UsageError
from kit.labs.remedy import remedy

if TYPE_CHECKING:
    from kit.launch.server import Server

CONNECT_SECONDS = 10
# SQLAlchemy's defaults for these two names are drivers that the kit does not install.
_DRIVERS = {"mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}


@dataclass(frozen=True)
class Source:
    """A database, and how a panel presents it."""

    given: Any = field(repr=False)
    title: str
    accent: str = ""

    @property
    def url(self) -> URL:
        """Return where the database is now: a server may come back at another address."""
        return address(self.given)

    def engine(self, **options: Any) -> Engine:
        """Make an engine in autocommit, so that nothing is begun or committed behind one's back."""
        url = self.url
        return sqlalchemy.create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            connect_args=_arguments(url) | options.pop("connect_args", {}),
            hide_parameters=True,
            **options,
        )

    @property
    def remedy(self) -> str:
        """Say what to do when nothing answers."""
        return remedy(self.given)

    def safe(self, text: str) -> str:
        """Strike the password out of a message."""
        password = self.url.password
        return text.replace(str(password), "***") if password else text


def read(given: Server | str | URL) -> Source:
    """Take a server's handle or a SQLAlchemy URL; raise UsageError for anything else."""
    url = address(given)
    name = getattr(given, "database", url.get_backend_name())
    try:
        kind = databases.get("mysql" if name == "mariadb" else name)
    except KitError:
        return Source(given, title=str(getattr(given, "name", name)))
    product = getattr(given, "product", kind.title)
    named = getattr(given, "name", url.database or "")
    return Source(given, title=f"{product} · {named}" if named else product, accent=kind.accent)


def address(given: Any) -> URL:
    """Return the SQLAlchemy URL of what a lab was given."""
    try:
        url = sqlalchemy.make_url(getattr(given, "url", given))
        url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
        url.get_dialect().import_dbapi()
    except (exc.NoSuchModuleError, ImportError):
        raise UsageError(
            f"No SQL is spoken at {url.drivername}://. Give a PostgreSQL or MySQL server, or a URL "
            "such as postgresql+psycopg://user:password@host/database."
        ) from None
    except (exc.ArgumentError, ValueError):
        # What was given is not repeated: it may hold a password.
        raise UsageError(
            "A lab wants a server from kit.start, or a database URL such as "
            "postgresql+psycopg://user:password@host:5432/database."
        ) from None
    return url


def _arguments(url: URL) -> dict[str, Any]:
    driver = url.get_driver_name()
    if driver == "psycopg":
        # A prepared statement would fail after another session's ALTER TABLE.
        return {"connect_timeout": CONNECT_SECONDS, "prepare_threshold": None}
    if driver == "pymysql":
        return {"connect_timeout": CONNECT_SECONDS, "charset": "utf8mb4"}
    if driver == "pysqlite":
        return {"check_same_thread": False}
    return {}

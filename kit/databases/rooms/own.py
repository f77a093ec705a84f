"""Room on a shared server whose databases are named: one of the learner's own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any, ClassVar

from kit.databases.base import Database
from kit.databases.endpoint import Endpoint
from kit.databases.rooms import spelled


class OwnDatabase(Database):
    """Give each learner a database, unless the address names the one to use."""

    holds: ClassVar[str] = "tables"
    entry: ClassVar[Mapping[str, Any]] = {"autocommit": True}

    @abstractmethod
    def create_room(self, client: Any, name: str) -> None:
        """Create the database unless it is there; raise Unsupported if the account may not."""

    @abstractmethod
    def drop_room(self, client: Any, name: str) -> None:
        """Drop the database and all in it, if it is there."""

    def confine(self, endpoint: Endpoint, learner: str) -> Endpoint:
        """Return the endpoint of the learner's own database."""
        if endpoint.named:
            return endpoint
        name = f"kit_{spelled(learner)}"
        with closing(self.connect(endpoint, **self.entry)) as client:
            self.create_room(client, name)
        return replace(endpoint, catalog=name, room=name, named=True)

    def vacate(self, endpoint: Endpoint) -> None:
        """Drop the learner's own database."""
        if endpoint.room:
            entry = replace(endpoint, catalog=self.catalog)
            with closing(self.connect(entry, **self.entry)) as client:
                self.drop_room(client, endpoint.room)

    def room(self, endpoint: Endpoint) -> str:
        """Say which database is the learner's."""
        if not endpoint.room:
            return ""
        return f"Your {self.holds} are in the database {endpoint.room} of this server."

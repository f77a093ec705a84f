"""Room on a shared server whose databases are named: one of the learner's own."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import closing
from dataclasses import replace
from typing import Any

from kit.databases.base import Database
from kit.databases.endpoint import Endpoint


class OwnDatabase(Database):
    """Give each learner a database, unless the address names the one to use."""

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
        name = f"kit_{learner}"
        with closing(self.connect(endpoint, autocommit=True)) as client:
            self.create_room(client, name)
        return replace(endpoint, catalog=name, room=name, named=True)

    def vacate(self, endpoint: Endpoint) -> None:
        """Drop the learner's own database."""
        if endpoint.room:
            entry = replace(endpoint, catalog=self.catalog)
            with closing(self.connect(entry, autocommit=True)) as client:
                self.drop_room(client, endpoint.room)

    def room(self, endpoint: Endpoint) -> str:
        """Say which database is the learner's."""
        return f"Your tables are in the database {endpoint.room}." if endpoint.room else ""

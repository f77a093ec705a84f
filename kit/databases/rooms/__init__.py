"""A learner's own room on a server that several share: a numbered database, or a prefix."""

from __future__ import annotations

from zlib import crc32

from kit.databases.endpoint import Endpoint
from kit.errors import Unsupported


class Rooms:
    """What a database does to keep learners apart on one server; by default nothing."""

    def confine(self, endpoint: Endpoint, learner: str) -> Endpoint:
        """Return the endpoint at which only this learner's data are, the same one each time.

        Raise Unsupported where the server has no room left.
        """
        return endpoint

    def vacate(self, endpoint: Endpoint) -> None:
        """Remove what a learner left in the room that `confine` gave, and nothing else."""

    def room(self, endpoint: Endpoint) -> str:
        """Say in one sentence where the learner's data are; empty where they have no room."""
        return ""


def spelled(learner: str) -> str:
    """Return a learner's name in small letters, digits, dashes and underscores; two stay two.

    MongoDB takes no dot in the name of a database, and no two names that differ in case alone;
    nor does MySQL where it keeps its files on a disk that does not tell them apart.
    """
    plain = learner.lower().replace(".", "-")
    return plain if plain == learner else f"{plain}-{crc32(learner.encode()):08x}"


def denied(said: object, example: str) -> Unsupported:
    """Return the error for an account that gets no database of its own; `said` is the server's."""
    return Unsupported(
        f"This account may not create a database of your own: {said}. Name one that you may use at "
        f"the end of the address, such as {example}."
    )

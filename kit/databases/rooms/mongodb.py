"""Room on a shared MongoDB: a database of the learner's own."""

from __future__ import annotations

from typing import Any

from kit.databases.rooms import denied

_DENIED = 13  # Unauthorized, in src/mongo/base/error_codes.yml


def create(client: Any, name: str) -> None:
    """Make sure that the account may use the database, which its first document will create."""
    from pymongo.errors import OperationFailure

    try:
        client[name].list_collection_names()
    except OperationFailure as error:
        if error.code != _DENIED:
            raise
        said = (error.details or {}).get("errmsg", str(error))
        raise denied(said, "mongodb://user@host/mine?authSource=admin") from None

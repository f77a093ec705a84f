"""Room on a shared InfluxDB: a database of the learner's own, and others beside it.

A database for one measurement bears the name of the learner's, a dot and a word.
"""

from __future__ import annotations

from typing import Any

from kit.errors import Unsupported

_DENIED = 403


def create(client: Any, name: str) -> None:
    """Create the database unless it is there."""
    from influxdb.exceptions import InfluxDBClientError

    try:
        client.create_database(name)
    except InfluxDBClientError as error:
        if error.code != _DENIED:
            raise
        raise Unsupported(
            f"This account may not create a database of your own: {error.content}. Name one that "
            "you may use at the end of the address, such as influxdb://user@host/mine."
        ) from None


def drop(client: Any, name: str) -> None:
    """Drop the database and those beside it."""
    for one in client.get_list_database():
        if one["name"] == name or one["name"].startswith(beside(name, "")):
            client.drop_database(one["name"])


def beside(room: str, name: str) -> str:
    """Return the name of a further database of the same learner."""
    return f"{room}.{name}"

"""Room on a shared InfluxDB: a database of the learner's own, and others beside it.

A database for one measurement bears the name of the learner's, a dot and a word.
"""

from __future__ import annotations

import json
from typing import Any

from kit.databases.rooms import denied

_DENIED = 403


def create(client: Any, name: str) -> None:
    """Create the database unless it is there."""
    from influxdb.exceptions import InfluxDBClientError

    try:
        client.create_database(name)
    except InfluxDBClientError as error:
        if error.code != _DENIED:
            raise
        said = json.loads(error.content)["error"]
        raise denied(said, "influxdb://user@host/mine") from None


def drop(client: Any, name: str) -> None:
    """Drop the database and those beside it."""
    for one in client.get_list_database():
        if one["name"] == name or one["name"].startswith(beside(name, "")):
            client.drop_database(one["name"])


def beside(room: str, name: str) -> str:
    """Return the name of a further database of the same learner."""
    return f"{room}.{name}"

"""Room on a shared Redis: one of its numbered databases for each learner.

Who has which is written down in database 0, under CLAIM and the number.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

from kit.errors import Unsupported

CLAIM = "kit:room:"

_USUAL = 16  # how many databases a Redis has unless its configuration says otherwise


def claim(client: Any, learner: str) -> int:
    """Return the number of the database that belongs to the learner, or take a free one.

    `client` is at database 0. A database that holds anything and is nobody's is left alone.
    """
    from redis.exceptions import ResponseError

    try:
        numbers = _from(crc32(learner.encode()), _count(client))
        owners = {number: client.get(f"{CLAIM}{number}") for number in numbers}
        mine = [number for number, owner in owners.items() if owner == learner.encode()]
        if mine:
            return mine[0]
        sizes = client.info("keyspace")
        for number in (one for one in numbers if owners[one] is None):
            if f"db{number}" not in sizes and client.set(f"{CLAIM}{number}", learner, nx=True):
                return number
    except ResponseError as error:
        raise Unsupported(f"This Redis gives no database to a learner: {error}. {_OWN}") from None
    raise Unsupported(f"All {len(numbers)} databases for learners are taken. {_OWN}")


def release(client: Any, number: int, learner: str) -> None:
    """Empty a learner's database, and let somebody else have it; `client` is at database 0."""
    if client.get(f"{CLAIM}{number}") != learner.encode():
        return
    pipe = client.pipeline()
    pipe.execute_command("SELECT", number)
    pipe.flushdb()
    pipe.execute_command("SELECT", 0)
    pipe.delete(f"{CLAIM}{number}")
    pipe.execute()


_OWN = (
    "Name a database of your own in the address, such as redis://host/3, or start a server: "
    'kit.start("redis", backend="process", name="mine").'
)


def _count(client: Any) -> int:
    from redis.exceptions import ResponseError

    try:
        return int(client.config_get("databases").get("databases", _USUAL))
    except ResponseError:  # a server in the cloud may keep its configuration to itself
        return _USUAL


def _from(place: int, count: int) -> list[int]:
    """Return all numbers but 0, beginning somewhere, so that learners seldom meet."""
    return [(place + step) % (count - 1) + 1 for step in range(count - 1)]

"""A small service that keeps its sessions, its scores and its figures in Redis."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from kit.labs.redis.source import Client

SESSION = 1800
"""Seconds after the last visit at which a session is over."""

BOARD = "board:models"
KEEP = 3600
"""Seconds for which figures of a minute are kept."""

_ROTATED = """\
if redis.call('EXISTS', KEYS[1]) == 0 then return nil end
redis.call('HINCRBY', KEYS[1], 'pages', 1)
redis.call('EXPIRE', KEYS[1], ARGV[1])
return redis.call('HGETALL', KEYS[1])
"""


def log_in(client: Client, user: str, *, life: int = SESSION, **facts: Any) -> str:
    """Open a session for a user and return its token, which nobody can guess."""
    token = secrets.token_urlsafe(16)
    pipeline = client.pipeline()
    pipeline.hset(_session(token), mapping={"user": user, "pages": 0, **facts})
    pipeline.expire(_session(token), life)
    pipeline.execute()
    return token


def visit(client: Client, token: str, *, life: int = SESSION) -> dict[str, str] | None:
    """Count a page and let the session live on from now; None where it is over.

    One script does all of it: a session that ends in between is not brought back half.
    """
    found = client.eval(_ROTATED, 1, _session(token), life)
    if found is None:
        return None
    pairs = zip(found[::2], found[1::2], strict=True)
    return {_text(name): _text(value) for name, value in pairs}


def log_out(client: Client, token: str) -> bool:
    """End a session; return whether there was one."""
    return bool(client.unlink(_session(token)))


def score(client: Client, model: str, accuracy: float) -> None:
    """Enter a model's accuracy; a worse one does not replace a better one (ZADD GT)."""
    client.zadd(BOARD, {model: accuracy}, gt=True)


def top(client: Client, most: int = 10) -> list[tuple[str, float]]:
    """Return the best models with their accuracies, the best first."""
    return [(_text(name), value) for name, value in client.zrevrange(BOARD, 0, most - 1, True)]


def rank(client: Client, model: str) -> int | None:
    """Return a model's place, from 1; None for one that was never entered."""
    place = client.zrevrank(BOARD, model)
    return None if place is None else int(place) + 1


def record(client: Client, model: str, user: str, seconds: float) -> None:
    """Add one prediction to the figures of this minute, in one round trip.

    Sums and counts are kept, from which a mean follows: means themselves could not be added. Users
    are counted by a HyperLogLog, which takes 12 kB at most and errs by 0.81 % (PFCOUNT).
    """
    minute = int(client.time()[0]) // 60
    figures, users = f"metrics:{model}:{minute}", f"users:{model}:{minute}"
    pipeline = client.pipeline()
    pipeline.hincrby(figures, "requests", 1)
    pipeline.hincrby(figures, "microseconds", round(seconds * 1e6))
    pipeline.expire(figures, KEEP)
    pipeline.pfadd(users, user)
    pipeline.expire(users, KEEP)
    pipeline.execute()


def figures(client: Client, model: str, minutes: int = 60) -> dict[str, float]:
    """Return requests, mean seconds and different users of the last `minutes`, this one included.

    PFCOUNT over several minutes counts a user once, in whichever of them he came.
    """
    now = int(client.time()[0]) // 60
    places = range(now - minutes + 1, now + 1)
    pipeline = client.pipeline(transaction=False)
    for place in places:
        pipeline.hmget(f"metrics:{model}:{place}", "requests", "microseconds")
    pipeline.pfcount(*(f"users:{model}:{place}" for place in places))
    *rows, users = pipeline.execute()
    requests = sum(int(row[0] or 0) for row in rows)
    total = sum(int(row[1] or 0) for row in rows)
    mean = total / requests / 1e6 if requests else float("nan")
    return {"requests": requests, "seconds": mean, "users": int(users)}


def remember_run(client: Client, run: str, metrics: Mapping[str, float], keep: int = 10) -> None:
    """Put a run's metrics in front of the list of recent ones, and cut the list to `keep`."""
    pipeline = client.pipeline()
    pipeline.lpush("runs:recent", json.dumps({"run": run, **metrics}))
    pipeline.ltrim("runs:recent", 0, keep - 1)
    pipeline.execute()


def recent_runs(client: Client) -> Sequence[dict[str, Any]]:
    """Return the recent runs, the newest first."""
    return [json.loads(entry) for entry in client.lrange("runs:recent", 0, -1)]


def _session(token: str) -> str:
    return f"session:{token}"


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value

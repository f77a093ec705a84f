"""Three rate limiters, each one atomic script, and what each of them promises.

All admit `limit` requests per `window`. A script runs alone on the server and takes the time from
it (TIME, in microseconds), so neither the number of clients nor their clocks matter. Every count is
a whole number: there is no rounding that could admit one too many.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kit.errors import UnknownName, UsageError
from kit.labs.redis.source import Client

_HEAD = """\
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
"""

FIXED = (
    _HEAD
    + """\
local begun = now - now % window
local state = redis.call('HMGET', KEYS[1], 'begun', 'count')
local count = tonumber(state[1]) == begun and tonumber(state[2]) or 0
if count >= limit then
  return {0, now, begun + window - now}
end
redis.call('HSET', KEYS[1], 'begun', string.format('%.0f', begun), 'count', count + 1)
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
return {1, now, 0}
"""
)

SLIDING = (
    _HEAD
    + """\
local oldest = redis.call('LINDEX', KEYS[1], 0)
while oldest and tonumber(oldest) <= now - window do
  redis.call('LPOP', KEYS[1])
  oldest = redis.call('LINDEX', KEYS[1], 0)
end
if redis.call('LLEN', KEYS[1]) >= limit then
  return {0, now, tonumber(oldest) + window - now}
end
redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
return {1, now, 0}
"""
)

# A token is worth `window`, and `limit` flows in with every microsecond.
BUCKET = (
    _HEAD
    + """\
local full = limit * window
local state = redis.call('HMGET', KEYS[1], 'level', 'at')
local level, at = tonumber(state[1]) or full, tonumber(state[2]) or now
level = math.min(full, level + (now - at) * limit)
local admitted = level >= window
if admitted then level = level - window end
redis.call('HSET', KEYS[1], 'level', string.format('%.0f', level),
           'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000) + 1)
return {admitted and 1 or 0, now, admitted and 0 or math.ceil((window - level) / limit)}
"""
)


@dataclass(frozen=True)
class Decision:
    """What a limiter said: `at` by the server's clock, in microseconds since 1970; `wait` as well.

    `wait` is how long to wait before the next try can succeed, 0 where the request was admitted.
    """

    admitted: bool
    at: int
    wait: int


@dataclass(frozen=True)
class Kind:
    """A limiter by name: its script, and its definition over a list of moments."""

    title: str
    script: str
    defined: Callable[[Sequence[int], int, int], list[bool]]


class Limiter:
    """Admit `limit` requests per `window` seconds for each name, however many clients ask."""

    def __init__(self, client: Client, kind: str, *, limit: int, window: float) -> None:
        if kind not in KINDS:
            raise UnknownName.among("rate limiter", kind, KINDS)
        if limit < 1 or window <= 0:
            raise UsageError("A rate limiter admits at least 1 request in a window above 0 s.")
        self.kind = KINDS[kind]
        self.limit, self.window = limit, round(window * 1e6)
        self._name = kind
        self._script = client.register_script(self.kind.script)

    def key(self, name: str) -> str:
        """Return where the state for `name` is kept."""
        return f"limit:{self._name}:{name}"

    def ask(self, name: str, client: Client | None = None) -> Any:
        """Ask whether `name` may go ahead now; in a pipeline the answer comes with the others'."""
        reply = self._script(keys=[self.key(name)], args=[self.limit, self.window], client=client)
        return read(reply) if isinstance(reply, list) else reply

    def defined(self, moments: Sequence[int]) -> list[bool]:
        """Return what the definition says for requests at these moments, in order."""
        return self.kind.defined(moments, self.limit, self.window)


def read(reply: Sequence[int]) -> Decision:
    """Read a script's reply."""
    return Decision(bool(reply[0]), int(reply[1]), int(reply[2]))


def most(moments: Sequence[int], window: int) -> int:
    """Return the largest number of moments in any span as long as the window."""
    return max(
        (i + 1 - bisect_right(moments, t - window) for i, t in enumerate(moments)), default=0
    )


def _fixed(moments: Sequence[int], limit: int, window: int) -> list[bool]:
    counts: dict[int, int] = {}
    said = []
    for moment in moments:
        place = moment // window
        said.append(counts.get(place, 0) < limit)
        counts[place] = counts.get(place, 0) + said[-1]
    return said


def _sliding(moments: Sequence[int], limit: int, window: int) -> list[bool]:
    said, kept = [], deque[int](maxlen=limit)
    for moment in moments:
        said.append(len(kept) < limit or kept[0] <= moment - window)
        if said[-1]:
            kept.append(moment)
    return said


def _bucket(moments: Sequence[int], limit: int, window: int) -> list[bool]:
    level, before, said = limit * window, moments[0] if moments else 0, []
    for moment in moments:
        level = min(limit * window, level + (moment - before) * limit)
        said.append(level >= window)
        level -= window * said[-1]
        before = moment
    return said


KINDS = {
    "fixed": Kind("fixed window", FIXED, _fixed),
    "sliding": Kind("sliding window", SLIDING, _sliding),
    "bucket": Kind("token bucket", BUCKET, _bucket),
}

"""A cache stampede: one popular answer expires, and everybody computes it at once."""

from __future__ import annotations

import json
import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from kit.errors import UnknownName
from kit.labs.redis import source as sources
from kit.labs.redis.serving import Model
from kit.labs.redis.source import Client, Source
from kit.measure.load import load
from kit.widgets.timeline import Span

if TYPE_CHECKING:
    from kit.launch.server import Server

KEY = "popular"
BETA = 1.0
PAUSE = 0.002
"""Seconds that a visitor rests between two requests."""

COMPUTING, WAITING = "computing", "waiting"


@dataclass
class Rush:
    """What happened when all asked for one answer; times are in seconds from the start.

    Each visitor has its list of spans in which it computed the answer or waited for another's.
    """

    remedy: str
    visitors: list[list[Span]] = field(default_factory=list)
    requests: int = 0
    lives: int = 0

    @property
    def computed(self) -> int:
        """Return how often the answer was computed."""
        return len(self.times)

    @property
    def times(self) -> list[tuple[float, float]]:
        """Return when it was computed, from when to when."""
        every = (span for spans in self.visitors for span in spans if span.kind == COMPUTING)
        return sorted((span.begin, span.end) for span in every)

    @property
    def at_once(self) -> int:
        """Return how many computed it at the same time, at the most."""
        steps = [(begin, 1) for begin, _ in self.times] + [(end, -1) for _, end in self.times]
        most = now = 0
        for _, step in sorted(steps):
            now += step
            most = max(most, now)
        return most

    @property
    def waited(self) -> float:
        """Return the longest time, in seconds, that anybody was kept from an answer."""
        return max((s.end - s.begin for spans in self.visitors for s in spans), default=0.0)


class _Visitor:
    def __init__(self, client: Client, number: int, begun: float) -> None:
        self.client = client
        self.chance = random.Random(number)
        self.begun = begun
        self.spans: list[Span] = []

    def timed(self, kind: str, work: Callable[[], Any]) -> Any:
        began = time.perf_counter() - self.begun
        result = work()
        self.spans.append(Span(began, time.perf_counter() - self.begun, kind))
        return result


class _Answer:
    """The popular answer: how it is computed and kept, and the three ways to ask for it."""

    def __init__(self, model: Model, ttl: float) -> None:
        self.model, self.ttl = model, ttl

    def plainly(self, visitor: _Visitor) -> object:
        """Compute it whenever it is not there."""
        return visitor.client.get(KEY) or self.fresh(visitor)

    def by_lock(self, visitor: _Visitor) -> object:
        """Let one compute it and the others wait for that one (SET key token NX PX)."""
        if found := visitor.client.get(KEY):
            return found
        lock = visitor.client.lock(f"{KEY}:lock", timeout=5.0, sleep=0.005)
        visitor.timed(WAITING, lock.acquire)
        try:
            # Whoever held the lock before has most likely left the answer here.
            return visitor.client.get(KEY) or self.fresh(visitor)
        finally:
            lock.release()

    def early(self, visitor: _Visitor) -> object:
        """Now and then compute it before it expires, the likelier the nearer the end.

        The rule is XFetch: where `delta` is how long computing took, compute when
        `-delta * beta * log(random())` reaches what is left of its life (Vattani, Chierichetti and
        Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", PVLDB 8(8), 2015, figure 3).
        """
        pipeline = visitor.client.pipeline(transaction=False)
        found, left = pipeline.get(KEY).pttl(KEY).execute()
        if not found:
            return self.fresh(visitor)
        delta = json.loads(found)["took"]
        if -delta * BETA * math.log(1 - visitor.chance.random()) >= left / 1000:
            return self.fresh(visitor)
        return found

    def fresh(self, visitor: _Visitor) -> bytes:
        """Compute it, and keep it together with how long that took."""
        began = time.perf_counter()
        answer = json.loads(visitor.timed(COMPUTING, lambda: self.model.predict(0)))
        answer["took"] = time.perf_counter() - began
        kept = json.dumps(answer).encode()
        visitor.client.set(KEY, kept, px=round(self.ttl * 1000))
        return kept


REMEDIES: dict[str, Callable[[_Answer, _Visitor], object]] = {
    "none": _Answer.plainly,
    "lock": _Answer.by_lock,
    "early": _Answer.early,
}


def rush(
    server: Server | str | Source,
    model: Model,
    remedy: str = "none",
    *,
    visitors: int = 8,
    ttl: float = 0.5,
    seconds: float = 2.0,
    stop: threading.Event | None = None,
) -> Rush:
    """Have visitors ask for one answer that lives for `ttl` seconds, and note who computed it."""
    if remedy not in REMEDIES:
        raise UnknownName.among("remedy", remedy, REMEDIES)
    source = server if isinstance(server, Source) else sources.read(server)
    answer, ask = _Answer(model, ttl), REMEDIES[remedy]
    everybody: list[_Visitor] = []
    numbers = count()
    begun = time.perf_counter()

    def visit() -> _Visitor:
        visitor = _Visitor(source.open(), next(numbers), begun)
        visitor.client.ping()
        everybody.append(visitor)
        return visitor

    def once(visitor: _Visitor) -> None:
        ask(answer, visitor)
        time.sleep(PAUSE)

    with source.open() as client:
        client.delete(KEY, f"{KEY}:lock")
        # The very first answer is missed by all, whatever the remedy: the lesson is in the others.
        answer.fresh(_Visitor(client, 0, begun))
        done = load(
            visit,
            once,
            clients=visitors,
            seconds=seconds,
            warm=0,
            close=lambda visitor: visitor.client.close(),
            stop=stop,
        )
        client.delete(KEY)
    for problem in done.messages.values():
        raise ConnectionError(problem)
    spans = [visitor.spans for visitor in everybody]
    return Rush(remedy, spans, done.operations, round(seconds / ttl))

"""Traffic on a served model, and what the cache made of it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from kit.labs.redis.serving import PREFIX, Model, Service, Visitor, Zipf, forget
from kit.labs.redis.source import Client, Source
from kit.measure.load import Load, load

POLICIES = (
    "noeviction",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-ttl",
)
"""What Redis does when its memory is full (`maxmemory-policy`)."""

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How a service is run: `room` is the memory for answers in bytes, 0 for as much as there is.

    `ttl` is in seconds, 0 for ever. `inputs` different questions are asked; `skew` is that of
    Zipf's law.
    """

    cached: bool = True
    ttl: float = 60.0
    skew: float = 1.0
    inputs: int = 400
    room: int = 0
    policy: str = "allkeys-lru"
    clients: int = 8
    seconds: float = 2.0


@dataclass
class Report:
    """What was measured: latencies in seconds, and the share of answers from the cache over time.

    `evicted` and `expired` are counted by the server. `kept` answers were there at the end;
    `unkept` ones found the memory full.
    """

    setting: Setting
    hits: list[float] = field(default_factory=list)
    misses: list[float] = field(default_factory=list)
    ratios: list[Point] = field(default_factory=list)
    unkept: int = 0
    kept: int = 0
    evicted: int = 0
    expired: int = 0
    throughput: float = 0.0
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """Return the share of requests that the cache answered."""
        asked = len(self.hits) + len(self.misses)
        return len(self.hits) / asked if asked else 0.0


def run(
    source: Source,
    model: Model,
    setting: Setting,
    *,
    stop: threading.Event | None = None,
    tick: Callable[[Report], object] | None = None,
) -> Report:
    """Let clients ask a model for `seconds`, beginning with an empty cache.

    `tick` is called ten times per second with what is known so far. The server's memory limit and
    policy are as before when this returns.
    """
    if setting.room:
        source.require_own("lowers the server's memory limit, so that it evicts")
    zipf = Zipf(min(setting.inputs, len(model.inputs)), setting.skew)
    service = Service(model=model, zipf=zipf, ttl=setting.ttl, cached=setting.cached)
    visitors: list[Visitor] = []
    numbers = count()

    def visit() -> Visitor:
        # The connections made beforehand come first; others replace those that broke.
        client = ready.pop() if ready else source.open()
        visitor = Visitor(client, random.Random(next(numbers)))
        visitors.append(visitor)
        return visitor

    def look(done: Load) -> None:
        report.ratios.append((done.seconds, _recent(visitors, report)))
        if tick is not None:
            tick(report)

    report = Report(setting)
    with source.open() as client:
        forget(client)
        ready = _connected(source, setting.clients)
        with _memory(client, setting), _counted(client, report):
            done = load(
                visit,
                service.answer,
                clients=setting.clients,
                seconds=setting.seconds,
                warm=0,
                close=lambda visitor: visitor.client.close(),
                stop=stop,
                tick=look,
            )
            _gather(visitors, report)
            report.kept = sum(1 for _ in client.scan_iter(match=f"{PREFIX}:*", count=500))
    report.throughput, report.errors = done.throughput, dict(done.messages)
    return report


def _connected(source: Source, clients: int) -> list[Client]:
    """Open connections and use each once: their buffers take room before answers do."""
    opened = [source.open() for _ in range(clients)]
    for client in opened:
        client.ping()
    return opened


def _recent(visitors: list[Visitor], report: Report) -> float:
    """Return the share of hits since the last look."""
    before = len(report.hits), len(report.misses)
    _gather(visitors, report)
    hits, misses = len(report.hits) - before[0], len(report.misses) - before[1]
    return hits / (hits + misses) if hits + misses else float("nan")


def _gather(visitors: list[Visitor], report: Report) -> None:
    report.hits = [latency for one in visitors for latency in one.hits.copy()]
    report.misses = [latency for one in visitors for latency in one.misses.copy()]
    report.unkept = sum(one.unkept for one in visitors)


@contextmanager
def _memory(client: Client, setting: Setting) -> Iterator[None]:
    """Leave so much room for answers, and put the server's own limit back afterwards."""
    if not setting.room:
        yield
        return
    names = ("maxmemory", "maxmemory-policy")
    before = {name: client.config_get(name)[name] for name in names}
    try:
        used = int(client.info("memory")["used_memory"])
        client.config_set("maxmemory-policy", setting.policy)
        client.config_set("maxmemory", used + setting.room)
        yield
    finally:
        for name, value in before.items():
            client.config_set(name, value)


@contextmanager
def _counted(client: Client, report: Report) -> Iterator[None]:
    """Note what the server counts meanwhile."""
    before: dict[str, Any] = client.info("stats")
    yield
    after = client.info("stats")
    report.evicted = after["evicted_keys"] - before["evicted_keys"]
    report.expired = after["expired_keys"] - before["expired_keys"]


def written(setting: Setting, model: Model) -> str:
    """Write the commands that the service sends."""
    key = f"{PREFIX}:{model.name}:…"
    life = f" PX {round(setting.ttl * 1000)}" if setting.ttl else ""
    memory = (
        [f"CONFIG SET maxmemory-policy {setting.policy}", "CONFIG SET maxmemory …"]
        if setting.room
        else []
    )
    asked = [f"GET {key}", f'SET {key} "{{…}}"{life}'] if setting.cached else []
    return "\n".join([*memory, *asked]) or "# nothing: each answer is computed"

"""Where the time of a command goes: Redis itself, the way there and back, the driver."""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kit.labs.redis import source as sources
from kit.labs.redis.experiment import Experiment, choice
from kit.labs.redis.source import Client, Source
from kit.widgets import units
from kit.widgets.bars import Bar, Bars
from kit.widgets.histogram import Distribution, Histogram
from kit.widgets.table import Grid, Table
from kit.widgets.values import Shown

if TYPE_CHECKING:
    from kit.launch.server import Server

__all__ = ["Latency", "Times", "measure", "panel"]

KEY = "latency:lesson"
VALUE = b"x" * 100
CHUNK = 50  # commands between two looks at whether to stop


@dataclass
class Times:
    """Latencies of GET in seconds, each list by a way of asking; `server` is Redis's own mean.

    `plain` speaks the protocol over a bare socket, so what `single` takes beyond it is the driver's
    own. `pipelined` is the time of a round trip divided by the commands in it.
    """

    batch: int
    single: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    pipelined: list[float] = field(default_factory=list)
    server: float = 0.0
    calls: int = 0
    histogram: dict[int, int] = field(default_factory=dict)

    @property
    def parts(self) -> dict[str, float]:
        """Return the median command as Redis's share, the way's and the driver's, in seconds."""
        single, plain = statistics.median(self.single), statistics.median(self.plain)
        return {
            "Redis": self.server,
            "the way there and back": max(0.0, plain - self.server),
            "the driver": max(0.0, single - plain),
        }


def measure(
    server: Server | str | Source,
    *,
    commands: int = 2000,
    batch: int = 100,
    stop: threading.Event | None = None,
    tick: Callable[[Times], object] | None = None,
) -> Times:
    """Time GET one at a time, over a bare socket, and `batch` to a round trip; ask the server too.

    The server's figures are the difference of two INFO commandstats, and LATENCY HISTOGRAM where
    it has that (from Redis 7 on); its counts are cumulative, in microseconds.
    """
    source = server if isinstance(server, Source) else sources.read(server)
    halt, times = stop or threading.Event(), Times(batch)
    with source.open() as client, _wire(client) as wire:
        client.set(KEY, VALUE)
        request = b"*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n" % (len(KEY), KEY.encode())
        answer = len(b"$%d\r\n%s\r\n" % (len(VALUE), VALUE))
        before = _statistics(client)
        for _ in range(0, commands, CHUNK):
            if halt.is_set():
                break
            # The ways take turns, so that a busy moment of the machine meets them all alike.
            times.single += _timed(lambda: client.get(KEY), CHUNK)
            times.plain += _timed(lambda: _exchange(wire, request, answer), CHUNK)
            times.pipelined += [t / batch for t in _timed(lambda: _pipeline(client, batch), 2)]
            if tick is not None:
                tick(times)
        after = _statistics(client)
        times.calls = after["calls"] - before["calls"]
        times.server = (after["usec"] - before["usec"]) / max(times.calls, 1) / 1e6
        times.histogram = _histogram(client)
        client.unlink(KEY)
    return times


def panel(server: Server | str, *, commands: int = 2000, batch: int = 100) -> Latency:
    """Show how long a GET takes, alone and in company, and who spends that time."""
    shown = Latency(sources.read(server), commands, batch)
    shown.run()
    return shown


class Latency(Experiment):
    """Measure, and set the ways beneath each other on one axis."""

    def __init__(self, source: Source, commands: int, batch: int) -> None:
        self.times: Times | None = None
        self.commands = choice("Commands", sorted({500, 2000, 10_000, commands}), commands)
        self.batch = choice("In one pipeline", sorted({10, 100, 1000, batch}), batch)
        self.histogram = Histogram("s", of="time of one GET")
        self.bars = Bars("s", of="the median GET, taken apart")
        self.table = Table("What the server counted")
        super().__init__(
            source,
            "Latency",
            controls=[self.commands, self.batch],
            body=[self.histogram, self.bars, self.table],
        )

    def measure(self) -> str:
        """Measure, and draw while it lasts."""
        self.times = times = measure(
            self.source,
            commands=int(self.commands.value),
            batch=int(self.batch.value),
            stop=self.stop,
            tick=self._draw,
        )
        self.ran(
            f"GET {KEY}\n# the same {times.batch} times in one round trip, by a pipeline\n"
            "INFO commandstats\nLATENCY HISTOGRAM get"
        )
        self._draw(times)
        if times.single:
            self.bars.show([Bar(label, value) for label, value in times.parts.items()])
        self.table.show(_grid(times))
        fast = statistics.median(times.pipelined) if times.pipelined else 0.0
        return f"{units.duration(fast)} per command in a pipeline"

    def _draw(self, times: Times) -> None:
        self.histogram.show(
            [
                Distribution("GET by the driver", times.single),
                Distribution("GET over a bare socket", times.plain),
                Distribution(f"GET, {times.batch} to a pipeline", times.pipelined),
            ]
        )


def _grid(times: Times) -> Grid:
    here = "this notebook's clock"
    rows: list[Sequence[object]] = [
        ("GET by the driver", *_marks(times.single), here),
        ("GET over a bare socket", *_marks(times.plain), here),
        (f"GET, {times.batch} to a pipeline", *_marks(times.pipelined), here),
        ("GET inside Redis, mean", _shown(times.server), None, "INFO commandstats"),
        ("GET inside Redis, at most", *_bounds(times.histogram), "LATENCY HISTOGRAM get"),
    ]
    return Grid(
        columns=("what", "p50", "p99", "by"),
        rows=rows if times.histogram else rows[:-1],
        note="Redis counts since its start or its last CONFIG RESETSTAT, whoever asked.",
        volatile=frozenset({"p50", "p99"}),
    )


def _marks(some: Sequence[float]) -> tuple[object, object]:
    if not some:
        return None, None
    ordered = sorted(some)
    fifty, ninety_nine = (ordered[-(-share * len(ordered) // 100) - 1] for share in (50, 99))
    return _shown(fifty), _shown(ninety_nine)


def _bounds(histogram: dict[int, int]) -> tuple[object, object]:
    """Return the upper ends of the steps in which the two percentiles lie."""
    total = max(histogram.values(), default=0)
    reached = [
        next((upper for upper, count in sorted(histogram.items()) if count >= total * share), 0)
        for share in (0.5, 0.99)
    ]
    return _shown(reached[0] / 1e6), _shown(reached[1] / 1e6)


def _shown(seconds: float) -> Shown:
    return Shown(units.duration(seconds) if seconds >= 1e-6 else f"{seconds * 1e6:.1f} µs", seconds)


def _timed(work: Callable[[], object], times: int) -> list[float]:
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        took.append(time.perf_counter() - begun)
    return took


def _pipeline(client: Client, batch: int) -> None:
    pipeline = client.pipeline(transaction=False)
    for _ in range(batch):
        pipeline.get(KEY)
    pipeline.execute()


def _wire(client: Client) -> socket.socket:
    """Return a socket of its own on which the driver has shown the password, and nothing more."""
    pool = client.connection_pool
    connection = pool.connection_class(**pool.connection_kwargs)
    connection.connect()
    taken: socket.socket = connection._sock
    # The connection must not close what it no longer owns.
    connection._sock = None
    taken.settimeout(10)
    return taken


def _exchange(wire: socket.socket, request: bytes, answer: int) -> None:
    wire.sendall(request)
    left = answer
    while left > 0:
        received = len(wire.recv(left))
        if not received:
            raise ConnectionError("The server closed the connection.")
        left -= received


def _statistics(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.info("commandstats").get("cmdstat_get", {"calls": 0, "usec": 0})
    return found


def _histogram(client: Client) -> dict[int, int]:
    from redis.exceptions import ResponseError

    try:
        reply = client.execute_command("LATENCY HISTOGRAM", "get")
    except ResponseError:
        return {}
    facts = dict(zip(reply[1][::2], reply[1][1::2], strict=True)) if reply else {}
    pairs = facts.get(b"histogram_usec", [])
    return dict(zip(pairs[::2], pairs[1::2], strict=True))

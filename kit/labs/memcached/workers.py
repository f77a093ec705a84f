"""The concurrency panel: threads of the server against clients, and where the limit is."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import ipywidgets

from kit import databases
from kit.errors import UsageError
from kit.labs.memcached import crowd
from kit.labs.memcached.crowd import Burden
from kit.labs.memcached.refusal import FAULTS, refused
from kit.widgets import units
from kit.widgets.chart import Series
from kit.widgets.code import Code
from kit.widgets.measured import MeasuredChart
from kit.widgets.panel import Panel
from kit.widgets.table import Grid, Table
from kit.widgets.values import Shown

if TYPE_CHECKING:
    from kit.launch.server import Server

Kind = Literal["threads of this kernel", "processes that read batches"]
KINDS: tuple[Kind, ...] = ("threads of this kernel", "processes that read batches")

_COUNTS: dict[Kind, tuple[int, ...]] = {KINDS[0]: (1, 4, 16), KINDS[1]: (0, 1, 2, 4)}
_FRACTION_DIGITS = 2
_MEASURED = frozenset({"reads/s", "keys/s", "p50", "p99", "server busy", "Python busy"})
_NOTES: dict[Kind, str] = {
    KINDS[0]: "busy: cores in use, 1.00 is one whole core; Python runs one thread at a time",
    KINDS[1]: f"a batch has {crowd.BATCH:,} keys; p50 and p99 are those of one client beside them "
    "that reads single keys",
}
_CODE: dict[Kind, str] = {
    KINDS[0]: """\
from kit.labs import memcached
memcached.single(server, clients={count})   # kit.measure.load of client.get("single")
server.connect().stats()   # rusage_user + rusage_system, before and after""",
    KINDS[1]: """\
from kit.labs import memcached
memcached.batches(server, readers={count})   # in each process: get batch:0 batch:1 … batch:999
server.connect().stats()   # rusage_user + rusage_system, before and after""",
}


def concurrency(
    *servers: Server, clients: Kind = "threads of this kernel", seconds: float = crowd.SECONDS
) -> Concurrency:
    """Put more and more clients on servers that differ in their threads, and measure.

    Give servers started with `settings={"t": …}`; `seconds` is how long each load lasts.
    """
    if not servers:
        raise UsageError('Give at least one server: kit.start("memcached", settings={"t": 4}).')
    return Concurrency(servers, clients, seconds)


class Concurrency(Panel):
    """Measure every number of clients on every server."""

    def __init__(self, servers: Sequence[Server], clients: Kind, seconds: float) -> None:
        self.servers = tuple(servers)
        self.seconds = seconds
        self.burdens: list[Burden] = []
        self._turn = threading.Lock()
        self._end = threading.Event()
        self.kind = ipywidgets.Dropdown(description="Clients", options=list(KINDS), value=clients)
        self.kind.layout.width = "auto"
        self.go = ipywidgets.Button(
            description="Measure",
            tooltip="Put the clients on each server in turn",
            button_style="primary",
        )
        self.go.on_click(lambda _button: self.background(self.run))
        self.table = Table("Load and latency")
        self.chart = MeasuredChart(x="clients", y="reads/s", zero=True, whole=True)
        super().__init__(
            "Threads and clients",
            note=" and ".join(f"{server.product} · {server.name}" for server in servers),
            accent=databases.get("memcached").accent,
            controls=[self.go, self.kind],
            body=[self.table, self.chart],
            strip=Code("Code that ran", language="python"),
        )
        self._lay(visible=False)
        self.empty("Nothing was measured yet.", "Press `Measure`: it takes some seconds.")

    def run(self) -> list[Burden]:
        """Measure all of them, and return what was measured."""
        with self._turn:
            self._end.clear()
            self.burdens = []
            begun = time.perf_counter()
            try:
                self._measure(self.kind.value)
            except FAULTS as error:
                why = refused(error)
                self.fail(why.message, why.hint)
                return self.burdens
            self.done(self._said(), seconds=time.perf_counter() - begun)
        return self.burdens

    def close(self) -> None:
        """End the load and remove the panel; the servers stay."""
        self._end.set()
        super().close()

    def _measure(self, kind: Kind) -> None:
        counts = _COUNTS[kind]
        for server in self.servers:
            for count in counts:
                if self._end.is_set():
                    return
                self.start(f"{server.name}: {count} {kind}", cancel=self._end.set)
                self.burdens.append(self._one(server, kind, count))
                self._show(kind)

    def _one(self, server: Server, kind: Kind, count: int) -> Burden:
        if kind == KINDS[0]:
            return crowd.single(server, clients=count, seconds=self.seconds, stop=self._end)
        return crowd.batches(server, readers=count, seconds=self.seconds, stop=self._end)

    def _show(self, kind: Kind) -> None:
        self._lay(visible=True)
        self.table.show(_grid(kind, self.burdens))
        alone = kind == KINDS[0]
        self.chart.x = "clients" if alone else "batch readers"
        self.chart.show(
            _lines(kind, self.burdens), y="thousand reads/s" if alone else "million keys/s"
        )
        if self.strip is not None:
            self.strip.show(_CODE[kind].format(count=_COUNTS[kind][-1]))

    def _said(self) -> str:
        count = units.plural(len(self.burdens), "load")
        return f"stopped after {count}" if self._end.is_set() else count

    def _lay(self, *, visible: bool) -> None:
        for part in (self.table, self.chart):
            part.layout.display = None if visible else "none"


def _lines(kind: Kind, burdens: Sequence[Burden]) -> list[Series]:
    lines: dict[str, list[tuple[float, float]]] = {}
    for one in burdens:
        alone = (one.load.clients, one.load.throughput / 1e3)
        point = alone if kind == KINDS[0] else (one.readers, one.batch_keys / 1e6)
        label = f"{one.server}, {units.plural(one.threads, 'thread')}"
        lines.setdefault(label, []).append(point)
    return [Series(label, points) for label, points in lines.items()]


def _grid(kind: Kind, burdens: Sequence[Burden]) -> Grid:
    alone = kind == KINDS[0]
    counted = ["clients", "reads/s"] if alone else ["batch readers", "keys/s"]
    columns = ["server threads", *counted, "p50", "p99", "server busy"]
    rows = []
    for one in burdens:
        first = [one.load.clients, one.load.throughput] if alone else [one.readers, one.batch_keys]
        rows.append(
            [
                one.threads,
                first[0],
                Shown(f"{first[1]:,.0f}", first[1]),
                *(_time(one.load.percentile(share)) for share in (50, 99)),
                _cores(one.server_cpu),
                *([_cores(one.python_cpu)] if alone else []),
            ]
        )
    return Grid(
        columns=[*columns, *(["Python busy"] if alone else [])],
        rows=rows,
        note=_NOTES[kind],
        volatile=_MEASURED,
    )


def _time(seconds: float) -> Shown:
    return Shown(units.duration(seconds), seconds)


def _cores(count: float) -> Shown:
    return Shown(f"{count:.{_FRACTION_DIGITS}f}", count)

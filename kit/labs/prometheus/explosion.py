"""The label explosion: what a user id costs once it is a label."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ipywidgets

from kit import databases
from kit.errors import KitError, StartTimeout
from kit.labs.prometheus.api import Api, hint
from kit.labs.prometheus.web import Reply, Web
from kit.labs.prometheus.wiring import scrape
from kit.widgets import units
from kit.widgets.bars import Bar, Bars
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.table import Grid, Table
from kit.widgets.values import Shown

if TYPE_CHECKING:
    from kit.launch.server import Server

SERIES = 'sum(prometheus_tsdb_head_series{job="prometheus"})'
MEMORY = 'sum(process_resident_memory_bytes{job="prometheus"})'
SCRAPED = 'sum(scrape_samples_scraped{job="lesson", service="explosion"})'
TOOK = 'sum(scrape_duration_seconds{job="lesson", service="explosion"})'
USERS = (10, 1_000, 10_000, 30_000)

_PATIENCE = 45.0
_MOMENT = 0.1
_STAYS = "Series stay in memory for hours after their last value: measured again, it begins there."


@dataclass(frozen=True)
class Count:
    """What Prometheus tells of itself with so many users: series, memory, and one scrape's time."""

    users: int
    series: float
    memory: float
    scrape: float


class Explosion(Panel):
    """Let more and more users become label values, and measure the server after each."""

    def __init__(self, api: Api, users: Sequence[int]) -> None:
        server, self.api = api.server, api
        self.users = tuple(users)
        self.counts: list[Count] = []
        self._stop = threading.Event()
        self.table = Table("What it costs")
        self.bars = Bars("bytes", of="memory of the server")
        self.go = ipywidgets.Button(
            description="Measure", tooltip="Begin with few users", button_style="primary"
        )
        self.go.on_click(lambda _button: self.background(self.run))
        strip = Code("PromQL that ran", language="promql")
        strip.show("\n".join([SERIES, MEMORY, SCRAPED, TOOK]))
        super().__init__(
            "Label explosion",
            note=f"{server.product} · {server.name}",
            accent=databases.get(server.database).accent,
            controls=[self.go],
            body=[self.table, self.bars],
            strip=strip,
        )
        self.empty("Nothing has been measured yet.")

    def run(self) -> list[Count]:
        """Measure from the fewest users to the most; return what was counted."""
        self.go.disabled = True
        self._stop.clear()
        self.counts = []
        self.start(cancel=self._stop.set)
        begun = time.perf_counter()
        try:
            for count in measure(self.api, self.users, self._stop):
                self.counts.append(count)
                self._show()
        except KitError as error:
            self.fail(str(error), hint(str(error)))
        else:
            self.done(
                "cancelled" if self._stop.is_set() else "", seconds=time.perf_counter() - begun
            )
        finally:
            self.go.disabled = False
        return self.counts

    def close(self) -> None:
        """Stop measuring and remove the panel."""
        self._stop.set()
        super().close()

    def _show(self) -> None:
        self.table.show(_grid(self.counts))
        self.bars.show([Bar(f"{one.users:,} users", one.memory) for one in self.counts])


def explode(server: Server, users: Sequence[int] = USERS) -> Explosion:
    """Measure what a label with so many values does to a server; each number of users in turn."""
    shown = Explosion(Api(server), sorted(users))
    shown.run()
    return shown


def measure(api: Api, users: Sequence[int], stop: threading.Event) -> Iterator[Count]:
    """Serve one series for each user, wait until they are scraped, and ask what it costs."""
    service = _Service()
    web = Web(lambda *_: service.metrics(), host=api.server.notebook)
    scrape(api.server, "explosion", web.address, labels={"service": "explosion"})
    try:
        for count in users:
            if stop.is_set():
                break
            service.users = count
            yield _count(api, count, stop)
    finally:
        scrape(api.server, "explosion")
        web.close()


class _Service:
    """Count predictions for each user, as a service without second thoughts would."""

    users = 0

    def metrics(self) -> Reply:
        lines = ["# TYPE predictions_by_user_total counter"]
        lines += [
            f'predictions_by_user_total{{user="{n:08x}"}} {n % 97}' for n in range(self.users)
        ]
        return Reply(200, "text/plain; version=0.0.4", ("\n".join(lines) + "\n").encode())


def _count(api: Api, users: int, stop: threading.Event) -> Count:
    _await(api, f"{SCRAPED} >= {users}", stop)
    now = api.instant("time()").series[0].value
    # The server's figures come from its scrape of itself, which must be younger than that.
    _await(api, f'timestamp(prometheus_tsdb_head_series{{job="prometheus"}}) > {now:.3f}', stop)
    values = [api.instant(query).series for query in (SERIES, MEMORY, TOOK)]
    return Count(users, *(found[0].value if found else math.nan for found in values))


def _await(api: Api, expression: str, stop: threading.Event) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not api.instant(expression).series and not stop.is_set():
        if time.monotonic() > deadline:
            raise StartTimeout(f"Not within {_PATIENCE:.0f} s: {expression}")
        time.sleep(_MOMENT)


def _grid(counts: Sequence[Count]) -> Grid:
    first = counts[0]
    rows = [
        [
            Shown(f"{one.users:,}", one.users),
            Shown(f"{one.series:,.0f}", one.series),
            Shown(units.size(one.memory), one.memory),
            _each(one, first),
            Shown(units.duration(one.scrape), one.scrape),
        ]
        for one in counts
    ]
    return Grid(
        note=_STAYS,
        columns=["users", "series in memory", "memory", "bytes for each series more", "one scrape"],
        rows=rows,
        volatile=frozenset(
            {"series in memory", "memory", "bytes for each series more", "one scrape"}
        ),
    )


def _each(one: Count, first: Count) -> Shown:
    more = one.series - first.series
    if more < 1:
        return Shown("–", math.nan)
    each = (one.memory - first.memory) / more
    return Shown(units.size(max(0.0, each)), each)

"""The storage lab: the same points in PostgreSQL and in InfluxDB, measured side by side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import ipywidgets

from kit.errors import KitError
from kit.labs.influxdb import stores
from kit.labs.influxdb.controls import button, dropdown
from kit.labs.influxdb.session import Session
from kit.labs.influxdb.stores import InfluxStore, PostgresStore, Store, Weighed
from kit.labs.influxdb.working import Working
from kit.widgets import units
from kit.widgets.bars import Bar, Bars
from kit.widgets.code import Code
from kit.widgets.table import Grid, Table
from kit.widgets.values import Shown, quartiles

if TYPE_CHECKING:
    from kit.launch.server import Server

COUNTS = (10_000, 50_000, 200_000)
TIMES = 5

_EMPTY = "Nothing is measured yet."
_BEGIN = (
    "`Measure` writes the same simulated training curves into both, weighs them and asks for one "
    "run's mean loss by the minute."
)
_SYNC = {
    True: "Both wait for the disk at each write.",
    False: "InfluxDB waits for the disk at each write; this PostgreSQL does not: start it with "
    "durable=True for a fair race.",
}
_HOW = "PostgreSQL's bytes are the table and its key; times are medians with their quartiles."


def storage(
    influx: Server, postgres: Server, *, points: int = 10_000, run: bool = False
) -> Storage:
    """Open the lab on two servers; with `run`, measure `points` points at once."""
    lab = Storage(Session(influx), PostgresStore(postgres), points)
    if run:
        lab.measure()
    return lab


class Storage(Working):
    """Bytes for each point, points a second and the time of a range query, for both."""

    def __init__(self, session: Session, postgres: PostgresStore, points: int) -> None:
        self.postgres = postgres
        self.found: list[Weighed] = []
        self.go = button("Measure", "Write, weigh and ask both", self._begin, primary=True)
        counts = [(f"{count:,}", count) for count in sorted({*COUNTS, points})]
        self.points = dropdown("Points", counts, points)
        self.table = Table("Both databases")
        self.bars = {
            "bytes": Bars("bytes", of="bytes for each point", volatile=False),
            "write": Bars("points/s", of="points written in a second"),
            "query": Bars("s", of="time of the range query"),
        }
        self.drawn = ipywidgets.VBox([])
        super().__init__(
            "Storage",
            session,
            note=f"{session.title} beside PostgreSQL · simulated training curves",
            controls=[self.go, self.points],
            body=[self.table, self.drawn],
            strip=Code("Sent to both", language="text"),
        )
        self.empty(_EMPTY, _BEGIN)

    def measure(self) -> list[Weighed]:
        """Measure both with as many points as are chosen, and draw it as it comes."""
        self.found = []
        with self.turn(self.go, self.points):
            begun = time.perf_counter()
            agreed = self._measure(stores.rows(int(self.points.value)))
            word = "stopped" if self.stopping.is_set() else "both gave the same means"
            self.done(word if agreed else "the means differ", seconds=time.perf_counter() - begun)
        return self.found

    def _begin(self) -> None:
        self.begin(self.measure)

    def _measure(self, points: Sequence[stores.Row]) -> bool:
        both: list[Store] = [InfluxStore(self.session), self.postgres]
        middle = points[len(points) // stores.RUNS // 2][2]
        try:
            for store in both:
                self.start(f"measuring {store.name}", cancel=self.stopping.set)
                weighed = stores.weigh(store, points, times=TIMES, stopped=self.stopping.is_set)
                if weighed is None:
                    return True
                self.found.append(weighed)
                self._draw()
            return stores.agree(*(store.ask("run-3", middle) for store in both))
        finally:
            for store in both:
                # What went wrong was said already; a lost server's leftovers go with it.
                with suppress(KitError):
                    store.leave()

    def _draw(self) -> None:
        found, bars = self.found, self.bars
        self.drawn.children = list(bars.values())
        bars["bytes"].show([Bar(one.name, one.bytes_per_point) for one in found])
        bars["write"].show([_rate(one) for one in found])
        bars["query"].show(
            [Bar(one.name, one.query.median, one.query.low, one.query.high) for one in found]
        )
        self.table.show(weighed_grid(found, durable=self.postgres.durable))
        if self.strip is not None:
            parts = [InfluxStore.written, InfluxStore.asked]
            parts += [PostgresStore.table, PostgresStore.written, PostgresStore.asked]
            self.strip.show("\n\n".join(parts))


def weighed_grid(found: Sequence[Weighed], *, durable: bool) -> Grid:
    """Lay out what was measured; `durable` tells whether PostgreSQL waits for the disk."""
    return Grid(
        columns=["database", "points", "bytes for each", "points/s", "range query"],
        rows=[
            [
                one.name,
                one.points,
                Shown(f"{one.bytes_per_point:.1f}", one.bytes_per_point),
                Shown(f"{one.points / one.write.median:,.0f}", one.points / one.write.median),
                quartiles(one.query, units.duration),
            ]
            for one in found
        ],
        volatile=frozenset({"points/s", "range query"}),
        note=f"{_SYNC[durable]} {_HOW}",
    )


def _rate(one: Weighed) -> Bar:
    low, high = one.points / one.write.high, one.points / one.write.low
    return Bar(one.name, one.points / one.write.median, low, high)

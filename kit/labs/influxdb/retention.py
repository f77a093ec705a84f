"""The retention lab: fine points, a coarse series filled from them, and what each of them costs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kit.errors import KitError
from kit.labs.influxdb import downsampling
from kit.labs.influxdb.controls import button, dropdown
from kit.labs.influxdb.downsampling import HOURS, RUNS, Holdings
from kit.labs.influxdb.holding import Holding
from kit.labs.influxdb.session import Session, told
from kit.labs.influxdb.working import Working
from kit.widgets import units
from kit.widgets.chart import Chart, Series
from kit.widgets.code import Code
from kit.widgets.table import Grid, Table
from kit.widgets.values import Shown

if TYPE_CHECKING:
    from kit.launch.server import Server

_EMPTY = "Nothing is written yet."
_BEGIN = "`Write` makes a database of its own and fills it with six hours of simulated GPU use."
_LATER = (
    "This server looks for expired points every {interval}, so they are still there. One of your "
    'own looks sooner: settings={{"INFLUXDB_RETENTION_CHECK_INTERVAL": "5s"}} in kit.start.'
)
_SLOW = "The server had not filled every minute when the lab stopped waiting."


def retention(server: Server, *, run: bool = False) -> Retention:
    """Open the lab; with `run`, take all three steps at once."""
    lab = Retention(Session(server))
    if run:
        for step in (lab.write, lab.downsample, lab.expire):
            step()
    return lab


class Retention(Working):
    """Three steps, what both policies hold after each, and both curves on one chart."""

    def __init__(self, session: Session) -> None:
        self.held: list[Holdings] = []
        self.statements: list[str] = []
        self._build()
        super().__init__(
            "Retention and downsampling",
            session,
            note=f"{session.title} · simulated GPU use",
            controls=[self.go, self.second, self.third, self.shown],
            body=[self.table, self.chart],
            strip=Code("InfluxQL that ran"),
        )
        self._enable()
        self.empty(_EMPTY, _BEGIN)

    def write(self) -> None:
        """Begin anew: two policies, and fine points under one of them."""
        self._step(self._write)

    def downsample(self) -> None:
        """Have a continuous query fill the coarse series."""
        self._step(self._downsample)

    def expire(self) -> None:
        """Let the fine policy keep one hour, and wait for the server to act on it."""
        self._step(self._expire)

    def _build(self) -> None:
        self.go = button(
            "Write", "Begin anew with six hours of points", self._begin(self.write), primary=True
        )
        self.second = button(
            "Downsample", "Create the continuous query", self._begin(self.downsample)
        )
        self.third = button("Expire", "Keep one hour of fine points", self._begin(self.expire))
        self.shown = dropdown("Run", list(RUNS), RUNS[0])
        self.shown.observe(lambda _change: self._redraw(), "value")
        self.table = Table("What both policies hold")
        self.chart = Chart(x="time", y="GPU use, % (simulated)", zero=True, time=True)

    def _begin(self, step: Callable[[], None]) -> Callable[[], object]:
        return lambda: self.begin(step)

    def _step(self, work: Callable[[], str]) -> None:
        with self.turn(self.go, self.shown):
            begun = time.perf_counter()
            remark = work()
            self._draw()
            self.done(self.held[-1].moment, seconds=time.perf_counter() - begun)
            if remark:
                self.notice.say(remark)
        self._enable()

    def _write(self) -> str:
        self.held, self.statements = [], []
        self.start(f"writing {HOURS} hours of points")
        self.statements += downsampling.prepare(self.session)
        downsampling.fill(self.session)
        self._wait("for the points to reach their files")
        self._hold("written")
        return ""

    def _downsample(self) -> str:
        self._wait("for the server to fill the coarse series")
        self.statements.append(downsampling.coarsen(self.session))
        full = downsampling.filled(self.session, stop=self.stopping)
        self._hold("downsampled")
        return "" if full else _SLOW

    def _expire(self) -> str:
        self._wait("for the server to drop what is older than an hour")
        statement, gone = downsampling.expire(self.session, stop=self.stopping)
        self.statements.append(statement)
        self._hold("expired")
        interval = downsampling.check_interval(self.session)
        return "" if gone else _LATER.format(interval=interval)

    def _wait(self, text: str) -> None:
        self.start(f"waiting {text}", cancel=self.stopping.set)

    def _hold(self, moment: str) -> None:
        self.held.append(downsampling.hold(self.session, moment, stop=self.stopping))

    def _draw(self) -> None:
        fine, coarse = downsampling.queries(self.shown.value)
        lines = [
            Series(label, one.points(column))
            for query, names in ((fine, {"percent": "fine"}), (coarse, _COARSE))
            for one in self.session.one(query, database=downsampling.place(self.session))
            for column, label in names.items()
        ]
        self.chart.show(lines)
        self.table.show(*([held_grid(self.held)] if self.held else []))
        if self.strip is not None:
            script = ";\n\n".join([*self.statements, fine, coarse])
            self.strip.show(script, saved=re.sub(r"coarsen_\d+", "coarsen", script))

    def _redraw(self) -> None:
        try:
            self._draw()
        except KitError as error:
            self.fail(*told(error))

    def _enable(self) -> None:
        moments = [held.moment for held in self.held]
        self.second.disabled = moments != ["written"]
        self.third.disabled = moments != ["written", "downsampled"]
        self.shown.disabled = not moments


_COARSE = {"mean": "coarse mean", "max": "coarse max"}


def held_grid(held: Sequence[Holdings]) -> Grid:
    """Lay out what both policies held at each moment."""
    rows = [
        [one.moment, *_figures(one.fine), one.fine.shards, *_figures(one.coarse)] for one in held
    ]
    seen = all(one.fine.disk is not None for one in held)
    return Grid(
        columns=[
            "after",
            "fine points",
            "fine bytes",
            "fine shards",
            "coarse points",
            "coarse bytes",
        ],
        rows=rows,
        note="Points as the server counts them; bytes are "
        + ("the sizes of the files on the disk." if seen else "those that the server reports."),
    )


def _figures(held: Holding) -> list[object]:
    return [held.points, Shown(units.size(held.bytes), held.bytes)]

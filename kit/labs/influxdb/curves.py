"""Training curves while they grow, and how busy the machine is beside them."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kit.errors import KitError
from kit.labs.influxdb.controls import button, dropdown
from kit.labs.influxdb.found import LOGGING, METRICS, Found, look
from kit.labs.influxdb.machine import Recorder
from kit.labs.influxdb.session import Session, told
from kit.labs.influxdb.training import train
from kit.labs.influxdb.working import Working
from kit.widgets import units
from kit.widgets.chart import PALETTE, Chart, Series
from kit.widgets.code import Code
from kit.widgets.measured import MeasuredChart
from kit.widgets.parts import Notice
from kit.widgets.table import Grid, Table
from kit.widgets.values import Shown
from kit.widgets.watch import Watch, rest_unseen

if TYPE_CHECKING:
    from kit.launch.server import Server

IDLE = 3.0
"""Seconds between two looks while no run is at work."""

RATES = (0.0001, 0.001, 0.01, 0.1, 1.0)
EPOCHS = 20
_ACROSS = {"epoch": "epoch", "time": "the clock"}
_NO_GPU = "No GPU has told its use here: only NVIDIA's driver is asked, by nvidia-smi."
_NONE = "No run has written to training_metrics yet."


def curves(
    server: Server,
    *,
    metric: str = "loss",
    runs: Sequence[str] | None = None,
    refresh: float = 0.5,
    watch: bool = True,
) -> Curves:
    """Show the runs in `training_metrics`, and keep looking while they write.

    `runs` are the ids to draw first, else the newest are; `refresh` is the number of seconds
    between two looks while a run is at work; without `watch` it looks only when asked to.
    """
    shown = Curves(Session(server), metric=metric, runs=runs, refresh=refresh)
    shown.refresh()
    if watch:
        shown.watch.start()
    return shown


class Curves(Working):
    """Follow the runs, compare them by epoch or by the clock, and start another."""

    def __init__(
        self, session: Session, *, metric: str, runs: Sequence[str] | None, refresh: float
    ) -> None:
        self.interval = refresh
        self.found = Found()
        self._picked = None if runs is None else list(runs)
        self._looking = threading.RLock()
        self.watch = Watch(self._look, stopped=self._stopped)
        self._build(metric)
        super().__init__(
            "Training curves",
            session,
            note=session.title,
            controls=[self.metric, self.across, self.rate, self.go, self.again],
            body=[self.table, self.chart, self.machine, self.aside],
            strip=Code("InfluxQL that ran"),
        )
        rest_unseen(self.watch, self.rule)

    def refresh(self) -> None:
        """Look once, and show what has changed."""
        with self._looking:
            try:
                found = look(self.session, metric=self.metric.value, picked=self._picked)
            except KitError as error:
                self.fail(*told(error))
                return
            changed = found != self.found or self.status.state in ("failed", "waiting")
            self.found = found
            if changed:
                self._show()
            if not self.working:
                self._state()

    def train(self, learning_rate: float | None = None) -> str:
        """Train one run with the rate given, or chosen, until its end or its cancelling."""
        rate = self.rate.value if learning_rate is None else learning_rate
        run = self._name(rate)
        if self._picked is not None:
            self._picked.append(run)
        with self.turn(self.go):
            self.start(f"training {run}", cancel=self.stopping.set)
            begun = time.perf_counter()
            with Recorder(self.session.server):
                train(
                    self.session.server,
                    run_id=run,
                    epochs=EPOCHS,
                    learning_rate=rate,
                    pause=0.15,
                    stop=self.stopping,
                )
            self.refresh()
            word = "stopped" if self.stopping.is_set() else "done"
            self.done(f"{run} {word}", seconds=time.perf_counter() - begun)
        return run

    def close(self) -> None:
        """Stop looking and training, and remove the panel."""
        self.watch.stop()
        super().close()

    def _build(self, metric: str) -> None:
        self.metric = dropdown("Metric", [(name, name) for name in METRICS], metric)
        self.across = dropdown("Across", [(word, key) for key, word in _ACROSS.items()], "epoch")
        rates = [(f"{rate:g}", rate) for rate in RATES]
        self.rate = dropdown("Learning rate", rates, 0.01)
        self.go = button("Train", "Train one more run, now", self._begin, primary=True)
        self.again = button("Refresh", "Look again, and go on looking", self._resume)
        self.table = Table("Runs", choosable=True)
        self.chart = Chart(x="epoch", y=metric, whole=True)
        self.machine = MeasuredChart(x="time", y="in use, %", zero=True, time=True)
        self.aside = Notice()
        self.metric.observe(lambda _change: self.refresh(), "value")
        self.across.observe(lambda _change: self._show(), "value")
        self.table.listen("chosen", self._choose)

    def _begin(self) -> None:
        self.watch.start()
        self.begin(self.train)

    def _name(self, rate: float) -> str:
        """Name a run by its rate, and by a number where there is one of that name."""
        name, number = f"rate {rate:g}", 2
        while any(run.id == name for run in self.found.runs):
            name, number = f"rate {rate:g} ({number})", number + 1
        return name

    def _look(self) -> float:
        self.refresh()
        return self.interval if self.working or self._at_work() else IDLE

    def _at_work(self) -> int:
        return sum(time.time() - run.newest < LOGGING for run in self.found.runs)

    def _show(self) -> None:
        # A click and the watch may both want to draw.
        with self._looking:
            self._draw(self.found)

    def _draw(self, found: Found) -> None:
        colours = {run: PALETTE[i % len(PALETTE)] for i, run in enumerate(found.chosen)}
        self.table.show(*([_grid(found)] if found.runs else []))
        self.table.colours, self.table.chosen = colours, list(found.chosen)
        clock = self.across.value == "time"
        if clock != self.chart.time:
            self.chart.time, self.chart.whole = clock, not clock
            self.chart.x = "time" if clock else "epoch"
        self.chart.show(_lines(found, colours, clock), y=found.metric)
        self.machine.show([Series(name, points) for name, points in found.used.items()])
        if found.used and "gpu" not in found.used:
            self.aside.say(_NO_GPU)
        else:
            self.aside.hide()
        if self.strip is not None:
            self.strip.show(";\n\n".join(found.asked))

    def _state(self) -> None:
        if not self.found.runs:
            self.empty(_NONE, "`Train` starts one; so does `training.train(server, run_id=…)`.")
        elif at_work := self._at_work():
            self.start(f"{units.plural(len(self.found.runs), 'run')} · {at_work} writing")
        elif self.status.state != "done":
            self.done(units.plural(len(self.found.runs), "run"))

    def _choose(self, runs: Any) -> None:
        self._picked = [str(run) for run in runs]
        self.refresh()

    def _resume(self) -> None:
        self.refresh()
        self.watch.start()

    def _stopped(self) -> None:
        self.halt("interrupted · Refresh looks again")


def _lines(found: Found, colours: dict[str, str], clock: bool) -> list[Series]:
    curves = {run: found.curves[run] for run in found.chosen if run in found.curves}
    if not clock:
        # The order of a run's points is the order of its epochs.
        curves = {
            run: [(float(epoch), value) for epoch, (_, value) in enumerate(points, start=1)]
            for run, points in curves.items()
        }
    return [Series(run, points, colours[run]) for run, points in curves.items()]


def _grid(found: Found) -> Grid:
    models = {run.model for run in found.runs}
    return Grid(
        columns=["run_id", "epochs", "last loss", "best accuracy"],
        rows=[
            [run.id, run.epochs, _measured(run.loss), _measured(run.accuracy)] for run in found.runs
        ],
        note=f"model {models.pop()}" if len(models) == 1 else "",
        keys=[run.id for run in found.runs],
    )


def _measured(value: float | None) -> Shown | None:
    return None if value is None else Shown(units.figure(value), value)

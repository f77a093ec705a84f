"""The MLflow explorer: experiments, their runs, and a metric's curve while it grows."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import ipywidgets
from sqlalchemy import URL, Engine, exc

from kit.labs import source as sources
from kit.labs.findings import Findings, look
from kit.labs.rungrid import run_grid
from kit.labs.runs import Reader, Run
from kit.labs.source import Source
from kit.labs.statements import refused
from kit.widgets import units
from kit.widgets.chart import PALETTE, Chart, Series
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.table import Table
from kit.widgets.watch import Watch, rest_unseen

if TYPE_CHECKING:
    from kit.launch.server import Server

__all__ = ["Explorer", "Reader", "Run", "explorer"]

IDLE = 3.0
"""Seconds between two looks while no run is logging."""

_DRAWN = len(PALETTE)


def explorer(
    server: Server | str | URL,
    *,
    experiment: str | None = None,
    metric: str | None = None,
    refresh: float = 1.0,
    watch: bool = True,
) -> Explorer:
    """Show the MLflow runs in a server's or a URL's database, and keep looking while they log.

    `experiment` and `metric` are what is shown first; without them it is the experiment with the
    newest run, and `loss` where there is one. `refresh` is the number of seconds between two looks
    while a run is logging; without `watch` it looks only when asked to.
    """
    shown = Explorer(sources.read(server), experiment=experiment, metric=metric, refresh=refresh)
    shown.refresh()
    if watch:
        shown.watch.start()
    return shown


class Explorer(Panel):
    """Follow MLflow's tables: choose an experiment, a metric, and the runs to compare."""

    def __init__(
        self, source: Source, *, experiment: str | None, metric: str | None, refresh: float
    ) -> None:
        self.source = source
        self.found: Findings | None = None
        self.interval = refresh
        self._engine: Engine | None = None
        self._wanted = {"experiment": experiment, "metric": metric}
        self._picked: list[str] | None = None
        self._offering = False
        self._turn = threading.RLock()
        self.watch = Watch(self._look, stopped=self._stopped)
        self.experiment = _dropdown("Experiment")
        self.metric = _dropdown("Metric")
        self.again = ipywidgets.Button(
            description="Refresh", tooltip="Look again, and go on looking"
        )
        self.again.on_click(lambda _button: self._resume())
        self.table = Table("Runs", choosable=True)
        self.chart = Chart(x="step", y="", whole=True)
        super().__init__(
            "MLflow explorer",
            note=source.title,
            accent=source.accent,
            controls=[self.experiment, self.metric, self.again],
            body=[self.table, self.chart],
            strip=Code("SQL that ran"),
        )
        self.experiment.observe(self._choose_experiment, "value")
        self.metric.observe(self._choose_metric, "value")
        self.table.listen("chosen", self._choose_runs)
        rest_unseen(self.watch, self.rule)

    def refresh(self) -> None:
        """Look once, and show what has changed."""
        with self._turn:
            try:
                found = self._read()
            except exc.SQLAlchemyError as error:
                self._forget()
                self.fail(self.source.safe(refused(error).message), self.source.remedy)
                return
            if found != self.found or self.status.state == "failed":
                self.found = found
                if found.runs:
                    # A run elsewhere must not take the learner away from what is shown.
                    self._wanted["experiment"] = found.experiment
                self._show(found)

    def close(self) -> None:
        """Stop looking, and remove the panel."""
        self.watch.stop()
        self._forget()
        super().close()

    def _look(self) -> float:
        self.refresh()
        return self.interval if self.found is not None and self.found.logging else IDLE

    def _read(self) -> Findings:
        if self._engine is None:
            self._engine = self.source.engine(pool_size=1, pool_pre_ping=True)
        with self._engine.connect() as connection:
            return look(connection, picked=self._picked, most=_DRAWN, **self._wanted)

    def _show(self, found: Findings) -> None:
        if not found.ready:
            self._offer(found)
            self._blank()
            self.empty(
                "There are no MLflow tables in this database yet.",
                "They come with the first run: `from kit import data`, then `data.train(server)`.",
            )
            return
        self._offer(found)
        if not found.runs:
            self._blank()
            self.empty(
                "This experiment has no runs yet.", "A run appears here as soon as it starts."
            )
            return
        colours = {run: PALETTE[i % _DRAWN] for i, run in enumerate(found.chosen)}
        self._lay(visible=True)
        self.table.show(run_grid(found.runs))
        self.table.colours = colours
        self.table.chosen = list(found.chosen)
        self.chart.show(_lines(found, colours), y=found.metric)
        self._write(found)
        self._state(found)

    def _state(self, found: Findings) -> None:
        count = units.plural(len(found.runs), "run")
        at_work = sum(run.status == "RUNNING" for run in found.runs)
        if at_work:
            self.start(f"{count} · {at_work} logging")
        else:
            self.done(count)

    def _write(self, found: Findings) -> None:
        if self.strip is None or self._engine is None:
            return
        dialect = self._engine.dialect
        sql = ";\n\n".join(query.written(dialect) for query in found.asked) + ";"
        saved = sql
        for run in found.runs:
            saved = saved.replace(run.id, "…")
        self.strip.show(sql, saved=saved)

    def _offer(self, found: Findings) -> None:
        experiments = [
            (f"{one.name} ({units.plural(one.runs, 'run')})", one.id) for one in found.experiments
        ]
        self.experiment.layout.display = None if experiments else "none"
        self._offering = True
        _options(self.experiment, experiments, found.experiment)
        _options(self.metric, [(name, name) for name in found.metrics], found.metric)
        self._offering = False

    def _blank(self) -> None:
        self.table.show()
        self.chart.show([])
        self._lay(visible=False)

    def _lay(self, *, visible: bool) -> None:
        self.metric.layout.display = None if visible else "none"
        for part in (self.table, self.chart):
            part.layout.display = None if visible else "none"

    def _choose_experiment(self, change: Any) -> None:
        if change["new"] and not self._offering:
            self._wanted["experiment"] = change["new"]
            self._picked = None
            self.refresh()

    def _choose_metric(self, change: Any) -> None:
        if change["new"] and not self._offering:
            self._wanted["metric"] = change["new"]
            self.refresh()

    def _choose_runs(self, runs: Any) -> None:
        self._picked = [str(run) for run in runs]
        self.refresh()

    def _resume(self) -> None:
        self.refresh()
        self.watch.start()

    def _stopped(self) -> None:
        self.found = None
        self.halt("interrupted · Refresh looks again")

    def _forget(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
        self._engine = None


def _lines(found: Findings, colours: dict[str, str]) -> list[Series]:
    names = {run.id: run.name for run in found.runs}
    return [
        Series(names[run], found.curves[run], colours[run])
        for run in found.chosen
        if run in found.curves
    ]


def _dropdown(label: str) -> Any:
    made = ipywidgets.Dropdown(description=label, options=[])
    made.layout.width = "auto"
    return made


def _options(dropdown: Any, options: list[tuple[str, str]], value: str) -> None:
    with dropdown.hold_sync():
        if list(dropdown.options) != options:
            dropdown.options = options
        dropdown.value = value or None

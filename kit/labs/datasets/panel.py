"""The panel of the data set lab."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets

from kit.errors import KitError, Unsupported
from kit.labs.datasets import ways
from kit.labs.datasets.catalog import Stored, store, stored
from kit.labs.datasets.trainingset import NAMES, TrainingSet, read
from kit.labs.datasets.ways import WAYS, Target
from kit.labs.source import Source
from kit.labs.statements import refused
from kit.measure.spread import Spread
from kit.widgets.bars import Bar, Bars
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.table import Grid, Table
from kit.widgets.turn import Turn
from kit.widgets.values import Shown


class Loading(Panel):
    """Keep a training set with its metadata, and measure the ways to load it.

    `measured` holds, for each server, the seconds that each way took, or why it was refused.
    """

    def __init__(
        self, sources: Sequence[Source], training: TrainingSet, *, rows: int, times: int
    ) -> None:
        self.sources = {source.title: source for source in sources}
        self.training = training
        self.rows, self.times = rows, times
        self.measured: dict[str, dict[str, Spread | str]] = {}
        self._waits: dict[str, bool] = {}
        self._end = False
        self._turn = Turn()
        self._build()
        super().__init__(
            "Training data in a table",
            note=" and ".join(self.sources),
            accent=sources[0].accent,
            controls=[self.server, self.dataset, self.keep, self.go],
            body=[self.table, self.bars],
            strip=Code("SQL that ran"),
        )
        self.empty(
            "Nothing is kept yet.",
            "`Store` keeps the rows and what is known of them; `Measure` loads them in four ways.",
        )

    def store(self, server: int = 0) -> Stored | None:
        """Keep the set that is chosen, and show what the database knows of it."""
        self.server.value = list(self.sources)[server]
        kept: Stored | None = self._act(self._store)
        return kept

    def run(self, server: int = 0) -> dict[str, Spread | str]:
        """Load the set in every way; return the times, or a sentence where a way is refused."""
        self.server.value = list(self.sources)[server]
        return self._act(self._measure) or {}

    def close(self) -> None:
        """End the measurement after the way that runs, and remove the panel."""
        self._turn.end()
        self._end = True
        with self._turn:
            super().close()

    def _build(self) -> None:
        self.server = _dropdown("Server", list(self.sources))
        self.server.layout.display = None if len(self.sources) > 1 else "none"
        names = NAMES if self.training.name in NAMES else (self.training.name, *NAMES)
        self.dataset = _dropdown("Data set", names, self.training.name)
        self.dataset.observe(self._choose, "value")
        self.keep = ipywidgets.Button(description="Store", tooltip="Keep rows and metadata")
        self.keep.on_click(lambda _button: self._start(self._store))
        self.go = ipywidgets.Button(
            description="Measure",
            tooltip=f"Load {self.rows} rows in each way, {self.times} times",
            button_style="primary",
        )
        self.go.on_click(lambda _button: self._start(self._measure))
        self.table = Table("Training sets")
        self.bars = Bars("", of="rows per second")

    def _choose(self, change: Any) -> None:
        if change["new"] in NAMES:
            self.training = read(change["new"])
            self.measured.clear()
            self.bars.show([])

    def _start(self, work: Callable[[], Any]) -> None:
        self._turn.ask(self.background, lambda: self._act(work))

    def _act(self, work: Callable[[], Any]) -> Any:
        with self._turn:
            self._end = False
            self.go.disabled = self.keep.disabled = True
            try:
                return work()
            except KitError as error:
                self.fail(str(error))
            except Exception as error:
                # A pool raises a driver's own error, and every driver has a tree of its own.
                why = refused(error)
                self.fail(self._source.safe(why.message), why.hint or self._source.remedy)
            finally:
                self.go.disabled = self.keep.disabled = False
            return None

    @property
    def _source(self) -> Source:
        return self.sources[str(self.server.value)]

    def _store(self) -> Stored:
        self.start(f"storing {self.training.name}")
        kept = store(self._source, self.training)
        self.table.show(_catalog(stored(self._source)), _columns(self.training))
        if self.strip is not None:
            self.strip.show(_asked(kept))
        self.done(f"{kept.row_count:,} rows in {kept.table}")
        return kept

    def _measure(self) -> dict[str, Spread | str]:
        found = self.measured[str(self.server.value)] = {}
        self._waits[str(self.server.value)] = ways.waits_for_disk(self._source)
        for way in WAYS:
            self.start(f"{WAYS[way].label}, {self.times} times", cancel=self._cancel_after)
            try:
                found[way] = ways.measure(
                    self._source, self.training, way, rows=self.rows, times=self.times
                )
            except Unsupported as error:
                found[way] = str(error)
            self._draw()
            if self._end:
                self.halt("cancelled", state="empty")
                return found
        self.done(f"{min(self.rows, len(self.training.rows)):,} rows, {self.times} times each way")
        return found

    def _cancel_after(self) -> None:
        self._end = True
        self.status.show("running", "ending after this way")

    def _draw(self) -> None:
        count = min(self.rows, len(self.training.rows))
        several = len(self.measured) > 1
        bars = [
            _bar(WAYS[way].label, self._about(server, spread, several), spread, count)
            for way in WAYS
            for server, found in self.measured.items()
            if (spread := found.get(way)) is not None
        ]
        self.bars.show(bars)
        if self.strip is not None:
            target = Target(self.training, self._source.url.get_dialect()())
            self.strip.show("\n\n".join(way.sketch(target) for way in WAYS.values()))

    def _about(self, server: str, spread: Spread | str, several: bool) -> str:
        """Say which server a bar is of, and what makes its commits fast or slow."""
        waits = "commits wait for the disk" if self._waits[server] else "commits do not wait"
        said = [server.rpartition(" · ")[2]] if several else []
        return " · ".join([*said, "refused here" if isinstance(spread, str) else waits])


def _bar(label: str, note: str, spread: Spread | str, count: int) -> Bar:
    if isinstance(spread, str):
        return Bar(label, math.nan, note=note)
    low, high = count / spread.high, count / spread.low
    return Bar(label, count / spread.median, low, high, note=note)


def _catalog(kept: Sequence[Stored]) -> Grid:
    return Grid(
        columns=["name", "version", "rows", "target", "source", "checksum"],
        rows=[
            [
                one.name,
                one.version,
                one.row_count,
                one.target,
                one.source,
                Shown(f"{one.checksum[:12]}…", one.checksum),
            ]
            for one in kept
        ],
        caption="training_sets",
    )


def _columns(training: TrainingSet) -> Grid:
    return Grid(
        columns=["column", "kind", "low", "high", "mean", "missing"],
        rows=[
            [one.name, one.kind, one.low, one.high, _rounded(one.mean), one.missing]
            for one in training.columns[:-7:-1]
        ],
        total=len(training.columns),
        caption=f"training_columns of {training.name}, the last first",
    )


def _rounded(value: float | None) -> Shown | None:
    return None if value is None else Shown(f"{value:.3f}", value)


def _asked(kept: Stored) -> str:
    where = f"name = '{kept.name}' AND version = {kept.version}"
    asked = (
        "SELECT * FROM training_sets ORDER BY name, version;",
        f"SELECT * FROM training_columns WHERE {where} ORDER BY place;",  # noqa: S608
        f"SELECT * FROM {kept.table} ORDER BY row_no;",  # noqa: S608
    )
    return "\n".join(asked)


def _dropdown(label: str, options: Sequence[str], value: str | None = None) -> Any:
    made = ipywidgets.Dropdown(options=options, value=value or options[0], description=label)
    made.layout.width = "auto"
    return made

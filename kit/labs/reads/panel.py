"""The panel of the read-heavy lab."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import ipywidgets

from kit.labs.reads import clients, table, telling
from kit.labs.reads.clients import CONNECTIONS, Connections
from kit.labs.reads.telling import Case
from kit.labs.source import Source
from kit.labs.statements import refused
from kit.measure.load import Load
from kit.measure.rounds import Rounds
from kit.widgets import units
from kit.widgets.bars import Bar, Bars
from kit.widgets.chart import PALETTE, Series
from kit.widgets.code import Code
from kit.widgets.histogram import Distribution, Histogram
from kit.widgets.measured import MeasuredChart, MeasuredTable
from kit.widgets.panel import Panel
from kit.widgets.turn import Turn

LADDER = (1, 2, 4, 8, 16, 32, 64)


class Readers(Panel):
    """Let more and more readers loose on a server; `measured` holds what came of each case."""

    def __init__(
        self, sources: Sequence[Source], *, seconds: float, times: int, ladder: Sequence[int]
    ) -> None:
        self.sources = dict(zip(_names(sources), sources, strict=True))
        self.seconds, self.times, self.ladder = seconds, times, tuple(ladder)
        self.measured: dict[Case, list[Rounds]] = {}
        self._end = threading.Event()
        self._turn = Turn()
        self._build()
        super().__init__(
            "Readers, more and more of them",
            note=f"{' and '.join(one.title for one in sources)} · closed loop: each reader asks "
            "again as soon as it has its answer",
            accent=sources[0].accent,
            controls=[self.server, self.index, self.connections, self.go, self.clear],
            body=[self.chart, self.tops, self.table, self.latencies],
            strip=Code("SQL and Python that ran", language="python"),
        )
        self.empty(
            "Nothing has been measured yet.",
            "`Measure` makes a table of 100,000 predictions, and lets readers loose on it.",
        )

    def run(
        self,
        server: int = 0,
        *,
        index: bool | None = None,
        connections: Connections | None = None,
    ) -> list[Rounds]:
        """Measure one case at each number of readers, show it, and return what was measured.

        `server` counts the servers from 0; what is not given is what the controls say.
        """
        self.server.value = list(self.sources)[server]
        self.index.value = self.index.value if index is None else index
        self.connections.value = connections or self.connections.value
        return self._run()

    def reset(self) -> None:
        """Forget what was measured."""
        self.measured.clear()
        self._draw()
        self.empty("Nothing has been measured yet.", "`Measure` begins anew.")

    def close(self) -> None:
        """Send the readers home, and remove the panel."""
        self._turn.end()
        self._end.set()
        with self._turn:
            super().close()

    def _build(self) -> None:
        self.server = _dropdown("Server", [(name, name) for name in self.sources])
        self.server.layout.display = None if len(self.sources) > 1 else "none"
        self.index = ipywidgets.ToggleButton(
            description="Index on customer", tooltip="With the index on the customer, or without"
        )
        self.index.layout.width = "auto"
        options = [(words, kind) for kind, words in CONNECTIONS.items()]
        self.connections = _dropdown("Connections", options)
        self.go = ipywidgets.Button(
            description="Measure",
            tooltip=f"Measure with {self.ladder[0]} to {self.ladder[-1]} readers",
            button_style="primary",
        )
        self.go.on_click(lambda _button: self._start(self._run))
        self.clear = ipywidgets.Button(description="Clear", tooltip="Forget what was measured")
        self.clear.on_click(lambda _button: self._start(self.reset))
        self.chart = MeasuredChart(x="readers", y="reads per second", zero=True, whole=True)
        self.tops = Bars("", of="reads per second, with the most readers")
        self.table = MeasuredTable("Reads")
        self.latencies = Histogram("s", of="time of one read, with the most readers")

    def _start(self, work: Callable[[], object]) -> None:
        self._turn.ask(self.background, work)

    def _run(self) -> list[Rounds]:
        with self._turn:
            self._end.clear()
            self.go.disabled = True
            try:
                return self._climb()
            except Exception as error:
                # A pool raises a driver's own error, and every driver has a tree of its own.
                source = self.sources[str(self.server.value)]
                why = refused(error)
                self.fail(source.safe(why.message), why.hint or source.remedy)
                return []
            finally:
                self.go.disabled = False

    def _climb(self) -> list[Rounds]:
        case = Case(
            str(self.server.value), bool(self.index.value), self.connections.value or "kept"
        )
        source = self.sources[case.server]
        self.wait("making the table ready")
        table.prepare(source)
        table.index(source, wanted=case.indexed)
        loads = self.measured[case] = []
        for count in self.ladder:
            loads.append(self._rung(source, case, count))
            self._draw(case)
            if self._end.is_set():
                self.halt(f"cancelled at {units.plural(count, 'reader')}", state="empty")
                return loads
        self.done(telling.verdict(loads), seconds=sum(load.seconds for load in loads))
        return loads

    def _rung(self, source: Source, case: Case, count: int) -> Rounds:
        said = units.plural(count, "reader")
        self.start(f"{said} · coming in", cancel=self._end.set)
        loads: list[Load] = []
        while len(loads) < self.times and not (loads and self._end.is_set()):
            loads.append(self._load(source, case, count, said))
        return Rounds(loads)

    def _load(self, source: Source, case: Case, count: int, said: str) -> Load:
        return clients.measure(
            source,
            readers=count,
            seconds=self.seconds,
            connections=case.connections,
            stop=self._end,
            tick=lambda load: self.status.show("running", f"{said} · {load.operations:,} reads"),
        )

    def _draw(self, case: Case | None = None) -> None:
        shown = list(self.measured.items())[-len(PALETTE) :]
        several = len({one.server for one, _ in shown}) > 1
        self.chart.show([Series(one.short(several), _points(loads)) for one, loads in shown])
        grids = [telling.ladder(case.label, self.measured[case])] if case else []
        if shown:
            grids.append(telling.tops([(one.label, loads[-1]) for one, loads in shown if loads]))
        self.table.show(*grids)
        self.tops.show([_bar(one.short(several), loads[-1]) for one, loads in shown if loads])
        self.latencies.show(
            [Distribution(one.short(several), loads[-1].latencies) for one, loads in shown if loads]
        )
        if self.strip is not None and case is not None:
            self.strip.show(telling.script(case))


def _points(loads: Sequence[Rounds]) -> list[tuple[float, float]]:
    return [(float(load.clients), load.throughput.median) for load in loads]


def _bar(label: str, load: Rounds) -> Bar:
    found = load.throughput
    return Bar(label, found.median, found.low, found.high)


def _names(sources: Sequence[Source]) -> list[str]:
    """Name each server by its product, and by its own name too where that is not enough."""
    short = [source.title.partition(" · ")[0] for source in sources]
    return short if len(set(short)) == len(short) else [source.title for source in sources]


def _dropdown(label: str, options: Sequence[tuple[str, str]]) -> ipywidgets.Dropdown:
    made = ipywidgets.Dropdown(options=options, description=label)
    made.layout.width = "auto"
    return made

"""The comparison of engines as a panel."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import ipywidgets

from kit.errors import KitError
from kit.labs.engines.measures import MEASURES, Measured, measure
from kit.labs.source import Source
from kit.widgets import units
from kit.widgets.bars import Bar, Bars
from kit.widgets.code import Code
from kit.widgets.measured import MeasuredTable
from kit.widgets.panel import Panel
from kit.widgets.table import Grid
from kit.widgets.turn import Turn
from kit.widgets.values import Shown

_FIGURES = ("median", "lower quartile", "upper quartile")


class Comparison(Panel):
    """Show what MLflow costs on each server; `found` holds each measure by server."""

    def __init__(self, sources: Sequence[Source], *, times: int) -> None:
        self.sources = {source.title: source for source in sources}
        self.times = times
        self.found: dict[str, dict[str, Measured]] = {}
        self._end = threading.Event()
        self._turn = Turn()
        self.bars = {
            name: Bars("s" if one.latency else "", of=_of(name)) for name, one in MEASURES.items()
        }
        self.table = MeasuredTable("Measured")
        self.go = ipywidgets.Button(
            description="Measure again", tooltip="Measure each once more, in turn"
        )
        self.go.on_click(lambda _button: self._start())
        super().__init__(
            "MLflow on each engine",
            note=" and ".join(self.sources),
            accent=sources[0].accent,
            controls=[self.go],
            body=[*self.bars.values(), self.table],
            strip=Code("Python that ran", language="python"),
        )
        self._lay()
        self.empty("Nothing has been measured yet.", "`Measure again` logs to each in turn.")

    def run(self) -> dict[str, dict[str, Measured]]:
        """Measure everything on every server in turn, show it, and return it by measure."""
        with self._turn:
            self._end.clear()
            self.go.disabled = True
            try:
                self._measure()
            except KitError as error:
                self.fail(str(error))
            finally:
                self.go.disabled = False
            return self.found

    def close(self) -> None:
        """End the measurement after the measure that runs, and remove the panel."""
        self._turn.end()
        self._end.set()
        with self._turn:
            super().close()

    def _start(self) -> None:
        self._turn.ask(self.background, self.run)

    def _measure(self) -> None:
        self.found = {}
        for name in MEASURES:
            # In turn, so that a busy moment of the machine hits one as much as the other.
            for title, source in self.sources.items():
                if self._end.is_set():
                    self.halt("cancelled", state="empty")
                    return
                self.start(f"{MEASURES[name].title} · {title}", cancel=self._end.set)
                found = measure(source, name, times=self.times)
                self.found.setdefault(name, {})[title] = found
                self._lay()
        self.done(f"{units.plural(self.times, 'time')} each")

    def _lay(self) -> None:
        for name, bars in self.bars.items():
            found = self.found.get(name, {})
            bars.layout.display = None if found else "none"
            bars.show([Bar(t, one.median, one.low, one.high) for t, one in found.items()])
        self.table.show(*([_grid(self.found)] if self.found else []))
        if self.strip is not None and self.found:
            self.strip.show("\n\n".join(f"# {_of(n)}\n{MEASURES[n].code}" for n in self.found))


def _of(name: str) -> str:
    one = MEASURES[name]
    return one.title if one.latency else f"{one.title}, per second"


def _grid(found: dict[str, dict[str, Measured]]) -> Grid:
    rows = [
        [_of(name), title, *(_shown(one, v) for v in (one.median, one.low, one.high))]
        for name, by_server in found.items()
        for title, one in by_server.items()
    ]
    return Grid(
        columns=["measure", "server", *_FIGURES],
        rows=rows,
        note="Half of all times lie between the quartiles. MLflow's own work is part of each.",
        volatile=frozenset(_FIGURES),
    )


def _shown(one: Measured, value: float) -> Shown:
    return Shown(units.duration(value) if one.measure.latency else units.short(value), value)

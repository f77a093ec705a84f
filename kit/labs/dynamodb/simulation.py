"""The simulation of scaling, with its model in plain sight."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from kit import databases
from kit.errors import KitError
from kit.labs.dynamodb import throttling
from kit.labs.dynamodb.throttling import LOADS, Settings, Trace, simulate
from kit.widgets import controls
from kit.widgets.chart import Series
from kit.widgets.code import Code
from kit.widgets.measured import RoundedChart
from kit.widgets.panel import Panel
from kit.widgets.table import Grid, Table
from kit.widgets.values import Shown

_MODEL = (
    "A simulation. Each second: the provisioned units, and what is left of the last five minutes' "
    "unused ones; one partition serves 1,000 units a second at most. Target tracking looks at "
    "whole minutes: two in a row above the target raise the capacity, fifteen well below lower it. "
    "The service itself may be kinder."
)


MODEL = f"{inspect.getsource(simulate)}\n\n{inspect.getsource(throttling.scaled)}"
"""The source of what is simulated."""


def scaling(
    *,
    load: str = "a step",
    base: float = 70.0,
    provisioned: float = 100.0,
    target: float = 0.7,
    hottest: float = 0.0,
) -> Scaling:
    """Open the simulation of provisioned capacity under a load.

    `base` is the load that it begins with and `provisioned` the capacity, both in write units per
    second; `target` is what auto scaling aims at, 0 for none; `hottest` the hottest key's share.
    """
    return Scaling(load, base, Settings(provisioned=provisioned, target=target, hottest=hottest))


class Scaling(Panel):
    """Change what is provisioned, and see what is throttled: arithmetic, not a server."""

    def __init__(self, load: str, base: float, settings: Settings) -> None:
        self.trace = Trace()
        words = [(f"{name}: {words}", name) for name, words in LOADS.items()]
        self.load = controls.choice("Load", words, load)
        self.base = controls.number("begins with", base)
        self.provisioned = controls.number("Provisioned", settings.provisioned)
        self.target = controls.number("Target, %", 100 * settings.target, most=100)
        self.hottest = controls.number("Hottest key, %", 100 * settings.hottest, most=100)
        self.chart = RoundedChart(x="minute", y="write units per second", zero=True)
        self.table = Table("What became of the load")
        asked = [self.load, self.base, self.provisioned, self.target, self.hottest]
        super().__init__(
            "Simulation of throttling and auto scaling",
            note="arithmetic by the documented rules; no server is asked",
            accent=databases.get("dynamodb").accent,
            controls=asked,
            body=[self.chart, self.table],
            strip=Code("The model, all of it", language="python"),
        )
        for control in asked:
            control.observe(lambda _change: self.run(), "value")
        self.run()

    @property
    def settings(self) -> Settings:
        """Return what is set."""
        return Settings(
            provisioned=self.provisioned.value,
            target=self.target.value / 100,
            hottest=self.hottest.value / 100,
        )

    def run(self) -> Trace:
        """Simulate an hour, and show it."""
        try:
            settings = self.settings
        except KitError as error:
            self.fail(str(error))
            return self.trace
        self.trace = simulate(throttling.load(self.load.value, self.base.value), settings)
        self.chart.show(_lines(self.trace))
        self.table.show(_grid(self.trace))
        share = self.trace.throttled / max(sum(self.trace.offered), 1)
        self.done(f"simulated: {share:.1%} of the load throttled")
        if self.strip is not None:
            self.strip.show(MODEL)
        return self.trace


def _lines(trace: Trace) -> list[Series]:
    named = (
        ("offered", trace.offered),
        ("provisioned", trace.provisioned),
        ("served", trace.served),
    )
    return [Series(name, _minutes(found)) for name, found in named]


def _minutes(seconds: Sequence[float]) -> list[tuple[float, float]]:
    """Average over ten seconds, so that a line keeps its corners and travels light."""
    return [
        (start / 60, sum(seconds[start : start + 10]) / 10) for start in range(0, len(seconds), 10)
    ]


def _grid(trace: Trace) -> Grid:
    offered, served = sum(trace.offered), sum(trace.served)
    throttled = [a - b > 1e-9 for a, b in zip(trace.offered, trace.served, strict=True)]
    return Grid(
        columns=["offered, units", "served", "throttled", "seconds with throttling", "unused"],
        rows=[
            [
                _whole(offered),
                _whole(served),
                _whole(offered - served),
                _whole(sum(throttled)),
                _whole(sum(trace.provisioned) - served),
            ]
        ],
        note=_MODEL,
    )


def _whole(value: float) -> Shown:
    return Shown(f"{value:,.0f}", value)

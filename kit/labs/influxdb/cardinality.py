"""The cardinality lab: what a run id as a tag does to the number of series and to memory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kit.labs.influxdb import series
from kit.labs.influxdb.controls import button, dropdown
from kit.labs.influxdb.series import COUNTS, QUERY, As, Cost
from kit.labs.influxdb.session import Session
from kit.labs.influxdb.working import Working
from kit.widgets import chart, units
from kit.widgets.chart import Chart
from kit.widgets.code import Code
from kit.widgets.table import Grid, Table
from kit.widgets.values import Shown, quartiles

if TYPE_CHECKING:
    from kit.launch.server import Server

_EMPTY = "Nothing is measured yet."
_BEGIN = "`Measure` writes one point for each of so many runs, with the id as a tag and as a field."


def cardinality(server: Server, *, most: int = 10_000, run: bool = False) -> Cardinality:
    """Open the lab for `most` runs at most; with `run`, measure at once."""
    lab = Cardinality(Session(server), most)
    if run:
        lab.measure()
    return lab


class Cardinality(Working):
    """Index memory over the number of runs, the id kept as a tag and as a field."""

    def __init__(self, session: Session, most: int) -> None:
        self.costs: list[Cost] = []
        self.go = button("Measure", "Write the runs both ways", self._begin, primary=True)
        offered = [(f"{count:,}", count) for count in sorted({*COUNTS, most})]
        self.most = dropdown("Up to", offered, most)
        self.chart = Chart(x="runs", y="memory of the index, MB", zero=True)
        self.table = Table("Cost of a run id")
        super().__init__(
            "Cardinality",
            session,
            note=session.title,
            controls=[self.go, self.most],
            body=[self.chart, self.table],
            strip=Code("Sent to the server", language="text"),
        )
        self.empty(_EMPTY, _BEGIN)

    def measure(self) -> list[Cost]:
        """Measure both ways, up to the number of runs that is chosen, and draw it as it comes."""
        most = int(self.most.value)
        counts = [count for count in COUNTS if count < most] + [most]
        self.costs = []
        with self.turn(self.go, self.most):
            self.start("measuring", cancel=self.stopping.set)
            begun = time.perf_counter()
            series.measure(self.session, counts=counts, told=self._told)
            word = "stopped" if self.stopping.is_set() else "measured"
            self.done(word, seconds=time.perf_counter() - begun)
        return self.costs

    def _begin(self) -> None:
        self.begin(self.measure)

    def _told(self, cost: Cost) -> bool:
        self.costs.append(cost)
        self.chart.show([_line(self.costs, kept_as) for kept_as in ("tag", "field")])
        self.table.show(cost_grid(self.costs))
        if self.strip is not None:
            examples = [series.lines(1, kept_as, 0)[0] for kept_as in ("tag", "field")]
            asked = ["SHOW SERIES EXACT CARDINALITY", "SHOW STATS FOR 'indexes'", QUERY]
            self.strip.show("\n".join(["POST /write", *examples, "", *asked]))
        return not self.stopping.is_set()


def cost_grid(costs: Sequence[Cost]) -> Grid:
    """Lay out what was measured."""
    return Grid(
        columns=["runs", "run id as", "series", "index memory", "written in", "mean(loss) in"],
        rows=[
            [
                cost.runs,
                cost.kept_as,
                cost.series,
                Shown(units.size(cost.index), cost.index),
                Shown(units.duration(cost.written), cost.written),
                quartiles(cost.query, units.duration),
            ]
            for cost in costs
        ],
        volatile=frozenset({"written in", "mean(loss) in"}),
        note="Series and memory as the server states them; times with the quartiles of 5 runs.",
    )


def _line(costs: Sequence[Cost], kept_as: As) -> chart.Series:
    points = [(float(c.runs), c.index / 1e6) for c in costs if c.kept_as == kept_as]
    return chart.Series(f"as a {kept_as}", points)

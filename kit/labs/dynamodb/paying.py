"""The cost calculator: a day is drawn, and each way to pay for it is put beside the others."""

from __future__ import annotations

from typing import Any

from kit import databases
from kit.errors import KitError
from kit.labs.dynamodb import cost
from kit.labs.dynamodb.cost import Cost, Prices, Workload
from kit.labs.dynamodb.weight import LARGEST
from kit.widgets import controls
from kit.widgets.chart import Series
from kit.widgets.code import Code
from kit.widgets.measured import RoundedChart
from kit.widgets.panel import Panel
from kit.widgets.profile import Profile
from kit.widgets.table import Grid, Table
from kit.widgets.values import Shown

_DRAWN = "drawn by you"
_CONSISTENCY = {"eventually": "eventual", "strongly": "strong", "in transactions": "transactional"}


def calculator(
    *, peak: float = 200.0, writes: float = 0.2, size: int = 1024, prices: Prices | None = None
) -> Calculator:
    """Open the cost calculator.

    `peak` is the requests per second of the busiest hour, `writes` the share of requests that
    write, `size` the bytes of an item. Nothing is sent anywhere: it only computes.
    """
    return Calculator(peak, writes, size, prices or Prices())


class Calculator(Panel):
    """Draw a day, give prices, and see what each mode costs and where they break even."""

    def __init__(self, peak: float, writes: float, size: int, prices: Prices) -> None:
        self.costs: list[Cost] = []
        self._given = prices
        self._build(peak, writes, size, prices)
        self.day = Profile(
            "Requests in each hour of the day", cost.SHAPES["office hours"], self._drawn
        )
        self.table = Table("Cost of a month")
        self.chart = RoundedChart(
            x="average load, % of the peak", y="US dollars a month", zero=True
        )
        paid = controls.row(*(one for _, one in self.paid))
        super().__init__(
            "Cost calculator",
            note=f"computed, nothing is called · prices: {prices.source}",
            accent=databases.get("dynamodb").accent,
            controls=[self.shape, self.peak, self.writes, self.size, self.consistency],
            body=[self.day, paid, self.table, self.chart],
            strip=Code("Code that ran", language="python"),
        )
        for control in (
            self.peak,
            self.writes,
            self.size,
            self.consistency,
            *dict(self.paid).values(),
        ):
            control.observe(lambda _change: self.compute(), "value")
        self.shape.observe(self._shaped, "value")
        self.compute()

    @property
    def workload(self) -> Workload:
        """Return the workload that is drawn."""
        peak = float(self.peak.value)
        return Workload(
            hours=[round(peak * share, 4) for share in self.day.shares],
            writes=self.writes.value / 100,
            size=int(self.size.value),
            consistency=_CONSISTENCY[self.consistency.value],  # type: ignore[arg-type]
        )

    @property
    def prices(self) -> Prices:
        """Return the prices that are given."""
        return Prices(as_of=self._given.as_of, **{name: one.value for name, one in self.paid})

    def compute(self) -> list[Cost]:
        """Compute and show what each mode costs."""
        try:
            workload, prices = self.workload, self.prices
        except KitError as error:
            self.fail(str(error))
            return self.costs
        self.costs = cost.compare(workload, prices)
        cheapest = min(self.costs, key=lambda one: one.total)
        self.table.show(_grid(self.costs, workload, prices))
        self.chart.show(_lines(workload, prices))
        self.done(f"{cheapest.mode} is the cheapest")
        if self.strip is not None:
            self.strip.show(_code(workload, prices))
        return self.costs

    def _build(self, peak: float, writes: float, size: int, prices: Prices) -> None:
        self.shape = controls.choice("Day", [*cost.SHAPES, _DRAWN])
        self.peak = controls.number("Peak, requests/s", peak, most=1e7, width="240px")
        self.writes = controls.number("Writes, %", round(100 * writes), most=100, whole=True)
        self.size = controls.number("Item, bytes", size, most=LARGEST, whole=True)
        self.consistency = controls.choice("Reads", [*_CONSISTENCY])
        self.paid = [
            (name, controls.number(label, getattr(prices, name), width="240px"))
            for name, label in (
                ("write_request", "$ per million writes"),
                ("read_request", "per million reads"),
                ("write_hour", "per write unit and hour"),
                ("read_hour", "per read unit and hour"),
            )
        ]

    def _shaped(self, change: Any) -> None:
        if change["new"] in cost.SHAPES:
            self.day.draw(cost.SHAPES[change["new"]])
            self.compute()

    def _drawn(self) -> None:
        self.shape.value = _DRAWN
        self.compute()


def _grid(costs: list[Cost], workload: Workload, prices: Prices) -> Grid:
    used = cost.utilisation(workload.hours)
    at = " and ".join(dict.fromkeys(f"{share:.1%}" for share in prices.break_even))
    return Grid(
        columns=["mode", "writes, $", "reads, $", "total, $ a month", "how"],
        rows=[
            [one.mode, _dollars(one.writes), _dollars(one.reads), _dollars(one.total), one.how]
            for one in costs
        ],
        note=f"this day uses {used:.0%} of its peak; capacity for the peak pays off above {at}",
    )


def _lines(workload: Workload, prices: Prices) -> list[Series]:
    """Draw both modes over the average load, the peak being the same, and where this day is."""
    peak = max(workload.hours)
    if not peak:
        return []
    flat = [Workload(hours=[peak * share / 100] * 24, **_rest(workload)) for share in (0, 100)]
    demand = [cost.compare(one, prices)[0].total for one in flat]
    fixed = cost.compare(workload, prices)[1].total
    here = 100 * cost.utilisation(workload.hours)
    return [
        Series("on-demand", [(0, demand[0]), (100, demand[1])]),
        Series("for the peak", [(0, fixed), (100, fixed)]),
        Series("this day", [(here, demand[1] * here / 100)]),
    ]


def _rest(workload: Workload) -> dict[str, Any]:
    return {name: getattr(workload, name) for name in ("writes", "size", "consistency")}


def _code(workload: Workload, prices: Prices) -> str:
    return (
        "from kit.labs.dynamodb.cost import Prices, Workload, compare\n\n"
        f"workload = {workload!r}\nprices = {prices!r}\ncompare(workload, prices)"
    )


def _dollars(value: float) -> Shown:
    return Shown(f"{value:,.2f}", value)

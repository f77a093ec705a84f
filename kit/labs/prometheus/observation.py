"""The model server under observation: a load that the learner steers, and what it does."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets

from kit import databases
from kit.errors import KitError, UnknownName
from kit.labs.prometheus.api import Answer, Api, hint
from kit.labs.prometheus.lines import lines
from kit.labs.prometheus.serving import BUCKETS, ModelServer, Traffic
from kit.labs.prometheus.stage import Stage
from kit.widgets.bars import Bar, Bars
from kit.widgets.chart import PALETTE, Series
from kit.widgets.code import Code
from kit.widgets.measured import MeasuredChart
from kit.widgets.panel import Panel
from kit.widgets.watch import Watch

if TYPE_CHECKING:
    from kit.launch.server import Server

EVERY = 1.0
"""Seconds between two looks: as often as the service is scraped."""

_WINDOW = 60.0
_BUCKETS = "sum by (le) (increase(model_request_seconds_bucket[30s]))"
_QUANTILE = "histogram_quantile({}, sum by (le) (rate(model_request_seconds_bucket[5s])))"
_LAYOUTS = {
    "eight buckets, 5 ms to 1 s": BUCKETS,
    "two buckets, 100 ms and 1 s": (0.1, 1.0),
    "sixteen buckets, 2 ms to 1 s": tuple(round(0.002 * 1.513**n, 4) for n in range(16)),
}


@dataclass(frozen=True)
class View:
    """One thing to look at: queries by the name of their line, and what they measure."""

    measured: str
    queries: Mapping[str, str]


VIEWS = {
    "Rate": View("requests per second", {"": "sum by (code) (rate(model_requests_total[5s]))"}),
    "Errors": View(
        "share of requests",
        {
            "errors": 'sum(rate(model_requests_total{code=~"5.."}[5s]))'
            " / sum(rate(model_requests_total[5s]))"
        },
    ),
    "Duration": View(
        "seconds",
        {f"p{round(100 * q)}": _QUANTILE.format(q) for q in (0.5, 0.95, 0.99)},
    ),
    "At work": View("requests at work", {"in progress": "sum(model_requests_in_progress)"}),
    "Confidence": View(
        "mean probability",
        {"mean": "sum(rate(model_confidence_sum[5s])) / sum(rate(model_confidence_count[5s]))"},
    ),
    "rate, irate": View(
        "requests per second",
        {
            "rate": "sum(rate(model_requests_total[15s]))",
            "irate": "sum(irate(model_requests_total[15s]))",
        },
    ),
    "Counter": View("requests since the start", {"requests": "sum(model_requests_total)"}),
    "Buckets": View("requests", {"": _BUCKETS}),
}


class Observation(Panel):
    """Steer a load on a model server, and see what Prometheus makes of it."""

    def __init__(self, api: Api, model: ModelServer, traffic: Traffic, view: str) -> None:
        server, self.api = api.server, api
        self.model, self.traffic = model, traffic
        self.answers: dict[str, Answer] = {}
        self._turn = threading.Lock()
        self.watch = Watch(self._look, stopped=self._stopped)
        self._build(view)
        super().__init__(
            "Model server under observation",
            note=f"{server.product} · {server.name}",
            accent=databases.get(server.database).accent,
            controls=[self.buckets, self.again, self.rate, self.errors, self.delay],
            body=[self.view, self.stage],
            strip=Code("PromQL that ran", language="promql"),
        )
        self.wait("for the first scrapes")

    def refresh(self) -> dict[str, Answer]:
        """Look once; return the answers by the name of their query."""
        with self._turn:
            name = str(self.view.value)
            try:
                self.answers = ask(self.api, VIEWS[name], name == "Buckets")
            except KitError as error:
                self._draw(name, {})
                self.fail(str(error), hint(str(error)))
                return {}
            self._draw(name, self.answers)
            self._say(VIEWS[name])
            return self.answers

    def close(self) -> None:
        """Stop looking and remove the panel; the service and its load go on."""
        self.watch.stop()
        super().close()

    def _build(self, view: str) -> None:
        self.rate = _number("Requests per second", "1 to 60", self.traffic.rate, 1, 60, 5)
        self.errors = _number("Broken, %", "0 to 100", 100 * self.traffic.errors, 0, 100, 10)
        self.delay = _number("Slower by, ms", "0 to 500", 1000 * self.model.delay, 0, 500, 50)
        for number in (self.rate, self.errors, self.delay):
            number.observe(lambda _change: self._steer(), "value")
        known = {buckets: name for name, buckets in _LAYOUTS.items()}
        name = known.get(self.model.buckets, f"{len(self.model.buckets)} buckets")
        layouts = {name: self.model.buckets} | _LAYOUTS
        self.buckets = ipywidgets.Dropdown(
            options=list(layouts.items()), value=self.model.buckets, description="Buckets"
        )
        self.buckets.layout.width = "auto"
        self.buckets.observe(lambda _change: self.background(self._restart), "value")
        self.again = ipywidgets.Button(
            description="Restart the service",
            tooltip="Begin anew: its counters start from zero",
        )
        self.again.on_click(lambda _button: self.background(self._restart))
        self.view = ipywidgets.ToggleButtons(options=list(VIEWS), value=view)
        self.view.style.button_width = "auto"
        self.view.observe(lambda _change: self.background(self.refresh), "value")
        self.chart = MeasuredChart(x="time", y="", time=True, zero=True)
        self.bars = Bars("", of="requests, by the seconds they took")
        self.stage = Stage({"chart": self.chart, "bars": self.bars}, "chart")

    def _steer(self) -> None:
        self.traffic.rate = float(self.rate.value)
        self.traffic.errors = float(self.errors.value) / 100
        self.model.delay = float(self.delay.value) / 1000

    def _restart(self) -> None:
        self.start("restarting")
        self.model.restart(buckets=self.buckets.value)
        self.refresh()

    def _look(self) -> float:
        self.refresh()
        return EVERY

    def _draw(self, name: str, answers: Mapping[str, Answer]) -> None:
        bars = name == "Buckets"
        if bars:
            self.bars.show([bar for answer in answers.values() for bar in shares(answer)])
        self.stage.show("bars" if bars else "chart")
        if bars:
            return
        drawn: list[Series] = []
        for label, answer in answers.items():
            drawn += lines(answer.series, EVERY, label=label)
        self.chart.show(drawn[: len(PALETTE)], y=VIEWS[name].measured)

    def _say(self, view: View) -> None:
        if self.strip is not None:
            self.strip.show("\n".join(view.queries.values()))
        if not any(answer.series for answer in self.answers.values()):
            self.wait("for the first scrapes")
        else:
            self.done("looking every second" if self.watch.running else "")

    def _stopped(self) -> None:
        self.halt("interrupted · open the panel anew to look again")


def observe(
    server: Server, model: ModelServer, traffic: Traffic, *, view: str = "Rate", watch: bool = True
) -> Observation:
    """Watch a model server through Prometheus, beside the controls of its load.

    `view` is what is shown first, one of `VIEWS`; without `watch` it looks only once.
    """
    if view not in VIEWS:
        raise UnknownName.among("view", view, VIEWS)
    shown = Observation(Api(server), model, traffic, view)
    shown.refresh()
    if watch:
        shown.watch.start()
    return shown


def ask(api: Api, view: View, now: bool) -> dict[str, Answer]:
    """Return what a view's queries give: at this moment, or over the last minute."""
    if now:
        return {name: api.instant(query) for name, query in view.queries.items()}
    end = api.instant("time()").series[0].value
    return {
        name: api.range(query, end - _WINDOW, end, EVERY) for name, query in view.queries.items()
    }


def shares(answer: Answer) -> list[Bar]:
    """Return how many requests fell into each bucket alone: Prometheus counts all up to a bound."""
    bounds = sorted((float(one.labels["le"]), one.value) for one in answer.series)
    below, made = 0.0, []
    for place, (bound, count) in enumerate(bounds):
        low = f"{bounds[place - 1][0]:g}" if place else "0"
        label = f"{low} to {bound:g}" if bound < float("inf") else f"above {low}"
        made.append(Bar(label, max(0.0, count - below)))
        below = count
    return made


def _number(label: str, tip: str, value: float, low: float, high: float, step: float) -> Any:
    made = ipywidgets.BoundedFloatText(
        value=min(max(value, low), high), min=low, max=high, step=step, description=label
    )
    made.tooltip = tip
    made.layout.width = "auto"
    made.style.description_width = "auto"
    return made

"""The PromQL console: an expression, at one moment as a table or over time as a chart."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets

from kit import databases
from kit.errors import KitError, UsageError
from kit.labs.prometheus.api import Answer, Api, Found, hint
from kit.labs.prometheus.completion import vocabulary
from kit.labs.prometheus.lines import lines
from kit.labs.prometheus.stage import Stage
from kit.widgets import units
from kit.widgets.chart import PALETTE
from kit.widgets.code import Code
from kit.widgets.completing import Completing
from kit.widgets.measured import MeasuredChart
from kit.widgets.panel import Panel
from kit.widgets.parts import Notice
from kit.widgets.table import Grid, Table
from kit.widgets.tree import Node, Tree
from kit.widgets.turn import Turn
from kit.widgets.values import Shown

if TYPE_CHECKING:
    from kit.launch.server import Server

ROWS = 1000
WINDOWS = (("15 s", 15), ("1 min", 60), ("5 min", 300), ("30 min", 1800), ("3 h", 10_800))
_POINTS = 240
_EMPTY = "Write an expression and press `Run`: the table holds its value now, the chart its past."
_NOTHING = "The expression is right, and no series fits it at this moment."


class Console(Panel):
    """Ask one server; metric and label names are offered while one types."""

    def __init__(self, api: Api, expression: str, window: float, table: bool) -> None:
        server, self.api = api.server, api
        self.answer: Answer | None = None
        self.past: Answer | None = None
        self._turn = Turn()
        self._build(expression, window, table)
        side = ipywidgets.VBox([self.tree])
        side.add_class("kit-side")
        notice = Notice()
        main = ipywidgets.VBox([self.editor, notice, self.stage])
        main.add_class("kit-main")
        halves = ipywidgets.HBox([side, main])
        halves.add_class("kit-console")
        super().__init__(
            "PromQL console",
            note=f"{server.product} · {server.name}",
            accent=databases.get(server.database).accent,
            controls=[self.go, self.view, self.window],
            body=[halves],
            strip=Code("PromQL that ran", language="promql"),
            notice=notice,
        )
        self.view.observe(lambda _change: self.stage.show(str(self.view.value)), "value")
        self._learn()
        self.empty(_EMPTY)
        if expression:
            self.run()

    def run(self, expression: str | None = None) -> Answer | None:
        """Evaluate an expression, or the one in the editor; None where the server refused it."""
        if expression is not None:
            self.editor.value = expression
        with self._turn:
            self.go.disabled = True
            self.start()
            begun = time.perf_counter()
            try:
                return self._ask(self.editor.value.strip(), begun)
            except KitError as error:
                self.answer = self.past = None
                self._draw(None, None)
                self.fail(str(error), hint(str(error)))
                return None
            finally:
                self.go.disabled = False

    def _build(self, expression: str, window: float, table: bool) -> None:
        self.tree = _Side("Metrics", picked=lambda text: self.editor.insert(text))
        self.editor = Completing(expression, "PromQL", "up   (Ctrl+Enter runs it)", self._start)
        self.table = Table("Value now")
        self.chart = MeasuredChart(x="time", y="", time=True)
        parts = {"table": self.table, "chart": self.chart}
        self.stage = Stage(parts, "table" if table else "chart")
        self.go = ipywidgets.Button(
            description="Run",
            tooltip="Evaluate the expression (Ctrl+Enter)",
            button_style="primary",
        )
        self.go.on_click(lambda _button: self._start())
        self.view = ipywidgets.ToggleButtons(
            options=[("Table", "table"), ("Chart", "chart")], value="table" if table else "chart"
        )
        self.view.style.button_width = "auto"
        choices = sorted({*(seconds for _, seconds in WINDOWS), window})
        named = {float(seconds): text for text, seconds in WINDOWS}
        self.window = ipywidgets.Dropdown(
            options=[(named.get(s, units.duration(s)), s) for s in choices],
            value=window,
            description="Last",
        )
        self.window.layout.width = "auto"

    def _start(self) -> None:
        self._turn.ask(self.background, self.run)

    def _learn(self) -> None:
        """Read which metrics, labels and values there are."""
        words = vocabulary(self.api)
        self.editor.words = words
        kinds: dict[str, list[Node]] = {}
        for name, kind in words["outside"]:
            if kind not in ("aggregation", "keyword", "function"):
                kinds.setdefault(kind, []).append(Node(label=name, kind="metric", picked=name))
        labels = [
            Node(label=name, picked=name, children=[Node(label=v, picked=v) for v in found])
            for name, found in words["within"].items()
        ]
        groups = [Node(label=kind, children=nodes) for kind, nodes in sorted(kinds.items())]
        self.tree.show([*groups, *([Node(label="labels", children=labels)] if labels else [])])

    def _ask(self, expression: str, begun: float) -> Answer | None:
        if not expression:
            self._draw(None, None)
            self.empty(_EMPTY)
            return None
        answer = self.api.instant(expression)
        past = None
        if answer.kind in ("vector", "scalar"):
            now = self.api.instant("time()").series[0].value
            past = self.api.range(expression, now - float(self.window.value), now, self._step)
        self.answer, self.past = answer, past
        self._draw(answer, past)
        self._say(expression, answer, time.perf_counter() - begun)
        self._learn()
        return answer

    @property
    def _step(self) -> float:
        return max(1.0, round(float(self.window.value) / _POINTS))

    def _draw(self, answer: Answer | None, past: Answer | None) -> None:
        self.table.show(*([] if answer is None else [grid(answer)]))
        drawn = [] if past is None else past.series[: len(PALETTE)]
        self.chart.show(lines(drawn, self._step), y="value")

    def _say(self, expression: str, answer: Answer, seconds: float) -> None:
        if self.strip is not None:
            self.strip.show(expression)
        many = len(self.past.series) if self.past else 0
        if not answer.series and not answer.text and not many:
            self.empty(_NOTHING, "The query tree shows at which step the series are lost.")
            return
        said = [units.plural(len(answer.series), "series", "series")]
        if self.past is not None:
            said.append(f"one point each {self._step:g} s")
        if many > len(PALETTE):
            said.append(f"drawn: the first {len(PALETTE)}")
        self.done(" · ".join(said), seconds=seconds)


class _Side(Tree):
    """A tree to pick names from, of which a saved notebook needs nothing."""

    def static_html(self) -> str:
        return ""

    def static_text(self) -> str:
        return ""


def console(
    server: Server, expression: str = "", *, window: float = 60, table: bool = True
) -> Console:
    """Open a PromQL console on a Prometheus server, and run `expression` if there is any.

    `window` is how many seconds back the chart reaches; without `table` the chart is shown first.
    """
    if window <= 0:
        raise UsageError("window= is a number of seconds above zero, for example window=60.")
    return Console(Api(server), expression, window, table)


def grid(answer: Answer) -> Grid:
    """Lay out series as a table: a column for each label, and the value."""
    if answer.kind == "string":
        return Grid(columns=[], rows=[], message=answer.text)
    shown = answer.series[:ROWS]
    names = list(dict.fromkeys(name for one in shown for name in one.labels))
    several = answer.kind == "matrix"
    return Grid(
        columns=[*names, "values" if several else "value"],
        rows=[[*(one.labels.get(k, "") for k in names), _value(one, several)] for one in shown],
        total=len(answer.series),
        volatile=_volatile(names),
    )


def _value(found: Found, several: bool) -> Any:
    if several:
        return " ".join(f"{value:g}" for _, value in found.points)
    return Shown(units.figure(found.value), found.value)


def _volatile(names: Sequence[str]) -> frozenset[str]:
    return frozenset({"value", "values", "instance"} & {*names, "value", "values"})

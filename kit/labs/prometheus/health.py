"""Health checks of a pipeline: short-lived steps that push how they ended, and who is late."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import ipywidgets

from kit import databases
from kit.errors import KitError, UsageError
from kit.labs.prometheus.api import Answer, Api, hint
from kit.widgets import units
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.table import Grid, Table
from kit.widgets.values import Shown
from kit.widgets.watch import Watch

if TYPE_CHECKING:
    from kit.launch.server import Server

EVERY = 1.0
AGE = "time() - max by (step) (pipeline_last_success_timestamp_seconds)"
TOOK = "max by (step) (pipeline_duration_seconds)"
WENT = "min by (step) (pipeline_success)"


@contextmanager
def step(gateway: Server, name: str, *, job: str = "training") -> Iterator[None]:
    """Run a step of a pipeline, and push when it ended, how long it took and whether it succeeded.

    A step that fails pushes that too, and its time of last success stays what it was.
    """
    begun = time.perf_counter()
    try:
        yield
    except BaseException:
        push(gateway, name, job=job, seconds=time.perf_counter() - begun, success=False)
        raise
    push(gateway, name, job=job, seconds=time.perf_counter() - begun, success=True)


def push(gateway: Server, name: str, *, job: str, seconds: float, success: bool) -> None:
    """Push how a step went; the gateway keeps it under the job and the step."""
    from prometheus_client import CollectorRegistry, Gauge, pushadd_to_gateway
    from prometheus_client.exposition import basic_auth_handler

    if gateway.database != "pushgateway":
        raise UsageError('Steps push to a push gateway: kit.start("pushgateway").')
    registry: Any = CollectorRegistry()
    Gauge("pipeline_duration_seconds", "How long the step took", registry=registry).set(seconds)
    Gauge("pipeline_success", "1 if it went well", registry=registry).set(int(success))
    if success:
        Gauge(
            "pipeline_last_success_timestamp_seconds", "When it last went well", registry=registry
        ).set_to_current_time()

    def sent(url: str, method: str, timeout: float | None, headers: Any, data: bytes) -> Any:
        secret = gateway.user, gateway.password
        return basic_auth_handler(url, method, timeout, headers, data, *secret)

    pushadd_to_gateway(
        gateway.address, job=job, registry=registry, grouping_key={"step": name}, handler=sent
    )


class Pipeline(Panel):
    """Each step's freshness, duration and success, as Prometheus knows them."""

    def __init__(self, api: Api, late: float) -> None:
        server, self.api = api.server, api
        self.late = late
        self._turn = threading.Lock()
        self.watch = Watch(self._look, stopped=self._stopped)
        self.table = Table("Steps")
        self.again = ipywidgets.Button(
            description="Look again", tooltip="Ask for what is known now"
        )
        self.again.on_click(lambda _button: self.background(self._look_again))
        strip = Code("PromQL that ran", language="promql")
        strip.show("\n".join([AGE, TOOK, WENT]))
        super().__init__(
            "Pipeline health",
            note=f"{server.product} · {server.name}",
            accent=databases.get(server.database).accent,
            controls=[self.again],
            body=[self.table],
            strip=strip,
        )

    def refresh(self) -> None:
        """Look once."""
        with self._turn:
            try:
                age, took, went = (self.api.instant(query) for query in (AGE, TOOK, WENT))
            except KitError as error:
                self.table.show()
                self.fail(str(error), hint(str(error)))
                return
            if not took.series:
                self.empty("No step has pushed anything yet.")
                return
            grid = health(age, took, went, self.late)
            self.table.show(grid)
            late = sum(str(row[1]).endswith("late") for row in grid.rows)
            self.done(f"{units.plural(len(grid.rows), 'step')} · {late} late")

    def close(self) -> None:
        """Stop looking and remove the panel."""
        self.watch.stop()
        super().close()

    def _look_again(self) -> None:
        self.start("looking")
        self.refresh()

    def _look(self) -> float:
        self.refresh()
        return EVERY

    def _stopped(self) -> None:
        self.halt("interrupted · open the panel anew to look again")


def pipeline(server: Server, *, late: float = 60.0, watch: bool = True) -> Pipeline:
    """Show how the steps of a pipeline are doing; `late` is how old, in seconds, is too old."""
    shown = Pipeline(Api(server), late)
    shown.refresh()
    if watch:
        shown.watch.start()
    return shown


def health(age: Answer, took: Answer, went: Answer, late: float) -> Grid:
    """Lay out the steps: a row each."""
    ages, well = _by_step(age), _by_step(went)
    rows: list[Sequence[Any]] = []
    for name, seconds in sorted(_by_step(took).items()):
        old = ages.get(name)
        state = ("✓", "fresh") if old is not None and old <= late else ("✗", "late")
        last = ("✓", "succeeded") if well.get(name) == 1 else ("✗", "failed")
        rows.append(
            [
                name,
                Shown(state[1], state[1], state[0]),
                Shown(last[1], last[1], last[0]),
                "never" if old is None else Shown(units.duration(max(0.0, old)), old),
                Shown(units.duration(seconds), seconds),
            ]
        )
    return Grid(
        columns=["step", "data", "last run", "last success, ago", "took"],
        rows=rows,
        volatile=frozenset({"last success, ago", "took"}),
    )


def _by_step(answer: Answer) -> dict[str, float]:
    return {one.labels.get("step", ""): one.value for one in answer.series}

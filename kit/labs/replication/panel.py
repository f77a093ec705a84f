"""The panel of the replica lab."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets

from kit import databases
from kit.errors import KitError
from kit.labs.replication.probe import Probe, Sample
from kit.labs.replication.traffic import LARGE, Traffic
from kit.labs.statements import refused
from kit.widgets import units
from kit.widgets.chart import Series
from kit.widgets.code import Code
from kit.widgets.measured import MeasuredChart
from kit.widgets.panel import Panel
from kit.widgets.table import Grid, Table
from kit.widgets.values import Shown
from kit.widgets.watch import Watch

if TYPE_CHECKING:
    from kit.launch.server import Server

RATES = (0, 20, 100, 500)
INTERVAL = 0.1
KEPT = 1200
"""Samples that are remembered: two minutes."""

_DRAW = 0.4
_IDLE = 1.0
_MEASURED, _OWN = "by the heartbeat", "by its own figure"
_NOTE = (
    "Its own figure is in whole seconds, is NULL while it applies nothing, and knows nothing of "
    "what has not arrived yet."
)
# MariaDB adds the time that the statement took there before it compares.
_BEGUN = " It counts from when a statement began on the primary."


class Lag(Panel):
    """Watch a replica while its primary is written to; `samples` holds what was seen."""

    def __init__(self, primary: Server, replica: Server) -> None:
        self.primary, self.replica = primary, replica
        self.samples: list[Sample] = []
        self.traffic = Traffic(primary, replica)
        self.held = False
        self._probe: Probe | None = None
        self._ran: list[str] = []
        self._drawn = 0.0
        self._turn = threading.RLock()
        self.watch = Watch(self._look, stopped=self._stopped)
        self._build()
        super().__init__(
            "A replica and its lag",
            note=f"{replica.product} · {replica.name} follows {primary.name}",
            accent=databases.get("mysql").accent,
            controls=[self.rate, self.large_button, self.hold_button, self.again],
            body=[self.table, self.chart],
            strip=Code("SQL that ran"),
        )
        self.empty("Nothing has been seen yet.", "`Watch` looks ten times a second.")
        self.rate.observe(lambda change: self._do(lambda: self.write(change["new"])), "value")
        self.hold_button.observe(
            lambda change: self._do(lambda: self.hold(held=change["new"])), "value"
        )

    def write(self, rate: float) -> None:
        """Write so many rows a second on the primary from now on; 0 stops."""
        self.traffic.write(rate)
        if rate in RATES:
            self.rate.value = rate

    def hold(self, *, held: bool = True) -> None:
        """Have the replica stop applying what it receives, or go on."""
        if held != self.held:
            self.held = held
            self._ran.append(self.traffic.hold(held=held))
        self.hold_button.value = held

    def large(self, rows: int = LARGE) -> None:
        """Insert many rows in one transaction on the primary; return when it is committed."""
        self.large_button.disabled = True
        try:
            self._ran += self.traffic.large(rows)
        finally:
            self.large_button.disabled = False

    def record(self, seconds: float) -> list[Sample]:
        """Look for `seconds`, show what was seen, and return it."""
        begun, before = time.monotonic(), len(self.samples)
        while time.monotonic() < begun + seconds:
            pause = self._look()
            if self.status.state == "failed":
                break
            time.sleep(pause)
        self._draw()
        return self.samples[before:]

    def catch_up(self, timeout: float = 30.0) -> bool:
        """Wait until the replica has what the primary has now; tell whether it did in time."""
        with self._turn:
            return self._opened().catch_up(timeout)

    def go_on(self) -> None:
        """Look ten times a second, until it is stopped."""
        self.watch.start()
        self.again.description = "Stop"

    def stop(self) -> None:
        """Stop looking and writing, and have the replica go on; what was seen stays."""
        self.watch.stop()
        self.again.description = "Watch"
        self.traffic.stop()
        if self.held:
            self._do(lambda: self.hold(held=False))
        with self._turn:
            self._forget()

    def close(self) -> None:
        """Stop, and remove the panel."""
        self.stop()
        super().close()

    def _build(self) -> None:
        options = [(f"{rate} a second" if rate else "none", rate) for rate in RATES]
        self.rate = ipywidgets.Dropdown(options=options, value=0, description="Writes")
        self.large_button = ipywidgets.Button(
            description="One large transaction",
            tooltip=f"Insert {LARGE:,} rows on the primary in one statement",
        )
        self.large_button.on_click(lambda _button: self.background(lambda: self._do(self.large)))
        self.hold_button = ipywidgets.ToggleButton(
            description="Hold the replica", tooltip="It receives, but applies nothing"
        )
        self.again = ipywidgets.Button(
            description="Watch", tooltip="Go on looking, or stop", button_style="primary"
        )
        self.again.on_click(lambda _button: self._toggle())
        for control in (self.rate, self.large_button, self.hold_button):
            control.layout.width = "auto"
        self.table = Table("The replica now")
        self.chart = MeasuredChart(x="time", y="behind, s", zero=True, time=True)

    def _toggle(self) -> None:
        if self.watch.running:
            self.watch.stop()
            self.again.description = "Watch"
            self._draw()
        else:
            self.go_on()

    def _do(self, work: Callable[[], object]) -> None:
        """Do what a control asks for; what a server says to it is shown."""
        try:
            work()
        except Exception as error:
            self._fail(error)

    def _look(self) -> float:
        with self._turn:
            try:
                self.samples = [*self.samples[1 - KEPT :], self._opened().sample()]
            except Exception as error:
                # A driver's own error: both servers are asked without SQLAlchemy.
                self._forget()
                self._fail(error)
                return _IDLE
            if time.monotonic() >= self._drawn + _DRAW:
                self._draw()
        return INTERVAL

    def _opened(self) -> Probe:
        if self._probe is None:
            self._probe = Probe(self.primary, self.replica)
        return self._probe

    def _draw(self) -> None:
        if not self.samples:
            return
        self._drawn = time.monotonic()
        last = self.samples[-1]
        self.table.show(_grid(self.replica, last))
        self.chart.show(_lines(self.samples))
        if self.strip is not None and self._probe is not None:
            self.strip.show("\n".join([self._probe.asked(), *(f"{one};" for one in self._ran)]))
        if self.status.state == "failed" or not self.watch.running:
            self.done(f"{units.plural(len(self.samples), 'look')}")
        if self.watch.running:
            self.status.show("running", f"{units.duration(last.measured)} behind")
            self.notice.hide()

    def _fail(self, error: Exception) -> None:
        if isinstance(error, KitError):
            return self.fail(str(error))
        why = refused(error)
        said = why.message
        for secret in {self.primary.password, self.replica.password} - {""}:
            said = said.replace(secret, "***")
        hint = "Bring the server back with its restart(); the panel goes on by itself."
        return self.fail(said, why.hint or hint)

    def _forget(self) -> None:
        if self._probe is not None:
            self._probe.close()
        self._probe = None

    def _stopped(self) -> None:
        self.traffic.stop()
        self.again.description = "Watch"
        self.halt("interrupted · Watch looks again")


def _grid(replica: Server, last: Sample) -> Grid:
    own = None if last.reported is None else Shown(f"{last.reported} s", last.reported)
    return Grid(
        columns=["replica", "receives", "applies", _MEASURED, _OWN, "transactions behind"],
        rows=[
            [
                replica.name,
                _yes(last.receives),
                _yes(last.applies),
                Shown(units.duration(last.measured), last.measured),
                own,
                last.behind,
            ]
        ],
        note=_NOTE if replica.product == "MariaDB" else _NOTE + _BEGUN,
        volatile=frozenset({_MEASURED, _OWN, "transactions behind"}),
    )


def _yes(fact: bool) -> str:
    return "✓ yes" if fact else "✗ no"


def _lines(samples: list[Sample]) -> list[Series]:
    own: list[tuple[float, Any]] = [
        (one.at, math.nan if one.reported is None else float(one.reported)) for one in samples
    ]
    return [Series(_MEASURED, [(one.at, one.measured) for one in samples]), Series(_OWN, own)]

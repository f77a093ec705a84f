"""The alert lab: a rule is written and checked, and its alerts followed to their delivery."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets

from kit import databases
from kit.errors import KitError
from kit.labs.prometheus import alerting
from kit.labs.prometheus.api import Answer, Api, hint
from kit.labs.prometheus.holding import Holding
from kit.labs.prometheus.promtool import check_rules
from kit.labs.prometheus.receiver import Receiver
from kit.labs.prometheus.trouble import Trouble
from kit.widgets import units
from kit.widgets.code import Code
from kit.widgets.editor import Editor
from kit.widgets.panel import Panel
from kit.widgets.parts import Notice
from kit.widgets.table import Grid, Table
from kit.widgets.timeline import Timeline
from kit.widgets.watch import Watch

if TYPE_CHECKING:
    from kit.labs.prometheus.serving import Traffic
    from kit.launch.server import Server

EVERY = 1.0
"""Seconds between two looks: as often as the rules are evaluated."""

_NOTHING = ("No alert has been pending yet.", "Apply a rule, and give it a reason to fire.")
_WINDOW = 120.0
_LINES = 12
_KEPT_BACK = {"active": "delivered", "suppressed": "kept back", "unprocessed": "waiting"}


class AlertLab(Panel):
    """An editor for a rule file, the alerts on a line of time, and what was delivered."""

    def __init__(
        self,
        api: Api,
        alertmanager: Server,
        receiver: Receiver,
        rules: str,
        since: float,
        traffic: Traffic | None,
    ) -> None:
        server, self.api = api.server, api
        self.alertmanager, self.receiver = alertmanager, receiver
        self.since = since
        self._lines: list[str] = []
        # What the last button did is said beside what goes on, and a refusal until the next one.
        self._acted, self._refused = "", False
        self._turn = threading.Lock()
        self.watch = Watch(self._look, stopped=self._stopped)
        self._build(rules)
        self.trouble = None if traffic is None else Trouble(traffic)
        notice = Notice()
        super().__init__(
            "Alert lab",
            note=f"{server.product} · {server.name} → {alertmanager.product}",
            accent=databases.get(server.database).accent,
            controls=[self.check, self.apply, *([self.trouble] if self.trouble else [])],
            body=[self.editor, notice, self.holding, self.line, self.table],
            strip=Code("What ran", language="text"),
            notice=notice,
        )
        self.empty(*_NOTHING)

    def put(self, rules: str | None = None) -> bool:
        """Give the rules in the editor to Prometheus; return whether it took them."""
        if rules is not None:
            self.editor.value = rules
        self.start("checking")
        try:
            alerting.put_rules(self.api.server, self.editor.value)
        except KitError as error:
            self._refuse(str(error), "The rules that were there before stay in force.")
            return False
        self._ran("promtool check rules lesson.yml", "POST /-/reload")
        self.holding.offer(alerting.names(self.editor.value))
        self._act("in force")
        return True

    def refresh(self) -> None:
        """Look once at the alerts and at what was delivered."""
        with self._turn:
            try:
                self._show()
            except KitError as error:
                self.fail(str(error), hint(str(error)))
            except OSError:
                self.fail("Alertmanager does not answer.", alerting.GONE)

    def close(self) -> None:
        """Stop looking and making trouble, and remove the panel; rules and silences stay."""
        self.watch.stop()
        super().close()

    def _build(self, rules: str) -> None:
        self.editor = Editor(rules, "Rules", "groups: …   (Ctrl+Enter applies)", self._apply)
        self.line = Timeline("s", of="since the beginning")
        self.table = Table("Alerts that Alertmanager holds")
        self.check = _button("Check", "promtool check rules", self._check)
        self.apply = _button("Apply", "Check the rules and have Prometheus read them", self._apply)
        self.apply.button_style = "primary"
        self.holding = Holding(self.alertmanager, self._held, self._refuse)

    def _check(self) -> None:
        try:
            checked = check_rules(self.editor.value)
        except KitError as error:
            self._refuse(str(error))
            return
        self._ran(checked.command)
        if checked:
            self._act(checked.said.splitlines()[-1].strip())
        else:
            self._refuse(checked.said)

    def _apply(self) -> None:
        self.background(self.put)

    def _held(self, text: str, asked: Sequence[str]) -> None:
        self._ran(*asked)
        self._act(text)

    def _act(self, text: str) -> None:
        self._acted, self._refused = text, False
        self.done(text)

    def _refuse(self, message: str, hint: str = "") -> None:
        self._acted, self._refused = "", True
        self.fail(message, hint)

    def _look(self) -> float:
        self.refresh()
        return EVERY

    def _show(self) -> None:
        end = self.api.instant("time()").series[0].value
        start = max(self.since, end - _WINDOW)
        states = self.api.range(alerting.STATES, start, end, EVERY)
        self.line.show(alerting.lanes(states, self.receiver.notifications, start, end))
        held = alerting.held(self.alertmanager)
        self.table.show(*([_grid(held)] if held else []))
        there = sorted(one["labels"]["alertname"] for one in held)
        self.holding.offer([*alerting.names(self.editor.value), *there])
        self._say(states, end)

    def _say(self, states: Answer, end: float) -> None:
        if self._refused:
            return
        if not states.series and not self.receiver.notifications:
            if self.status.state == "failed":
                self.empty(*_NOTHING)
            return
        now = [one for one in states.series if end - one.points[-1][0] <= EVERY]
        said = []
        for state in ("pending", "firing"):
            count = sum(one.labels["alertstate"] == state for one in now)
            said += [f"{count} {state}"] if count else []
        told = units.plural(len(self.receiver.notifications), "notification")
        self._ran(alerting.STATES)
        now_said = [*(said or ["nothing is wrong"]), told, self._acted]
        self.done(" · ".join(filter(None, now_said)))

    def _ran(self, *lines: str) -> None:
        self._lines = list(dict.fromkeys([*self._lines, *lines]))[-_LINES:]
        if self.strip is not None:
            self.strip.show("\n".join(self._lines))

    def _stopped(self) -> None:
        self.halt("interrupted · open the panel anew to look again")


def alerts(
    server: Server,
    alertmanager: Server,
    receiver: Receiver,
    rules: str = "",
    *,
    since: float | None = None,
    traffic: Traffic | None = None,
    watch: bool = True,
) -> AlertLab:
    """Open the alert lab, and put `rules` in force if there are any.

    The line of time begins at `since` (Unix time), now if it is not given. With `traffic` the panel
    can break its images, for good or flapping. Without `watch` it looks only when asked to.
    """
    begin = time.time() if since is None else since
    shown = AlertLab(Api(server), alertmanager, receiver, rules, begin, traffic)
    if not rules or shown.put():
        shown.refresh()
    if watch:
        shown.watch.start()
    return shown


def _grid(held: Sequence[dict[str, Any]]) -> Grid:
    rows = [_row(one) for one in held]
    return Grid(columns=["alert", "labels", "state", "by"], rows=sorted(rows))


def _row(one: dict[str, Any]) -> list[str]:
    labels, status = one["labels"], one["status"]
    own = {k: v for k, v in labels.items() if k not in ("alertname", "instance")}
    by = ["silence"] * bool(status["silencedBy"]) + ["inhibition"] * bool(status["inhibitedBy"])
    said = ", ".join(f"{key}={value}" for key, value in own.items())
    state = _KEPT_BACK.get(str(status["state"]), str(status["state"]))
    return [str(labels["alertname"]), said, state, ", ".join(by)]


def _button(label: str, tooltip: str, act: Callable[[], None]) -> Any:
    made = ipywidgets.Button(description=label, tooltip=tooltip)
    made.on_click(lambda _button: act())
    return made

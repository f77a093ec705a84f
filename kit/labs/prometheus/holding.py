"""Controls by which Alertmanager keeps alerts back: a silence, an inhibition, and the way out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets

from kit.errors import KitError
from kit.labs.prometheus import alerting
from kit.widgets import controls

if TYPE_CHECKING:
    from kit.launch.server import Server

SILENCE = 60.0
"""Seconds for which the button silences."""

_NOTHING = ""  # a choice of None would show nothing at all
_TWO = "An inhibition wants two alerts: write a rule for each, and press `Apply`."


class Holding(ipywidgets.HBox):  # type: ignore[misc]
    """Silence what is firing, or let one alert inhibit another.

    `say` is called with what was done and with what was asked of Alertmanager, `fail` with why it
    could not be done and what to do.
    """

    def __init__(
        self,
        alertmanager: Server,
        say: Callable[[str, Sequence[str]], None],
        fail: Callable[[str, str], None],
    ) -> None:
        self.alertmanager, self._say, self._fail = alertmanager, say, fail
        self.silences: list[str] = []
        self.mute = _button("Silence for a minute", "Keep all alerts back", self._mute)
        self.source, self.target = (controls.choice(word, []) for word in ("While", "keep back"))
        self.source.observe(self._others, "value")
        self.offer([])
        self.go = _button("Inhibit", "Keep one alert back while the other fires", self._inhibit)
        self.free = _button("Let all through", "End silences and inhibitions", self._free)
        super().__init__([self.mute, self.source, self.target, self.go, self.free])
        self.add_class("kit-controls")

    def offer(self, names: Iterable[str]) -> None:
        """Offer these alerts, the first to inhibit the second."""
        self._known = list(dict.fromkeys(names))
        _offer(self.source, self._known, "no alert")
        self._others()

    def _others(self, _change: Any = None) -> None:
        others = [name for name in self._known if name != self.source.value]
        _offer(self.target, others, "no other alert")

    def _mute(self) -> None:
        def silence() -> str:
            names = sorted({one["labels"]["alertname"] for one in alerting.held(self.alertmanager)})
            for name in names:
                made = alerting.silence(self.alertmanager, SILENCE, alertname=name)
                self.silences.append(made)
                asked.append(f"POST /api/v2/silences  alertname={name}")
            return f"silenced: {', '.join(names) or 'nothing is firing'}"

        asked: list[str] = []
        self._do(silence, asked)

    def _inhibit(self) -> None:
        source, target = self.source.value, self.target.value
        if _NOTHING in (source, target):
            self._fail("Which alert keeps which back?", _TWO)
            return

        def inhibit() -> str:
            asked.extend(alerting.inhibit(self.alertmanager, source, target).splitlines())
            return f"while {source} fires, {target} is kept back"

        asked = ["POST /-/reload"]
        self._do(inhibit, asked)

    def _free(self) -> None:
        def release() -> str:
            for one in self.silences:
                alerting.unsilence(self.alertmanager, one)
                asked.append(f"DELETE /api/v2/silence/{one}")
            self.silences.clear()
            alerting.uninhibit(self.alertmanager)
            return "nothing is kept back any more"

        asked = ["POST /-/reload"]
        self._do(release, asked)

    def _do(self, work: Callable[[], str], asked: list[str]) -> None:
        try:
            self._say(work(), asked)
        except KitError as error:
            self._fail(str(error), "")
        except OSError:
            self._fail("Alertmanager does not answer.", alerting.GONE)


def _offer(choice: Any, names: list[str], nothing: str) -> None:
    options: list[Any] = [*names] or [(nothing, _NOTHING)]
    if list(choice.options) != options:
        chosen, choice.options = choice.value, options
        choice.value = chosen if chosen in names else next(iter(names), _NOTHING)


def _button(label: str, tooltip: str, act: Callable[[], None]) -> Any:
    made = controls.button(label, tooltip)
    made.on_click(lambda _button: act())
    return made

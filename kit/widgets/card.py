"""A server's card: what answers, how it does, how to reach it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from html import escape
from typing import Any, Protocol

import ipywidgets

from kit.errors import KitError
from kit.widgets.code import Secret
from kit.widgets.panel import Panel, State
from kit.widgets.parts import Markup

BACKENDS = {
    "process": "local process",
    "container": "container",
    "external": "existing server",
}
LOG_LINES = 50
STATES: dict[str, tuple[State, str]] = {
    "running": ("done", "●"),
    "exited": ("failed", "✗"),
    "stopped": ("empty", "○"),
}


class Shown(Protocol):
    """What a card asks of a server's handle."""

    name: str
    backend: str

    @property
    def database(self) -> str:
        """Return how `kit.start` spells the database."""

    @property
    def title(self) -> str:
        """Return the database's name."""

    @property
    def product(self) -> str:
        """Return what really answers."""

    @property
    def version(self) -> str:
        """Return the version that answers."""

    @property
    def note(self) -> str:
        """Return what a learner should know of it."""

    @property
    def state(self) -> str:
        """Return running, exited or stopped."""

    @property
    def address(self) -> str:
        """Return host and port."""

    @property
    def url(self) -> str:
        """Return the full URL; its repr hides the password."""

    def logs(self, lines: int = ...) -> str:
        """Return the last lines of the log."""

    def restart(self) -> None:
        """Start the server again."""

    def stop(self) -> None:
        """End the server."""

    def on_change(self, listener: Callable[[Any], None]) -> Callable[[], None]:
        """Call back when the state changes."""


class Card(Panel):
    """Show a server, follow its state, and offer its logs, a restart and a stop."""

    _leave: Callable[[], None] | None = None

    def __init__(self, server: Shown, *, accent: str = "") -> None:
        self.server = server
        self.facts = Markup()
        self.tail = Markup()
        self.tail.layout.display = "none"
        self.address = Secret("Connect", masked(server), lambda: str(server.url), "Copy URL")
        self.buttons = {
            "Logs": _button("Logs", "Show the last lines of the server's log", self._toggle_log),
            "Restart": _button("Restart", "Start the server again with its data", self._restart),
            "Stop": _button("Stop", "End the server and remove its data", self._stop),
        }
        super().__init__(
            server.title,
            accent=accent,
            controls=[self.buttons[name] for name in _offered(server)],
            body=[self.facts, self.address, self.tail],
        )
        self.add_class("kit-card")
        self._busy, self._turn = threading.Lock(), threading.Lock()
        self._leave = server.on_change(lambda _server: self.refresh())
        self.refresh()

    def refresh(self) -> None:
        """Show the state as it now is."""
        with self._turn:
            state = self.server.state
            kind, icon = STATES.get(state, ("waiting", "◌"))
            self.describe(" · ".join(_identity(self.server)))
            self.facts.value = _facts(self.server, state)
            self.buttons["Restart"].disabled = self.buttons["Stop"].disabled = state == "stopped"
            self.address.layout.display = "none" if state == "stopped" else None
            self._explain(state)
            self.status.show(kind, state, icon=icon)

    def close(self) -> None:
        """Stop following the server, and remove the card; the server goes on."""
        if self._leave is not None:
            self._leave()
        super().close()

    def static_html(self) -> str:
        """Return one line that is the same on every machine with this server."""
        name, *rest = self._line()
        return f"<p><strong>{escape(name)}</strong> · {escape(' · '.join(rest))}</p>"

    def static_text(self) -> str:
        """Return the same line in plain text."""
        return " · ".join(self._line())

    def _line(self) -> list[str]:
        server = self.server
        name = [] if server.product == self.title else [self.title]
        how = BACKENDS.get(server.backend, server.backend)
        return [*name, _release(server), server.state, how]

    def _explain(self, state: str) -> None:
        if state == "exited":
            message = f"{self.server.product} ended on its own or was killed; its data is there."
            self.notice.say(message, "The logs say why. Restart brings it back.", kind="failed")
        elif state == "stopped":
            hint = f'For a new one: `kit.start("{self.server.database}")`.'
            self.notice.say("It was stopped, and its data removed.", hint)
        else:
            self.notice.hide()

    def _toggle_log(self) -> None:
        if self.tail.layout.display is None:
            self.tail.layout.display = "none"
            return
        text = _attempt(lambda: self.server.logs(LOG_LINES)) or "The log is empty."
        label = 'tabindex="0" role="log" aria-label="Last lines of the log"'
        self.tail.value = f'<div class="kit-log" {label}><pre>{escape(text)}</pre></div>'
        self.tail.layout.display = None

    def _restart(self) -> None:
        self._act("restarting", self.server.restart)

    def _stop(self) -> None:
        self._act("stopping", self.server.stop)

    def _act(self, word: str, action: Callable[[], None]) -> None:
        self.background(lambda: self._do(word, action))

    def _do(self, word: str, action: Callable[[], None]) -> None:
        with self._busy:
            self.status.show("running", word)
            problem = _attempt(action)
            self.refresh()
            if problem:
                self.notice.say(problem, kind="failed")


def _offered(server: Shown) -> list[str]:
    """Name the buttons: a server that belongs to others is not ours to restart or stop."""
    return ["Logs"] if server.backend == "external" else ["Logs", "Restart", "Stop"]


def masked(server: Shown) -> str:
    """Return the server's URL with its password hidden."""
    return repr(server.url).strip("'\"")


def _button(label: str, tooltip: str, clicked: Callable[[], None]) -> Any:
    button = ipywidgets.Button(description=label, tooltip=tooltip)
    button.on_click(lambda _button: clicked())
    return button


def _attempt(action: Callable[[], str | None]) -> str:
    """Return what `action` answers, or the message of the kit's error that it raises."""
    try:
        return action() or ""
    except KitError as error:
        return str(error)


def _release(server: Shown) -> str:
    """Name what answers, with the part of its version that does not change from day to day."""
    major = server.version.split(".")[0]
    return f"{server.product} {major}" if major.isdigit() else server.product


def _identity(server: Shown) -> list[str]:
    return [
        f"{server.product} {server.version}",
        BACKENDS.get(server.backend, server.backend),
        f"named {server.name}",
    ]


def _facts(server: Shown, state: str) -> str:
    facts = {"Address": server.address} if state != "stopped" else {}
    if server.note:
        facts["Note"] = server.note
    pairs = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts.items())
    return f'<dl class="kit-facts">{pairs}</dl>' if pairs else ""

"""The transaction lab: lanes side by side, and what each session sees."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ipywidgets
from pymongo.errors import PyMongoError

from kit.errors import KitError, UnknownName
from kit.labs.mongodb import source as sources
from kit.labs.mongodb.refusal import refused
from kit.labs.mongodb.sessions import NAMES, SCRATCH, SCRIPTS, Play, Script
from kit.labs.mongodb.source import Source
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.stepper import Course, Entry, Lane, Lanes

if TYPE_CHECKING:
    from kit.launch.server import Server


def transactions(server: Server | str, script: str = "write conflict") -> Transactions:
    """Run a script of transactions on live sessions, and offer to step through it and others."""
    if script not in SCRIPTS:
        raise UnknownName.among("script", script, SCRIPTS)
    return Transactions(sources.read(server), SCRIPTS[script])


class Transactions(Panel):
    """Lanes side by side; `play` is the script in progress."""

    def __init__(self, source: Source, script: Script) -> None:
        self.source, self.script = source, script
        self.play: Play | None = None
        self._turn = threading.Lock()
        self.lanes = Lanes("python")
        self.scripts = ipywidgets.Dropdown(
            options=list(SCRIPTS), value=script.name, description="Script"
        )
        self.scripts.layout.width = "auto"
        self.buttons = {
            "run": _button("Run all", "Make all calls that are left", self.run, "primary"),
            "step": _button("Step", "Make the next call", self.step),
            "again": _button("Start over", "Abort what is under way, begin anew", self.restart),
        }
        super().__init__(
            "Transaction lab",
            note=source.title,
            accent=source.accent,
            controls=[self.scripts, *self.buttons.values()],
            body=[self.lanes],
            strip=Code("Python that ran", language="python"),
        )
        self.scripts.observe(self._chosen, "value")
        self.run()

    def step(self) -> None:
        """Make the next call; after the last one, begin anew."""
        self._act(lambda play: play.step())

    def run(self) -> None:
        """Make all calls that are left; after the last one, begin anew and make them all."""

        def rest(play: Play) -> None:
            while not play.over:
                play.step()

        self._act(rest)

    def restart(self) -> None:
        """Abort what is under way, and put the script at its beginning."""
        with self._turn:
            self._leave()
            self._show()

    def close(self) -> None:
        """Abort what is under way, and remove the panel."""
        with self._turn:
            self._leave()
        super().close()

    def _act(self, move: Callable[[Play], object]) -> None:
        with self._turn:
            self.start()
            try:
                if self.play is None or self.play.over:
                    self._leave()
                    self.play = Play(self.source, self.script)
                move(self.play)
            except (PyMongoError, KitError) as error:
                self._leave()
                self._show()
                why = refused(error, self.source)
                self.fail(why.message, why.hint or self.source.remedy)
                return
            self._show()

    def _leave(self) -> None:
        if self.play is not None:
            self.play.close()
        self.play = None

    def _chosen(self, change: Any) -> None:
        with self._turn:
            self._leave()
            self.script = SCRIPTS[change["new"]]
        self.run()

    def _show(self) -> None:
        made = self.play.entries if self.play else []
        later = [
            Entry(lane=NAMES.index(step.who), code=step.code)
            for step in self.script.steps[len(made) :]
        ]
        if later:
            later[0] = replace(later[0], state="next")
        lanes = [_lane(name, self.play) for name in NAMES]
        entries = [*made, *later]
        self.lanes.show(Course(lead=self.script.story, lanes=lanes, entries=entries, waits=False))
        if self.strip is not None:
            setup = _SETUP.format(catalog=self.source.catalog)
            self.strip.show(setup + "\n".join(entry.code for entry in made))
        total = len(self.script.steps)
        if made:
            self.done(f"{len(made)} of {total} calls made")
        else:
            self.notice.hide()
            self.status.show("empty", f"{total} calls, none made yet")


_SETUP = (
    f'models = client["{{catalog}}"]["{SCRATCH}"]\n'
    "t1, t2 = client.start_session(), client.start_session()\n\n"
)


def _lane(name: str, play: Play | None) -> Lane:
    if play is not None and play.open(name):
        return Lane(name, "◐", "transaction open")
    return Lane(name)


def _button(label: str, tooltip: str, work: Callable[[], None], style: str = "") -> Any:
    made = ipywidgets.Button(description=label, tooltip=tooltip, button_style=style)
    made.on_click(lambda _button: work())
    return made

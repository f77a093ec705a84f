"""The transaction stepper: sessions side by side, one statement at a time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import exc

from kit.labs.source import Source
from kit.labs.stepper.anomalies import ANOMALIES, QUEUES
from kit.labs.stepper.controls import Aside, button, dropdown
from kit.labs.stepper.loss import reason, remedy
from kit.labs.stepper.play import Move, Play
from kit.labs.stepper.rehearsal import Rehearsal, rehearse
from kit.labs.stepper.scripts import LEVELS, Script
from kit.labs.stepper.stage import Stage
from kit.labs.stepper.telling import course, named, preview, waiting, written
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.stepper import Lanes
from kit.widgets.turn import Turn


class Stepper(Panel):
    """Step through a script on real sessions; a saved notebook shows how it ends.

    `play` is the script in progress, None before the first step.
    """

    def __init__(self, source: Source, script: Script, isolation: str | None) -> None:
        self.source, self.script, self.level = source, script, isolation or LEVELS[1]
        self.play: Play | None = None
        self._stage: Stage | None = None
        self._turn = Turn()
        self._rehearsal: Rehearsal | None = None
        self.lanes = Lanes()
        self.aside = Aside()
        self._build()
        super().__init__(
            "Transaction stepper",
            note=source.title,
            accent=source.accent,
            controls=[self.scripts, self.levels, *self.buttons.values()],
            body=[self.lanes, self.aside],
            strip=Code("SQL that ran"),
        )
        self._rehearse(isolation)
        self.scripts.observe(self._chosen, "value")
        self.levels.observe(self._chosen, "value")

    def step(self) -> Move | None:
        """Make the next move and show what came of it; None if there is none."""
        made: Move | None = self._act(lambda play: play.step())
        return made

    def run(self) -> None:
        """Make all moves that are left."""
        self._act(lambda play: play.run())

    def restart(self) -> None:
        """Roll everything back, and begin the script anew."""
        self._stop()
        with self._turn:
            self._leave()
            self.play = None
            self._greet()

    def close(self) -> None:
        """Roll back and end all sessions, and remove the panel."""
        self._turn.end()
        self._stop()
        with self._turn:
            self._leave()
        super().close()

    def _build(self) -> None:
        known = {one.name: one for one in (*ANOMALIES, *QUEUES)} | {self.script.name: self.script}
        titles = [(one.title, one) for one in known.values()]
        self.scripts = dropdown("Script", titles, self.script)
        self.scripts.layout.max_width = "296px"
        self.levels = dropdown("Isolation", [(x.capitalize(), x) for x in LEVELS], self.level)
        self.buttons = {
            "step": button("Step", "Run the next statement", self.step, self._start, "primary"),
            "run": button("Run all", "Run all that is left", self.run, self._start),
            "restart": button(
                "Start over", "Roll everything back, and begin anew", self.restart, self.background
            ),
        }

    def _start(self, work: Callable[[], object]) -> None:
        self._turn.ask(self.background, work)

    def _act(self, move: Callable[[Play], Any]) -> Any:
        with self._turn:
            play = self._ready()
            if play is None:
                return None
            self.start(cancel=play.stage.cancel)
            made = move(play)
            self._show(play)
            return made

    def _ready(self) -> Play | None:
        """Return the play, with its sessions open; None if the server refuses them."""
        if self.play is None:
            try:
                self._stage = Stage(self.source, self.script.sessions, left=self._left)
                self.play = Play(self._stage, self.script, self.level)
            except exc.SQLAlchemyError as error:
                self._leave()
                self._fail(error)
                return None
            self.play.changed = lambda: self.background(self._refresh)
        return self.play

    def _rehearse(self, isolation: str | None) -> None:
        try:
            kept = rehearse(self.source, self.script, isolation)
        except exc.SQLAlchemyError as error:
            self._fail(error)
            return
        self.level = self.levels.value = kept.level
        self._rehearsal = kept
        self._greet()

    def _greet(self) -> None:
        kept = self._rehearsal
        self.lanes.show(preview(self.script), saved=kept.course if kept else None)
        self._strip("", saved=kept.sql if kept else "")
        self._enter("empty", f"{len(self.script.steps)} steps, none made yet")
        self.aside.hide()
        self._offer(more=True)

    def _refresh(self) -> None:
        with self._turn:
            if self.play is not None and not self.play.stage.closed:
                self._look(self.play)

    def _look(self, play: Play) -> None:
        try:
            play.look()
        except exc.SQLAlchemyError as error:
            play.lost = play.lost or error
        self._show(play)

    def _show(self, play: Play) -> None:
        self.lanes.show(course(play))
        self._strip(written(play), saved=written(play, saved=True))
        self.aside.hide()
        if play.lost is not None:
            self._leave()
            return self._fail(play.lost)
        self._state(play)
        self._quote(play)
        self._offer(more=not play.finished)
        if not play.coming and not play.busy:
            self._leave()
        return None

    def _state(self, play: Play) -> None:
        made, of = len(play.moves), len(self.script.steps)
        if play.links:
            said = ", ".join(dict.fromkeys(waiting(link) for link in play.links))
            self.wait(f"step {made} of {of} · {said}")
            self._cancel = play.stage.cancel
            self.cancel.layout.display = None
        elif play.busy:
            self.start(f"step {made} of {of} still runs", cancel=play.stage.cancel)
        else:
            self.done(f"step {made} of {of}" if play.coming else f"all {of} steps made")

    def _quote(self, play: Play) -> None:
        """Give the server's whole message, if the last step had one refused."""
        new = [
            move for move in play.moves if move.how == "refused" and move.ended == len(play.moves)
        ]
        for move in new:
            refusal = move.result.refusal if move.result is not None else None
            if refusal is not None:
                said = f"{move.step.session}: {self.source.safe(named(play, refusal.message))}"
                self.aside.say(said, refusal.hint, kind="failed", quoted=True)

    def _strip(self, text: str, *, saved: str) -> None:
        if self.strip is not None:
            self.strip.show(text, saved=saved)

    def _offer(self, *, more: bool) -> None:
        self.buttons["step"].disabled = self.buttons["run"].disabled = not more

    def _fail(self, error: Exception) -> None:
        self.fail(self.source.safe(reason(error)), remedy(self.source, error))
        # Before the first step, a step is also the way to try once more.
        self._offer(more=self.play is None)

    def _stop(self) -> None:
        """Have a statement that still runs come back, so that nobody needs to wait for it."""
        stage = self._stage
        if stage is not None and not stage.closed:
            with suppress(exc.SQLAlchemyError):
                stage.cancel()

    def _leave(self) -> None:
        if self._stage is not None:
            self._stage.close()
        self._stage = None

    def _left(self) -> None:
        """Say that the sessions were closed, because too many panels hold some."""
        self.play = None
        self._greet()
        self.status.show("empty", "closed to make room for newer steppers")

    def _chosen(self, _change: Any) -> None:
        self.background(self.choose)

    def choose(self) -> None:
        """Begin anew with the script and the level that are chosen."""
        self._stop()
        with self._turn:
            self._leave()
            self.play = None
            self.script, self.level = self.scripts.value, self.levels.value
            self._rehearsal = None
            self._greet()

"""Playing a script: one statement at a time, each until it has returned or is seen to wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import exc

from kit.labs.statements import Result
from kit.labs.stepper.links import Link, circular
from kit.labs.stepper.loss import Gone
from kit.labs.stepper.scripts import LOOK, Rows, Script, Seen, Step
from kit.labs.stepper.sessions import Session
from kit.labs.stepper.stage import Stage

PATIENCE = 30.0
"""Seconds that a statement may run, without waiting for anybody, before the next is offered."""

_DEADLOCKS = ("40P01", 1213)
_ENDINGS = ("COMMIT", "ROLLBACK", "END", "ABORT")

How = Literal["next", "later", "running", "waiting", "done", "refused", "skipped"]
States = dict[str, str]


@dataclass
class Move:
    """A step, and what became of it.

    `number` is its place among the moves made, from 1, `ended` the place of the move that was the
    latest when it returned. `waited` names those it had to wait for. `states` tells how every
    session stood when the next step was due.
    """

    step: Step
    how: How = "later"
    result: Result | None = None
    waited: tuple[str, ...] = ()
    lock: str = ""
    number: int = 0
    ended: int = 0
    states: States = field(default_factory=dict)


class Play:
    """Play `script` at `level` on a stage that is set for it.

    `links` tell who waits now, `circle` who waited for each other when the last move was made,
    `deadlock` the same of the latest deadlock, which `victim` paid for.

    `changed` is called, from a thread, when a statement that waited returns between two steps.
    """

    def __init__(self, stage: Stage, script: Script, level: str) -> None:
        self.stage, self.script, self.level = stage, script, level
        self.moves: list[Move] = []
        self.links: list[Link] = []
        self.circle: list[Link] = []
        self.deadlock: list[Link] = []
        self.victim = ""
        self.lost: Exception | None = None
        self.changed: Callable[[], object] = lambda: None
        self._settling = False
        self._coming = [Move(step) for step in script.steps]
        self._current: dict[str, Move] = {}
        stage.returned = self._returned
        stage.prepare(script, level)

    @property
    def coming(self) -> Sequence[Move]:
        """Return the moves that are not made yet; the first in the state "next" is due."""
        due = self._due()
        for move in self._coming:
            move.how = "next" if move is due else "later"
        return self._coming

    @property
    def busy(self) -> set[str]:
        """Name the sessions whose statement has not returned."""
        return {name for name, session in self.stage.sessions.items() if session.busy}

    @property
    def finished(self) -> bool:
        """Tell whether no move can be made any more."""
        return self.lost is not None or self._due() is None

    @property
    def seen(self) -> Seen | None:
        """Return what came of the script, None before its end."""
        if self._coming or self.lost is not None or self.script.happened is None:
            return None
        reads: dict[str, list[Rows]] = {name: [] for name in self.script.sessions}
        for move in self.moves:
            if move.result is not None and move.result.columns and move.step.statement != LOOK:
                reads[move.step.session].append(move.result.rows)
        looks = [move.result for move in self.moves if move.step.statement == LOOK]
        final = {row[0]: row[1] for row in looks[-1].rows} if looks and looks[-1] else {}
        done = {name for name, one in self.stage.sessions.items() if one.state == "committed"}
        return Seen(frozenset(done), reads, final)

    @property
    def happened(self) -> bool | None:
        """Tell whether the anomaly happened; None before the end, or where there is none."""
        seen = self.seen
        return None if seen is None or not self.script.happened else self.script.happened(seen)

    @property
    def how(self) -> str:
        """Say what kept the sessions apart: a refusal, a wait, or an older version of the rows."""
        refused = sorted({move.step.session for move in self.moves if move.how == "refused"})
        if refused:
            return f"{' and '.join(refused)} refused"
        waited = sorted({move.step.session for move in self.moves if move.waited})
        return f"{' and '.join(waited)} waited" if waited else "older version"

    def step(self) -> Move | None:
        """Make the next move, wait until it has returned or waits, and return it."""
        self.circle = []
        move = self._due()
        if move is None or self.lost is not None:
            return None
        self._take(move)
        session = self.stage.sessions[move.step.session]
        if self._pointless(session, move.step):
            move.how = "skipped"
            move.states = self.states()
            return self.step()
        self._settling = True
        try:
            self.stage.submit(session, move.step.statement)
            self._settle()
        except exc.SQLAlchemyError as error:
            self.lost = self.lost or error
        self._settling = False
        move.states = self.states()
        return move

    def run(self) -> None:
        """Make all moves that can be made."""
        while self.step() is not None:
            pass

    def look(self) -> None:
        """Read anew who waits for whom."""
        waits = self.stage.waits() if self.busy else []
        # A session tells that its statement has returned a moment before it is free.
        with self.stage.bell:
            busy = self.busy
        names = {session.id: name for name, session in self.stage.sessions.items()}
        links = [
            Link(names[wait.waiter], names.get(wait.holder or 0, ""), wait.lock)
            for wait in waits
            if names[wait.waiter] in busy and self._credible(wait.holder)
        ]
        self.links = sorted(links, key=lambda link: (link.waiter, link.holder))

    def states(self) -> States:
        """Tell how every session stands."""
        waiting = {link.waiter for link in self.links}
        return {
            name: "waiting" if name in waiting else session.state
            for name, session in self.stage.sessions.items()
        }

    def _due(self) -> Move | None:
        sessions = self.stage.sessions
        return next((m for m in self._coming if not sessions[m.step.session].busy), None)

    def _take(self, move: Move) -> None:
        self._coming.remove(move)
        self.moves.append(move)
        move.number = len(self.moves)
        self._current[move.step.session] = move
        move.how = "running"

    def _pointless(self, session: Session, step: Step) -> bool:
        """Tell whether a step belongs to a transaction that is no more.

        An application that gets an error rolls back; it does not go on as if nothing had been.
        """
        ending = step.statement.upper().startswith(_ENDINGS)
        if session.state == "aborted":
            return not ending
        if session.state == "given up" and ending:
            session.state = "rolled back"
            return True
        return session.over

    def _settle(self) -> None:
        """Wait until every statement has returned, or is seen to wait for one that has not ended.

        A circle of sessions is waited for: the server will give one up. Who waits for none of
        ours is looked at twice: the view may be older than the lock's end.
        """
        end, looks = time.monotonic() + PATIENCE, 0
        while self._settling:
            with self.stage.bell:
                if before := self.busy:
                    self.stage.bell.wait(self.stage.observer.patience(looks))
            self.look()
            with self.stage.bell:
                looks = looks + 1 if self.busy == before else 0
                waiting = {link.waiter for link in self.links}
                certain = looks > 1 or all(link.holder for link in self.links)
                settled = certain and self.busy == waiting and not circular(self.links)
                self._settling = not settled and time.monotonic() < end
        for link in self.links:
            self._note(link)

    def _note(self, link: Link) -> None:
        move = self._current[link.waiter]
        move.how = "waiting"
        move.lock = move.lock or link.lock
        if link.holder not in move.waited:
            move.waited = (*move.waited, link.holder)

    def _credible(self, holder: int | None) -> bool:
        """Tell whether a view can be right: who has no transaction holds no lock any more."""
        for session in self.stage.sessions.values():
            if session.id == holder:
                return session.busy or session.state == "open"
        return True

    def _returned(self, session: Session, result: Result) -> None:
        move = self._current.get(session.name)
        if move is None:
            return
        move.result = result
        move.how = "refused" if result.refusal else "done"
        move.ended = len(self.moves)
        if result.refusal is not None and result.refusal.lost:
            self.lost = self.lost or Gone(result.refusal.message)
        elif result.refusal is not None and result.refusal.code in _DEADLOCKS:
            self._break(move, result.refusal.message)
        if not self._settling:
            self.changed()

    def _break(self, move: Move, message: str) -> None:
        """Take note of the deadlock that the server has ended by refusing `move`."""
        names = {session.id: name for name, session in self.stage.sessions.items()}
        edges = self.stage.observer.circle(message)
        found = [Link(names[a], names[b]) for a, b in edges if a in names and b in names]
        self.circle = self.deadlock = sorted(found, key=lambda link: link.waiter)
        self.victim = move.step.session
        for link in found:
            if link.waiter == self.victim and link.holder not in move.waited:
                move.waited = (*move.waited, link.holder)

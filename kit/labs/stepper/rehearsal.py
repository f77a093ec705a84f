"""Playing a script once from beginning to end: what a saved notebook shows of it."""

from __future__ import annotations

from dataclasses import dataclass

from kit.labs.source import Source
from kit.labs.stepper.play import Play
from kit.labs.stepper.scripts import Script, level
from kit.labs.stepper.stage import Stage
from kit.labs.stepper.telling import course, written
from kit.widgets.stepper import Course


@dataclass(frozen=True)
class Rehearsal:
    """How a script ends at a level, as a picture and as SQL, the same every time."""

    level: str
    course: Course
    sql: str


def rehearse(source: Source, script: Script, isolation: str | None) -> Rehearsal:
    """Play a script; None is the server's own level. Raise SQLAlchemyError if the server won't."""
    stage = Stage(source, script.sessions)
    try:
        chosen = isolation or level(stage.observer.usual())
        play = Play(stage, script, chosen)
        play.run()
        if play.lost is not None:
            raise play.lost
        return Rehearsal(chosen, course(play), written(play, saved=True))
    finally:
        stage.close()

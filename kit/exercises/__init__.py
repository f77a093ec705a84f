"""Exercises: an answer is checked against the running server, and what is solved is remembered."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kit.errors import KitError, ServerGone
from kit.exercises.cards import Progress, SectionProgress, State, Verdict
from kit.exercises.exercise import Exercise, Section, find, sections
from kit.exercises.store import ProgressFile, Tries

if TYPE_CHECKING:
    from kit.launch.server import Server

__all__ = ["Exercise", "Section", "Verdict", "check", "progress"]

_NOT_YET = "Not answered yet. Put your answer where the dots are, run that cell, then this one."


def check(exercise_id: str, answer: object = ..., *, server: Server | None = None) -> Verdict:
    """Say whether an answer is right, or what is off and a hint; never raise.

    The answer may be rows in any form (%sql's result, a DataFrame, tuples, dicts), a set or a
    single value. `server` is the one to ask; without it, the one this kernel started.
    """
    try:
        section, exercise = find(exercise_id)
    except KitError as error:
        return Verdict(str(exercise_id), "", "unchecked", str(error))
    if answer is None or answer is ...:
        return Verdict(exercise.id, exercise.title, "not yet", _NOT_YET)
    try:
        if server is None and exercise.needs_server:
            server = _running(section)
        complaint = exercise.complaint(answer, server)
    except Exception as error:  # whatever an answer holds, a check must not fail the cell
        return Verdict(exercise.id, exercise.title, "unchecked", _cause(error))
    return _recorded(exercise, complaint)


def progress() -> Progress:
    """Show which exercises were solved on this machine."""
    file = ProgressFile()
    try:
        tries = file.read()
    except OSError as error:
        tries = {}
        file.notes.append(f"Your progress cannot be read: {error}.")
    return Progress(
        tuple(_section_progress(section, tries) for section in sections()), tuple(file.notes)
    )


def _recorded(exercise: Exercise, complaint: str | None) -> Verdict:
    """Write the try down, and give the first hint for the first wrong one, and so on."""
    file = ProgressFile()
    right = complaint is None
    try:
        wrong = file.record(exercise.id, right=right).wrong
    except OSError as error:
        wrong = 1
        file.notes.append(f"Your progress cannot be saved: {error}.")
    notes = tuple(file.notes)
    if complaint is None:
        return Verdict(exercise.id, exercise.title, "right", "Right.", notes=notes)
    hint = exercise.hints[min(wrong, len(exercise.hints)) - 1] if exercise.hints else ""
    return Verdict(exercise.id, exercise.title, "off", complaint, hint, notes)


def _running(section: Section) -> Server:
    """Return the server that the section's notebook started, or was told to use."""
    from kit.launch.start import running, start

    database = section.database or ""
    for server in running():
        if server.name == database and server.state == "running":
            return server
    if os.environ.get(f"KIT_{database.upper()}_URL"):
        return start(database)
    raise ServerGone(
        f"The check asks {section.title}, and it is not running. Run the notebook from its "
        f'beginning, or name another server: kit.check("…", answer, server=…)'
    )


def _cause(error: Exception) -> str:
    if isinstance(error, KitError):
        return str(error)
    first = next(iter(str(error).splitlines()), "")
    return f"The answer could not be checked ({type(error).__name__}: {first})."


def _section_progress(section: Section, tries: dict[str, Tries]) -> SectionProgress:
    def state(exercise: Exercise) -> State:
        found = tries.get(exercise.id, Tries())
        if found.solved:
            return "right"
        return "off" if found.wrong else "not yet"

    marks = tuple((exercise.id, state(exercise)) for exercise in section.exercises)
    return SectionProgress(section.notebook, section.title, marks)

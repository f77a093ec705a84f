"""Telling a play: as lanes side by side, and as the SQL that ran."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kit.labs.statements import Result
from kit.labs.stepper.links import Link
from kit.labs.stepper.play import Move, Play, States
from kit.labs.stepper.scripts import TABLE, Script, Step
from kit.labs.stepper.stage import SCHEMA
from kit.widgets import values
from kit.widgets.stepper import Arrow, Bar, Course, Entry, Lane, State

_WORDS = {
    "idle": ("○", "no transaction yet"),
    "open": ("●", "in a transaction"),
    "waiting": ("◌", "waits"),
    "aborted": ("✗", "aborted"),
    "committed": ("✓", "committed"),
    "rolled back": ("↶", "rolled back"),
    "given up": ("✗", "given up by the server"),
    "lost": ("✗", "connection lost"),
}
_HOLDING = ("open", "waiting", "aborted")


def course(play: Play) -> Course:
    """Draw a play as it stands."""
    names = play.script.sessions
    states = play.states()
    entries = [_entry(move, names, before) for move, before in _with_before(play.moves)]
    entries += [_coming(move, names) for move in play.coming]
    icon, closing = _closing(play)
    return Course(
        lead=_lead(play.script),
        lanes=[Lane(name, *_WORDS[states.get(name, "idle")]) for name in names],
        entries=entries,
        arrows=_arrows(play, names),
        icon=icon,
        closing=closing,
    )


def preview(script: Script) -> Course:
    """Draw a script of which nothing has run."""
    names = script.sessions
    moves = [Move(step, "later" if i else "next") for i, step in enumerate(script.steps)]
    return Course(
        lead=_lead(script),
        lanes=[Lane(name, *_WORDS["idle"]) for name in names],
        entries=[_coming(move, names) for move in moves],
    )


def written(play: Play, *, saved: bool = False) -> str:
    """Write down the SQL that ran, by session; `saved` leaves out what changes from run to run."""
    stage = play.stage
    enter = [f"CREATE SCHEMA {stage.schema}", *stage.entrance]
    level = stage.observer.isolate(play.level)
    parts = ["-- once", *_ended(enter[:1]), "-- in every session", *_ended([*enter[1:], level])]
    parts += ["-- once", *_ended(play.script.setup)]
    ran = [move.step for move in play.moves if move.how != "skipped"]
    parts += [*spoken(ran), "-- who waits for whom", *_ended([stage.observer.views.waits])]
    waited = any(move.waited for move in play.moves)
    if waited and (urge := stage.observer.urge(True)):
        parts += ["-- before a statement, while others wait", *_ended([urge])]
    text = "\n".join(parts)
    return text.replace(stage.schema, SCHEMA) if saved else text


def named(play: Play, message: str) -> str:
    """Put the names of the sessions beside their numbers in a server's message."""
    for name, session in play.stage.sessions.items():
        message = re.sub(rf"\b(process {session.id})\b", rf"\1 ({name})", message, flags=re.I)
    return message


def spoken(steps: Sequence[Step]) -> list[str]:
    """Write steps down, with a comment wherever another session has its turn."""
    lines: list[str] = []
    before = ""
    for step in steps:
        lines += [f"-- {step.session}"] if step.session != before else []
        lines += _ended([step.statement])
        before = step.session
    return lines


def _lead(script: Script) -> str:
    start = "At the start, vision (id 1) has 10 hours and text (id 2) has 20."
    return f"{script.story} {start if script.setup is TABLE else ''}".strip()


def _ended(statements: Sequence[str]) -> list[str]:
    return [f"{statement};" for statement in statements]


def _with_before(moves: Sequence[Move]) -> list[tuple[Move, States]]:
    befores: list[States] = [{}, *(move.states for move in moves)]
    return list(zip(moves, befores, strict=False))


def _entry(move: Move, names: Sequence[str], before: States) -> Entry:
    return Entry(
        lane=names.index(move.step.session),
        code=move.step.statement,
        said=_said(move),
        state=_state(move),
        bars=[_bar(before.get(name, ""), move.states.get(name, "")) for name in names],
    )


def _coming(move: Move, names: Sequence[str]) -> Entry:
    state: State = "next" if move.how == "next" else "later"
    said = "next" if state == "next" else ""
    lane = names.index(move.step.session)
    return Entry(lane=lane, code=move.step.statement, said=said, state=state)


def _state(move: Move) -> State:
    return "later" if move.how == "next" else move.how


def _bar(before: str, after: str) -> Bar:
    if after == "waiting":
        return "waiting"
    return "open" if before in _HOLDING or after in _HOLDING else ""


def _said(move: Move) -> str:
    if move.how == "skipped":
        return "not sent: its transaction is over"
    if move.how == "running":
        return "still runs, and waits for nobody"
    held = " and ".join(name or "another session" for name in move.waited)
    if move.how == "waiting":
        return f"waits for {held}: {move.lock}"
    answer = _answer(move.result) if move.result is not None else ""
    if not held:
        return answer
    return f"{answer} · waited for {held}" + (
        f", until step {move.ended}" if move.ended > move.number else ""
    )


def _answer(result: Result) -> str:
    if result.refusal is not None:
        return result.refusal.message.splitlines()[0]
    if not result.columns:
        return result.message
    if not result.rows:
        return "no rows"
    shown = [_row(result.columns, row) for row in result.rows]
    return " · ".join([*shown, *(["…"] if result.more else [])])


def _row(columns: Sequence[str], row: Sequence[object]) -> str:
    pairs = zip(columns, row, strict=True)
    return ", ".join(f"{values.visible(name)} {values.plain(value)}" for name, value in pairs)


def _arrows(play: Play, names: Sequence[str]) -> list[Arrow]:
    if play.circle:
        return [
            Arrow(
                start=names.index(link.waiter),
                end=names.index(link.holder),
                words=f"{link.waiter} waited for {link.holder}: deadlock",
                broken=True,
            )
            for link in play.circle
        ]
    return [
        Arrow(
            start=names.index(link.waiter),
            end=names.index(link.holder) if link.holder else None,
            words=waiting(link),
        )
        for link in play.links
    ]


def waiting(link: Link) -> str:
    """Say who waits for whom."""
    return f"{link.waiter} waits for {link.holder or 'another session'}"


def _closing(play: Play) -> tuple[str, str]:
    if play.happened is None:
        return "", _resolved(play)
    if play.happened:
        return "✗", f"It happened at {play.level}. {play.script.broken}"
    return "✓", f"It did not happen at {play.level} ({play.how})."


def _resolved(play: Play) -> str:
    """Say how a deadlock ended, once all is over."""
    if play.coming or not play.victim:
        return ""
    others = sorted({link.waiter for link in play.deadlock} - {play.victim})
    who = " and ".join(sorted({play.victim, *others}))
    went = " and ".join(others) or "The others"
    return f"{who} waited for each other. The server gave {play.victim} up, and {went} went on."

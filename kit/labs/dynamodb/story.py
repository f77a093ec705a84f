"""Stories of several writers: each line is code that really runs, on a client of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

from kit import databases
from kit.errors import UnknownName
from kit.labs.dynamodb import refusals
from kit.widgets import controls
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.stepper import Course, Entry, Lane, Lanes
from kit.widgets.values import text_of

Names = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One line of code in a lane, None for what concerns all of them.

    `shows` is the expression whose value is shown afterwards; _ is what the line came to. Without
    it nothing is shown but that the line is done.
    """

    lane: int | None
    code: str
    shows: str = ""


@dataclass(frozen=True, kw_only=True)
class Story:
    """Who writes, what each line does, and how it is judged in the end.

    `judge` is given the names of every lane and says whether all is well, and in which words.
    """

    name: str
    lead: str
    steps: Sequence[Step]
    judge: Callable[[Sequence[Names]], tuple[bool, str]]


class Theatre(Panel):
    """Play a story step by step, or to its end; `set_up` makes every lane's names anew.

    `scene` is the code that sets the scene, after what it is called.
    """

    def __init__(
        self,
        title: str,
        *,
        note: str,
        lanes: Sequence[str],
        stories: Sequence[Story],
        first: str,
        set_up: Callable[[], Sequence[Names]],
        scene: tuple[str, str],
    ) -> None:
        self._names = list(lanes)
        self._set_up, self._scene_code = set_up, scene[1]
        self._lanes: Sequence[Names] = ()
        self._entries: list[Entry] = []
        self._turn = threading.Lock()
        self.ended: tuple[bool, str] | None = None
        named = {one.name: one for one in stories}
        if first not in named:
            raise UnknownName.among("story", first, named)
        self.story = controls.choice("Story", list(named.items()), named[first])
        self.step_button = controls.button("Next step", "Run the next line", primary=True)
        self.all_button = controls.button("To the end", "Run every line that is left")
        self.over_button = controls.button("Start over", "Begin anew, with fresh tables")
        self.lanes = Lanes("python")
        buttons = [self.step_button, self.all_button, self.over_button]
        super().__init__(
            title,
            note=note,
            accent=databases.get("dynamodb").accent,
            controls=[self.story, *buttons],
            body=[self.lanes],
            strip=Code(scene[0], language="python"),
        )
        for button, action in zip(buttons, (self.step, self.play, self.begin), strict=True):
            button.on_click(lambda _button, action=action: self.background(action))
        self.story.observe(lambda _change: self.rehearse(), "value")
        self.rehearse()

    def rehearse(self) -> None:
        """Play the story once for the saved picture, then set the scene for the learner."""
        self.begin()
        self.play()
        played = self._course()
        if self.ended is not None:
            self.begin()
            self.lanes.show(self._course(), saved=played)

    def begin(self) -> None:
        """Make everything anew, nothing run yet."""
        with self._turn:
            self.ended = None
            self._write()
            self._entries = [_written_down(one) for one in self._steps]
            try:
                self._lanes = self._set_up()
            except Exception as error:
                self.fail(*refusals.told(error))
                return
            self._point(0)
            self._show()

    def step(self) -> bool:
        """Run the next line; return False where there is none, or nobody answers any more."""
        with self._turn:
            at = self._done()
            if at >= len(self._entries) or not self._lanes:
                return False
            step = self._steps[at]
            entry = self._run(step)
            if entry is None:
                return False
            self._entries[at] = entry
            self._point(at + 1)
            if at + 1 == len(self._entries):
                self.ended = self.story.value.judge(self._lanes)
            self._show()
            return True

    def play(self) -> None:
        """Run every line that is left."""
        while self.step():
            pass

    @property
    def _steps(self) -> Sequence[Step]:
        steps: Sequence[Step] = self.story.value.steps
        return steps

    def _done(self) -> int:
        return sum(entry.state in {"done", "refused", "event"} for entry in self._entries)

    def _run(self, step: Step) -> Entry | None:
        names = self._lanes[step.lane or 0]
        made = _written_down(step)
        try:
            _perform(step.code, names)
            value = eval(step.shows, names) if step.shows else None  # noqa: S307
        except ClientError as error:
            return replace(made, said=refusals.told(error)[0], state="refused")
        except Exception as error:
            self.fail(*refusals.told(error))
            return None
        said = _written(value) if step.shows else "done"
        if step.lane is None:
            return replace(made, said=f"{step.code}: {said}", state="event")
        return replace(made, said=said, state="done")

    def _write(self) -> None:
        """Show what sets the scene, and every line of the story beneath it."""
        names = [
            "all of them" if one.lane is None else self._names[one.lane] for one in self._steps
        ]
        lines = [f"{one.code}  # {name}" for one, name in zip(self._steps, names, strict=True)]
        if self.strip is not None:
            self.strip.show("\n".join([self._scene_code, "", *lines]))

    def _point(self, at: int) -> None:
        if at < len(self._entries):
            self._entries[at] = replace(self._entries[at], state="next")

    def _course(self) -> Course:
        well, words = self.ended or (True, "")
        return Course(
            lead=self.story.value.lead,
            lanes=[Lane(name) for name in self._names],
            entries=list(self._entries),
            waits=False,
            closing=words,
            icon=("✓" if well else "✗") if words else "",
        )

    def _show(self) -> None:
        self.lanes.show(self._course(), saved=self.lanes.saved if self.ended is None else None)
        done, count = self._done(), len(self._entries)
        self.step_button.disabled = self.all_button.disabled = done == count
        if self.ended is None:
            self.done(f"ready, {done} of {count} lines run")
        else:
            self.done(f"{count} lines run")


def _written_down(step: Step) -> Entry:
    """Write down a line before it has run; what concerns all lanes has no cell for its code."""
    if step.lane is None:
        return Entry(lane=None, said=step.code)
    return Entry(lane=step.lane, code=step.code)


def _perform(code: str, names: Names) -> None:
    """Run a line as it stands; what it comes to is called _ afterwards."""
    try:
        expression = compile(code, "story", "eval")
    except SyntaxError:
        exec(code, names)  # noqa: S102
    else:
        names["_"] = eval(expression, names)  # noqa: S307


def _written(value: Any) -> str:
    """Write a value, its numbers without quotation marks."""
    if isinstance(value, dict):
        value = {name: _number(one) for name, one in value.items()}
    return text_of(value)


def _number(value: Any) -> Any:
    return value if not isinstance(value, Decimal) else int(value) if value == int(value) else value

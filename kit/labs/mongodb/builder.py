"""The pipeline builder: an aggregation as a list of stages, and what each lets through."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets
from pymongo.errors import ConnectionFailure, PyMongoError

from kit.errors import KitError, UnknownName
from kit.labs.mongodb import aggregation, spelling
from kit.labs.mongodb import source as sources
from kit.labs.mongodb.aggregation import Report, Stage
from kit.labs.mongodb.questions import OWN, QUESTIONS
from kit.labs.mongodb.refusal import refused
from kit.labs.mongodb.source import Source
from kit.labs.mongodb.stages import KINDS
from kit.widgets import units
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.steps import Kind, Outcome, Steps
from kit.widgets.turn import Turn

if TYPE_CHECKING:
    from kit.launch.server import Server

_EMPTY = ("There is no stage yet.", "Add one, or choose a question above.")


def pipeline(
    server: Server | str,
    stages: Sequence[Mapping[str, Any]] | str | None = None,
    *,
    collection: str = "experiments",
    catalog: str = "",
) -> Builder:
    """Open the pipeline builder on a collection, and run `stages` through it.

    `stages` is a pipeline as PyMongo takes it, or the name of a ready question; without it the
    first ready question is taken.
    """
    source = sources.read(server, catalog=catalog)
    return Builder(source, collection, _given(stages))


class Builder(Panel):
    """Stages to edit, and what came of each when the pipeline was run up to it.

    `reports` holds what became of each stage that ran last, by the stage's id.
    """

    def __init__(self, source: Source, collection: str, given: dict[str, list[Stage]]) -> None:
        self.source, self.collection = source, collection
        self.reports: dict[str, Report] = {}
        self._drafts = given
        self._question = next(iter(given))
        self._turn = Turn()
        self._stop = threading.Event()
        kinds = [Kind(one.name, one.help, one.example, one.link) for one in KINDS]
        self.steps = Steps("Stages of the pipeline", kinds, self._start)
        self.python = Code("The pipeline as Python", language="python")
        self._build()
        super().__init__(
            "Pipeline builder",
            note=f"{source.title} · {source.catalog}.{collection}",
            accent=source.accent,
            controls=[self.question, self.go, self.more, self.write],
            body=[self.steps, self.python],
            strip=Code("The pipeline as JSON", language="json"),
        )
        self.stages = given[self._question]
        self.run()

    @property
    def stages(self) -> list[Stage]:
        """The stages as they stand in the page."""
        return [Stage(i["kind"], i["text"], i["on"], i["id"]) for i in self.steps.items]

    @stages.setter
    def stages(self, given: Sequence[Stage]) -> None:
        self.steps.items = [
            {"id": one.id or aggregation.fresh(), "kind": one.kind, "text": one.text, "on": one.on}
            for one in given
        ]

    def run(self) -> list[Report]:
        """Run the pipeline up to each of its stages, and show and return what came of them."""
        with self._turn:
            self._stop.clear()
            self.reports = {}
            stages = self.stages
            if not stages:
                self.empty(*_EMPTY)
                return []
            self.start(cancel=self._stop.set)
            self._run(stages)
            return [self.reports[one.id] for one in stages if one.id in self.reports]

    def close(self) -> None:
        """Run no further stage, and remove the panel."""
        self._turn.end()
        self._stop.set()
        super().close()

    def _build(self) -> None:
        self.question = ipywidgets.Dropdown(
            options=list(self._drafts), value=self._question, description="Question"
        )
        self.question.layout.width = "auto"
        self.question.observe(self._ask, "value")
        self.go = ipywidgets.Button(
            description="Run", tooltip="Run every stage (Ctrl+Enter)", button_style="primary"
        )
        self.go.on_click(lambda _button: self._start())
        self.more = ipywidgets.Button(description="Add stage", tooltip="Add a stage at the end")
        self.more.on_click(lambda _button: self.add())
        self.write = ipywidgets.Checkbox(
            value=False, description="Let stages write", indent=False, tooltip="Run $out and $merge"
        )
        self.write.layout.width = "auto"

    def add(self, kind: str = "$match", text: str = "{}") -> None:
        """Add a stage at the end."""
        self.stages = [*self.stages, Stage(kind, text, id=aggregation.fresh())]

    def _ask(self, change: Any) -> None:
        # What was typed for the other question waits there until it is chosen again.
        self._drafts[self._question] = self.stages
        self._question = change["new"]
        self.steps.tell({})
        self.stages = self._drafts[self._question]
        self._start()

    def _start(self) -> None:
        self._turn.ask(self.background, self.run)

    def _run(self, stages: Sequence[Stage]) -> None:
        begun = time.perf_counter()
        self._spell(stages)
        try:
            walk = aggregation.examine(
                self.source,
                self.collection,
                stages,
                write=bool(self.write.value),
                stopped=self._stop.is_set,
            )
            for name, report in walk:
                self.reports[name] = report
                self._tell()
        except (PyMongoError, KitError, ConnectionFailure) as error:
            self._tell()
            why = refused(error, self.source)
            self.fail(why.message, why.hint)
            return
        self._end(stages, time.perf_counter() - begun)

    def _end(self, stages: Sequence[Stage], seconds: float) -> None:
        found = [self.reports[one.id] for one in stages]
        bad = next((i for i, report in enumerate(found, 1) if report.state == "failed"), 0)
        if bad:
            return self._enter("failed", f"stage {bad} of {len(found)} failed")
        if self._stop.is_set():
            return self.done("cancelled")
        left = [r.left for r in found if r.state == "done" and r.left is not None]
        return self.done(units.plural(left[-1] if left else 0, "document"), seconds=seconds)

    def _tell(self) -> None:
        counts = [n for r in self.reports.values() for n in (r.entered, r.left) if n is not None]
        most = max(counts, default=0)
        self.steps.tell({name: _outcome(r, most) for name, r in self.reports.items()})

    def _spell(self, stages: Sequence[Stage]) -> None:
        """Write out what is run: the stages up to the first that cannot be read."""
        code = aggregation.python(self.collection, stages, catalog=self.source.catalog)
        self.python.show(code)
        if self.strip is not None:
            self.strip.show(spelling.to_json(aggregation.pipeline(stages)))


def _given(stages: Sequence[Mapping[str, Any]] | str | None) -> dict[str, list[Stage]]:
    ready = {name: aggregation.stages(made) for name, made in QUESTIONS.items()}
    if stages is None:
        return ready | {OWN: []}
    if isinstance(stages, str):
        if stages not in ready:
            raise UnknownName.among("question", stages, ready)
        return {stages: ready[stages]} | ready | {OWN: []}
    return {OWN: aggregation.stages(stages)} | ready


def _outcome(report: Report, most: int) -> Outcome:
    figures, volatile = [], []
    if report.state == "done" and report.left is not None and not report.message:
        figures.append(f"{report.entered:,} → {units.plural(report.left, 'document')}")
        volatile.append(units.size(report.size))
    if report.access:
        figures.append(report.access)
    if report.seconds is not None:
        volatile.append(f"{units.duration(report.seconds)} up to here")
    share = report.left / most if report.left is not None and most else None
    return Outcome(
        state=report.state,
        figures=figures,
        volatile=volatile,
        share=share,
        caption=_caption(report),
        lines=[spelling.one_line(document) for document in report.sample],
        message=report.message,
        hint=report.hint,
    )


def _caption(report: Report) -> str:
    if report.state != "done" or report.message:
        return ""
    if not report.left:
        return "Nothing comes out."
    if len(report.sample) >= report.left:
        return "All that comes out:" if report.left > 1 else "What comes out:"
    return f"A sample, the first {len(report.sample)} of {report.left:,}:"

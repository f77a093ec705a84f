"""The line-protocol bench: a point typed in either form, and what batching is worth."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import ipywidgets

from kit.errors import KitError
from kit.labs.influxdb import batches, line, points
from kit.labs.influxdb.answers import grid
from kit.labs.influxdb.batches import Rate
from kit.labs.influxdb.controls import button, dropdown
from kit.labs.influxdb.influxql import identifier, literal
from kit.labs.influxdb.line import Mistake, Point
from kit.labs.influxdb.session import PRECISIONS, Refused, Session, told
from kit.labs.influxdb.working import Working
from kit.widgets import units
from kit.widgets.bars import Bar, Bars
from kit.widgets.code import Code
from kit.widgets.editor import Editor
from kit.widgets.parts import Markup, Notice
from kit.widgets.table import Table

if TYPE_CHECKING:
    from kit.launch.server import Server

EXAMPLE = "training_metrics,run_id=bench,model=sgd loss=0.25,accuracy=0.94 1774526400"
SHOWN, SERIES = 10, 5


def bench(server: Server, text: str = EXAMPLE, *, precision: str = "s") -> Bench:
    """Open the bench with `text` in line protocol; `precision` is the unit of its times.

    It is one of ns, µs, ms and s.
    """
    return Bench(Session(server), text, precision)


class Bench(Working):
    """Two places to type a point, the points as the server holds them, and rates by batch size."""

    def __init__(self, session: Session, text: str, precision: str) -> None:
        self.rates: list[Rate] = []
        self._build(text, precision)
        sides = [
            _side("Line protocol", self.lines, self.to_json),
            _side("JSON", self.json, self.to_lines),
        ]
        halves = ipywidgets.HBox(sides)
        halves.add_class("kit-console")
        notice = Notice()
        super().__init__(
            "Line-protocol bench",
            session,
            note=session.title,
            controls=[self.go, self.precision, self.measure],
            body=[halves, notice, self.table, self.measured],
            strip=Code("Sent to the server", language="text"),
            notice=notice,
        )
        self.translate()

    def translate(self) -> bool:
        """Write what stands in line protocol as JSON; tell whether that could be done."""
        try:
            self.json.value = points.write(line.read(self.lines.value))
        except Mistake as mistake:
            self.fail(line.pointed(self.lines.value, mistake), text="not a point yet")
            return False
        self._enter("empty", "ready")
        return True

    def untranslate(self) -> bool:
        """Write what stands in JSON as line protocol; tell whether that could be done."""
        try:
            self.lines.value = "\n".join(points.lines(points.read(self.json.value)))
        except Mistake as mistake:
            self.fail(line.pointed(self.json.value, mistake), text="not a point yet")
            return False
        self._enter("empty", "ready")
        return True

    def write(self, text: str | None = None) -> bool:
        """Write `text`, or what stands in line protocol, and show the points as they are kept."""
        if text is not None:
            self.lines.value = text
        text, precision = self.lines.value, self.precision.value
        lines = [one for one in text.split("\n") if one.strip()]
        with self.turn(self.go):
            self.start()
            begun = time.perf_counter()
            refusal = self._sent(lines, precision)
            seconds = time.perf_counter() - begun
            self._write_strip(lines, precision, self._look(text))
            if refusal is None:
                self.done(f"{units.plural(len(lines), 'line')} written", seconds=seconds)
            else:
                self.fail(_at_the_place(text, refusal.message), refusal.hint)
        return self.status.state == "done"

    def compare(self, *, times: int = 5) -> list[Rate]:
        """Measure how many points a second each batch size writes, and draw it as it comes."""
        self.rates = []
        with self.turn(self.measure):
            self.start("measuring", cancel=self.stopping.set)
            begun = time.perf_counter()
            batches.measure(self.session, times=times, told=self._rated)
            word = "stopped" if self.stopping.is_set() else f"{times} measurements of each size"
            self.done(word, seconds=time.perf_counter() - begun)
        return self.rates

    def _build(self, text: str, precision: str) -> None:
        hint = "measurement,tag=value field=value time"
        self.lines = Editor(text, "Line protocol", hint, self._begin)
        self.json = Editor("", "JSON", '{"measurement": …, "fields": {…}}', self._from_json)
        self.to_json = button("As JSON →", "Write the lines as JSON", self.translate)
        self.to_lines = button("← As lines", "Write the JSON as lines", self.untranslate)
        self.go = button("Write", "Write the lines (Ctrl+Enter)", self._begin, primary=True)
        self.precision = dropdown("Times are in", list(PRECISIONS), precision)
        self.measure = button(
            "Measure batches",
            "Write points one by one and in batches, and time it",
            lambda: self.begin(self.compare),
        )
        self.table = Table("Points as the server keeps them")
        self.bars = Bars("points/s", of="points written in a second")
        self.measured = ipywidgets.VBox([])

    def _begin(self) -> None:
        self.begin(self.write)

    def _from_json(self) -> None:
        if self.untranslate():
            self._begin()

    def _rated(self, rate: Rate) -> bool:
        self.rates.append(rate)
        self.measured.children = [self.bars]
        self.bars.show(
            [Bar(f"{one.size:,} in a request", one.median, one.low, one.high) for one in self.rates]
        )
        return not self.stopping.is_set()

    def _sent(self, lines: list[str], precision: str) -> Refused | None:
        try:
            self.session.write(lines, precision=precision)
        except Refused as refusal:
            return refusal
        except KitError as error:
            return Refused(*told(error))
        return None

    def _look(self, text: str) -> list[str]:
        """Read the newest points of each series that was written to, and return the queries."""
        try:
            asked = list(dict.fromkeys(_series(point) for point in line.read(text)))[:SERIES]
            self.table.show(
                *(grid(series) for query in asked for series in self.session.one(query))
            )
        except KitError:
            # What is wrong was said of the write already.
            return []
        return asked

    def _write_strip(self, lines: list[str], precision: str, asked: list[str]) -> None:
        if self.strip is None:
            return
        head = f"POST /write?db={self.session.database}&precision={PRECISIONS[precision]}"
        shown = lines if len(lines) <= SHOWN else [*lines[:SHOWN], "…"]
        self.strip.show("\n".join([head, *shown, *([""] if asked else []), *asked]))


def _series(point: Point) -> str:
    """Write the query for the newest points of the series that a point belongs to."""
    which = " AND ".join(f"{identifier(tag)} = {literal(v)}" for tag, v in point.tags.items())
    where = ["WHERE", which] if which else []
    newest = ["ORDER BY time DESC LIMIT", str(SHOWN)]
    return " ".join(["SELECT * FROM", identifier(point.measurement), *where, *newest])


def _at_the_place(text: str, words: str) -> str:
    """Add to the server's words the place they are about, where that can be found."""
    try:
        line.read(text)
    except Mistake as mistake:
        return f"{words}\n\n{line.pointed(text, mistake)}"
    return words


def _side(title: str, editor: Editor, switch: Any) -> Any:
    side = ipywidgets.VBox([Markup(f'<div class="kit-note">{title}</div>'), editor, switch])
    side.add_class("kit-main")
    return side

"""The prediction cache: what it saves, how full it is, and what happens when it is full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.labs.redis import serving, traffic
from kit.labs.redis import source as sources
from kit.labs.redis.experiment import Experiment, choice
from kit.labs.redis.serving import MODELS, Model
from kit.labs.redis.source import Source
from kit.labs.redis.traffic import POLICIES, Report, Setting
from kit.widgets import units
from kit.widgets.chart import Series
from kit.widgets.histogram import Distribution, Histogram
from kit.widgets.measured import MeasuredChart
from kit.widgets.table import Grid, Table
from kit.widgets.values import Shown

if TYPE_CHECKING:
    from kit.launch.server import Server

__all__ = ["Cache", "Report", "Setting", "panel"]

KEPT = 4
"""Runs that stay in the picture, to compare."""

_COUNTS = ("kept", "expired", "thrown out", "refused")
_LIVES = [("for ever", 0.0), ("0.2 s", 0.2), ("1 s", 1.0), ("60 s", 60.0), ("1 hour", 3600.0)]
_SKEWS = [("all alike", 0.0), ("a little skewed", 0.6), ("like the web", 1.0), ("very skewed", 1.4)]
_ROOMS = [("for all", 0.0), ("800 kB", 8e5), ("400 kB", 4e5), ("200 kB", 2e5)]
_INPUTS = [("100 inputs", 100.0), ("400 inputs", 400.0), ("1,797 inputs", 1797.0)]


def panel(
    server: Server | str,
    model: str = "forest",
    *,
    seconds: float = 2.0,
    compare: bool = True,
    **setting: float | str,
) -> Cache:
    """Let clients ask a served model, first without a cache (if `compare`) and then with one.

    `model` is "forest" or "linear"; `setting` are fields of `Setting`, such as ttl, skew, room and
    policy. `seconds` is how long each run lasts.
    """
    shown = Cache(sources.read(server), model, seconds, setting)
    if compare:
        shown.cached.value = False
        shown.run()
        shown.cached.value = True
    shown.run()
    return shown


class Cache(Experiment):
    """Turn the cache, its times and its limits, and let the load run again."""

    def __init__(
        self, source: Source, model: str, seconds: float, setting: dict[str, float | str]
    ) -> None:
        self.reports: list[tuple[str, Report]] = []
        self.seconds = seconds
        self._models: dict[str, Model] = {}
        start = Setting(**setting)  # type: ignore[arg-type]
        self.model = choice("Model", [(title, name) for name, title in MODELS.items()], model)
        self.cached = choice("Cache", [("with", True), ("without", False)], start.cached)
        self.ttl = choice("Kept", _with(_LIVES, start.ttl, "s"), start.ttl)
        self.skew = choice("Requests", _with(_SKEWS, start.skew, ""), start.skew)
        self.room = choice("Room", _with(_ROOMS, start.room, "bytes"), start.room)
        self.inputs = choice("among", _with(_INPUTS, start.inputs, "inputs"), start.inputs)
        self.policy = choice("When full", POLICIES, start.policy)
        self.chart = MeasuredChart(x="seconds", y="hit ratio", zero=True)
        self.histogram = Histogram("s", of="latency of a request")
        self.table = Table("Runs")
        super().__init__(
            source,
            "Prediction cache",
            controls=[
                *(self.model, self.cached, self.ttl, self.skew),
                *(self.inputs, self.room, self.policy),
            ],
            body=[self.chart, self.histogram, self.table],
        )

    @property
    def setting(self) -> Setting:
        """Return what is chosen."""
        return Setting(
            cached=bool(self.cached.value),
            ttl=float(self.ttl.value),
            skew=float(self.skew.value),
            inputs=int(self.inputs.value),
            room=int(self.room.value),
            policy=str(self.policy.value),
            seconds=self.seconds,
        )

    def measure(self) -> str:
        """Let the load run, and draw it while it does."""
        model, setting = self._model(), self.setting
        self.ran(traffic.written(setting, model))
        label = _label(model, setting)
        before = [one for one in self.reports if one[0] != label][-KEPT + 1 :]

        def show(report: Report) -> None:
            self.reports = [*before, (label, report)]
            self._draw()

        report = traffic.run(self.source, model, setting, stop=self.stop, tick=show)
        show(report)
        if report.errors:
            raise ConnectionError("; ".join(report.errors.values()))
        return f"{units.plural(len(report.hits) + len(report.misses), 'request')} · " + (
            f"{report.ratio:.0%} from the cache" if setting.cached else "all computed"
        )

    def _model(self) -> Model:
        name = str(self.model.value)
        if name not in self._models:
            self.wait("Fitting the model")
            self._models[name] = serving.model(name)
            self.start(cancel=self.stop.set)
        return self._models[name]

    def _draw(self) -> None:
        cached = [(label, one) for label, one in self.reports if one.setting.cached]
        self.chart.show([Series(label, one.ratios) for label, one in cached])
        rows = [
            Distribution(f"{label} · {what}" if one.setting.cached else label, latencies)
            for label, one in self.reports
            for what, latencies in (("hit", one.hits), ("miss", one.misses))
            if latencies
        ]
        self.histogram.show(rows)
        self.table.show(_grid(self.reports))


def _grid(reports: list[tuple[str, Report]]) -> Grid:
    return Grid(
        columns=(
            *("run", "per second", "hit ratio", "p50", "p99"),
            *_COUNTS,
        ),
        rows=[
            (
                label,
                round(one.throughput),
                Shown(f"{one.ratio:.1%}", one.ratio),
                *(_percentile(one, share) for share in (50, 99)),
                one.kept,
                one.expired,
                one.evicted,
                one.unkept,
            )
            for label, one in reports
        ],
        volatile=frozenset(("per second", "hit ratio", "p50", "p99", *_COUNTS)),
    )


def _percentile(report: Report, share: int) -> object:
    ordered = sorted(report.hits + report.misses)
    if not ordered:
        return None
    value = ordered[-(-share * len(ordered) // 100) - 1]
    return Shown(units.duration(value), value)


def _label(model: Model, setting: Setting) -> str:
    if not setting.cached:
        return f"{model.name}, no cache"
    words = [model.name, "kept" if not setting.ttl else f"{setting.ttl:g} seconds"]
    if setting.skew != 1:
        words.append(f"skew {setting.skew:g}")
    if setting.inputs != Setting.inputs:
        words.append(f"{setting.inputs} inputs")
    if setting.room:
        words.append(f"{setting.policy} in {setting.room // 1000} kB")
    return ", ".join(words)


def _with(options: list[tuple[str, float]], value: float, unit: str) -> list[tuple[str, float]]:
    """Add a value to a menu that does not have it."""
    if value in [one for _, one in options]:
        return options
    return [*options, (f"{value:g} {unit}".strip(), value)]

"""A cache stampede drawn: who computed the answer, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.labs.redis import serving
from kit.labs.redis import source as sources
from kit.labs.redis.experiment import Experiment, choice
from kit.labs.redis.rush import KEY, REMEDIES, Rush, rush
from kit.labs.redis.serving import Model
from kit.labs.redis.source import Source
from kit.widgets import units
from kit.widgets.table import Grid, Table
from kit.widgets.timeline import Lane, Timeline

if TYPE_CHECKING:
    from kit.launch.server import Server

__all__ = ["KEY", "REMEDIES", "Rush", "Stampede", "panel", "rush"]


def panel(server: Server | str, remedy: str = "none", *, seconds: float = 2.0) -> Stampede:
    """Make a stampede on a served model, or mend it by a `remedy`: "lock" or "early"."""
    shown = Stampede(sources.read(server), remedy, seconds)
    shown.run()
    return shown


class Stampede(Experiment):
    """Who computed the answer, and when; the remedies beneath each other, to compare."""

    def __init__(self, source: Source, remedy: str, seconds: float) -> None:
        self.seconds = seconds
        self.rushes: dict[str, Rush] = {}
        self._model: Model | None = None
        self.remedy = choice(
            "Remedy",
            [("none", "none"), ("a lock", "lock"), ("early recomputation", "early")],
            remedy,
        )
        self.ttl = choice("The answer lives", [("0.25 s", 0.25), ("0.5 s", 0.5), ("1 s", 1.0)], 0.5)
        self.visitors = choice("Visitors", [4, 8, 16], 8)
        self.timeline = Timeline("s")
        self.table = Table("Remedies")
        super().__init__(
            source,
            "Cache stampede",
            controls=[self.remedy, self.ttl, self.visitors],
            body=[self.timeline, self.table],
        )

    def measure(self) -> str:
        """Let the visitors rush, and draw who computed."""
        if self._model is None:
            self._model = serving.model("forest")
        remedy = str(self.remedy.value)
        self.ran(_COMMANDS[remedy])
        done = rush(
            self.source,
            self._model,
            remedy,
            visitors=int(self.visitors.value),
            ttl=float(self.ttl.value),
            seconds=self.seconds,
            stop=self.stop,
        )
        self.rushes = {**self.rushes, remedy: done}
        lanes = [Lane(f"visitor {n + 1}", spans) for n, spans in enumerate(done.visitors)]
        self.timeline.show(lanes)
        self.table.show(_grid(self.rushes))
        return f"computed {units.plural(done.computed, 'time')}"


_COMMANDS = {
    "none": f"GET {KEY}\n# if there is nothing: compute, then\nSET {KEY} … PX …",
    "lock": (
        f"GET {KEY}\n# if there is nothing:\nSET {KEY}:lock token NX PX 5000\nGET {KEY}\n"
        f"# if there is still nothing: compute, then\nSET {KEY} … PX …\n"
        f"# and delete {KEY}:lock, by a script, if it still holds the token"
    ),
    "early": (
        f"GET {KEY}\nPTTL {KEY}\n# if -took * beta * log(random()) >= what is left: compute, then\n"
        f"SET {KEY} … PX …"
    ),
}


def _grid(rushes: dict[str, Rush]) -> Grid:
    columns = ("remedy", "requests", "computed", "at once", "longest wait")
    return Grid(
        columns=columns,
        rows=[
            (
                remedy,
                one.requests,
                one.computed,
                one.at_once,
                units.duration(one.waited),
            )
            for remedy, one in rushes.items()
        ],
        volatile=frozenset(columns[1:]),
    )

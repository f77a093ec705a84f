"""Rate limiters side by side: the same requests, three verdicts, on one time line."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import ipywidgets

from kit.labs.redis import source as sources
from kit.labs.redis.experiment import Experiment, choice
from kit.labs.redis.limits import KINDS, Decision, Limiter, most, read
from kit.labs.redis.source import Client, Source
from kit.widgets import units
from kit.widgets.table import Grid, Table
from kit.widgets.timeline import Lane, Span, Timeline

if TYPE_CHECKING:
    from kit.launch.server import Server

__all__ = ["KINDS", "Comparison", "Decision", "Limiter", "Trial", "compare", "panel"]

NAME = "lesson"
PATTERNS = ("edge", "steady", "bursts")


@dataclass
class Trial:
    """What three limiters said to the same requests, each in the order of the server's clock."""

    limit: int
    window: int
    decisions: dict[str, list[Decision]] = field(default_factory=dict)

    def admitted(self, kind: str) -> list[int]:
        """Return when requests were admitted."""
        return [one.at for one in self.decisions[kind] if one.admitted]

    def wrong(self, kind: str) -> int:
        """Count the decisions that differ from the limiter's definition."""
        said = self.decisions[kind]
        right = KINDS[kind].defined([one.at for one in said], self.limit, self.window)
        return sum(one.admitted != should for one, should in zip(said, right, strict=True))

    def most(self, kind: str) -> int:
        """Return how many were admitted in any span as long as the window, at the most."""
        return most(self.admitted(kind), self.window)


def panel(
    server: Server | str, *, limit: int = 20, window: float = 1.0, clients: int = 16
) -> Comparison:
    """Send requests at the edge of a window by 16 clients, and show what three limiters admit."""
    shown = Comparison(sources.read(server), limit=limit, window=window, clients=clients)
    shown.run()
    return shown


def compare(
    server: Server | str | Source,
    *,
    limit: int = 20,
    window: float = 1.0,
    clients: int = 16,
    windows: float = 3.0,
    pattern: str = "edge",
    stop: threading.Event | None = None,
) -> Trial:
    """Put the same requests to all limiters, for so many `windows`, by concurrent clients.

    In the pattern "edge" they come in two bursts, just before and just after a window ends;
    "bursts" come at any time, and "steady" ones evenly.
    """
    source = server if isinstance(server, Source) else sources.read(server)
    name = f"{NAME}:{random.getrandbits(48):x}"
    said: list[list[tuple[Decision, ...]]] = [[] for _ in range(clients)]
    plan = _plan(source, pattern, limit, window, clients, windows)
    halt = stop or threading.Event()
    faults: list[Exception] = []

    def work(number: int) -> None:
        try:
            with source.open() as client:
                limiters = [Limiter(client, kind, limit=limit, window=window) for kind in KINDS]
                for at in plan[number]:
                    if halt.wait(max(0.0, at - time.monotonic())):
                        return
                    said[number].append(_ask(client, limiters, name))
        except Exception as fault:
            faults.append(fault)

    _together(clients, work)
    if faults:
        raise faults[0]
    every = [decisions for one in said for decisions in one]
    ordered = {
        kind: sorted((each[i] for each in every), key=lambda one: one.at)
        for i, kind in enumerate(KINDS)
    }
    return Trial(limit, round(window * 1e6), ordered)


class Comparison(Experiment):
    """Choose the limit and the pattern of the requests; see which were let in, and when."""

    def __init__(self, source: Source, *, limit: int, window: float, clients: int) -> None:
        self.trial: Trial | None = None
        self.limit = _number("Limit", limit, 1, 200)
        self.window = choice("per", [("0.5 s", 0.5), ("1 s", 1.0), ("2 s", 2.0)], window)
        self.pattern = choice("Requests", PATTERNS)
        self.clients = _number("Clients", clients, 1, 64)
        self.timeline = Timeline("s", of="time of the server")
        self.table = Table("What was admitted")
        super().__init__(
            source,
            "Rate limiters",
            controls=[self.limit, self.window, self.pattern, self.clients],
            body=[self.timeline, self.table],
            language="lua",
            label="Scripts that ran",
        )

    def measure(self) -> str:
        """Compare the limiters, and draw what each admitted."""
        self.trial = trial = compare(
            self.source,
            limit=int(self.limit.value),
            window=float(self.window.value),
            clients=int(self.clients.value),
            pattern=str(self.pattern.value),
            stop=self.stop,
        )
        self.ran(_scripts(trial))
        self.timeline.show(_lanes(trial))
        self.table.show(_grid(trial))
        asked = len(trial.decisions["fixed"])
        wrong = sum(trial.wrong(kind) for kind in KINDS)
        exact = "every verdict as defined" if not wrong else f"{wrong} verdicts not as defined"
        return f"{units.plural(asked, 'request')} · {exact}"


def _ask(client: Client, limiters: Sequence[Limiter], name: str) -> tuple[Decision, ...]:
    pipeline = client.pipeline(transaction=False)
    for limiter in limiters:
        limiter.ask(name, pipeline)
    return tuple(read(reply) for reply in pipeline.execute())


def _plan(
    source: Source, pattern: str, limit: int, window: float, clients: int, windows: float
) -> list[list[float]]:
    """Return when each client asks, by this machine's monotonic clock."""
    with source.open() as client:
        seconds, micro = client.time()
    into = (seconds + micro / 1e6) % window
    # The next window but one begins here: by then all clients are connected.
    begin = time.monotonic() + 2 * window - into
    count = round(3 * limit * windows / 2)
    chance = random.Random(0)
    moments = [begin + window * at for at in _moments(pattern, count, windows, chance)]
    return [sorted(moments[number::clients]) for number in range(clients)]


def _moments(pattern: str, count: int, windows: float, chance: random.Random) -> list[float]:
    """Return moments in windows, from the begin of one."""
    if pattern == "steady":
        return [windows * n / count for n in range(count)]
    if pattern == "bursts":
        return [chance.choice((0.2, 0.9, 1.7, 2.4)) + 0.1 * chance.random() for _ in range(count)]
    return [1 + chance.choice((-1, 1)) * (0.02 + 0.2 * chance.random()) for _ in range(count)]


def _together(clients: int, work: Callable[[int], None]) -> None:
    threads = [
        threading.Thread(target=work, args=(number,), name="kit-limit", daemon=True)
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _lanes(trial: Trial) -> list[Lane]:
    begin = min((one.at for said in trial.decisions.values() for one in said), default=0)
    # The axis begins with a window of the server's clock, so that edges fall on round numbers.
    begin -= begin % trial.window
    return [
        Lane(
            KINDS[kind].title,
            [
                Span((one.at - begin) / 1e6, (one.at - begin) / 1e6, _word(one))
                for one in sorted(said, key=lambda one: one.at)
            ],
        )
        for kind, said in trial.decisions.items()
    ]


def _word(decision: Decision) -> str:
    return "admitted" if decision.admitted else "refused"


def _grid(trial: Trial) -> Grid:
    return Grid(
        columns=("limiter", "asked", "admitted", "most in one window", "not as defined"),
        rows=[
            (
                KINDS[kind].title,
                len(said),
                len(trial.admitted(kind)),
                trial.most(kind),
                trial.wrong(kind),
            )
            for kind, said in trial.decisions.items()
        ],
        note=f"At most {trial.limit} are wanted, wherever the window is laid.",
        volatile=frozenset({"admitted", "most in one window"}),
    )


def _scripts(trial: Trial) -> str:
    def call(kind: str) -> str:
        return f"EVALSHA … 1 limit:{kind}:{NAME} {trial.limit} {trial.window}"

    return "\n".join(
        f"-- {kind.title}: {call(name)}\n{kind.script}" for name, kind in KINDS.items()
    )


def _number(label: str, value: int, low: int, high: int) -> Any:
    made = ipywidgets.BoundedIntText(description=label, value=value, min=low, max=high)
    made.layout.width = "144px"
    return made

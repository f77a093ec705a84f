"""A dashboard of a served model: who is logged in, which model leads, how the minute goes."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING

import ipywidgets

from kit.labs.redis import service, serving
from kit.labs.redis import source as sources
from kit.labs.redis.experiment import Experiment, choice
from kit.labs.redis.serving import MODELS, Model
from kit.labs.redis.source import Client, Source
from kit.measure.load import load
from kit.widgets import units
from kit.widgets.table import Grid, Table
from kit.widgets.values import Shown

if TYPE_CHECKING:
    from kit.launch.server import Server

__all__ = ["Dashboard", "panel"]

_SHOWN = 8
_RAN = """\
# a visit: one script does HINCRBY, EXPIRE and HGETALL
EVAL … 1 session:… 1800
# a prediction
HINCRBY metrics:linear:… requests 1
HINCRBY metrics:linear:… microseconds …
EXPIRE metrics:linear:… 3600
PFADD users:linear:… user-1
# a model that did better than before
ZADD board:models GT 0.95 linear
# the tables
ZREVRANGE board:models 0 9 WITHSCORES
PFCOUNT users:linear:… users:linear:…"""


def panel(server: Server | str, *, users: int = 40, seconds: float = 1.5) -> Dashboard:
    """Let users log in and ask a model for predictions, and keep all that is known in Redis."""
    shown = Dashboard(sources.read(server), users, seconds)
    shown.run()
    return shown


class Dashboard(Experiment):
    """Sessions in hashes, models in a sorted set, figures in hashes and HyperLogLogs."""

    def __init__(self, source: Source, users: int, seconds: float) -> None:
        self.seconds = seconds
        self.tokens: list[str] = []
        self.asked: set[str] = set()
        self._models: dict[str, Model] = {}
        self.users = choice("Users", sorted({10, 40, 400, users}), users)
        self.model = choice("Model", [(title, name) for name, title in MODELS.items()], "linear")
        self.sessions = Table("Sessions")
        self.board = Table("Models")
        self.minute = Table("This minute")
        row = ipywidgets.HBox([self.sessions, self.board, self.minute])
        row.layout = {"flex_flow": "row wrap", "grid_gap": "8px 48px", "overflow": "visible"}
        super().__init__(
            source, "Dashboard", go="Let them work", controls=[self.users, self.model], body=[row]
        )

    def measure(self) -> str:
        """Let the users work for a while, and show what Redis knows of it."""
        name = str(self.model.value)
        if name not in self._models:
            self._models[name] = serving.model(name)
        model = self._models[name]
        self.ran(_RAN)
        with self.source.open() as client:
            self._log_in(client, int(self.users.value))
            done = load(
                self.source.open,
                _Desk(model, self.tokens, self.asked),
                clients=4,
                seconds=self.seconds,
                warm=0,
                stop=self.stop,
                tick=lambda _load: self._show(client, model),
            )
            for problem in done.messages.values():
                raise ConnectionError(problem)
            service.score(client, model.name, _accuracy(model))
            self._show(client, model)
        return units.plural(done.operations, "prediction")

    def _log_in(self, client: Client, users: int) -> None:
        for token in self.tokens:
            service.log_out(client, token)
        self.tokens = [service.log_in(client, f"user {n + 1}", team="vision") for n in range(users)]
        self.asked.clear()

    def _show(self, client: Client, model: Model) -> None:
        pipeline = client.pipeline(transaction=False)
        for token in self.tokens[:_SHOWN]:
            pipeline.hmget(f"session:{token}", "user", "pages")
            pipeline.ttl(f"session:{token}")
        replies = pipeline.execute()
        rows = [
            (facts[0].decode(), int(facts[1]), Shown(units.duration(left), left))
            for facts, left in zip(replies[::2], replies[1::2], strict=True)
            if facts[0]
        ]
        self.sessions.show(_sessions(rows, len(self.tokens)))
        best = [(n + 1, *one) for n, one in enumerate(service.top(client))]
        self.board.show(
            Grid(columns=("place", "model", "accuracy"), rows=best, caption="leaderboard")
        )
        self.minute.show(_minute(service.figures(client, model.name), len(self.asked)))


class _Desk:
    """What one request is: a visit, a prediction, and a note of it."""

    def __init__(self, model: Model, tokens: list[str], asked: set[str]) -> None:
        self._model, self._tokens, self._asked = model, tokens, asked
        self._chance = random.Random(0)
        self._lock = threading.Lock()

    def __call__(self, client: Client) -> None:
        with self._lock:
            token, number = self._chance.choice(self._tokens), self._chance.randrange(400)
        session = service.visit(client, token)
        if session is None:
            return
        begun = time.perf_counter()
        self._model.predict(number)
        service.record(client, self._model.name, session["user"], time.perf_counter() - begun)
        self._asked.add(session["user"])


def _accuracy(model: Model) -> float:
    from kit import data

    digits = data.digits()
    return round(float(model.fitted.score(digits.test, digits.test_labels)), 4)


def _sessions(rows: list[tuple[str, int, Shown]], total: int) -> Grid:
    return Grid(
        columns=("user", "pages", "over in"),
        rows=rows,
        total=total,
        caption="sessions",
        volatile=frozenset({"pages", "over in"}),
    )


def _minute(figures: dict[str, float], asked: int) -> Grid:
    return Grid(
        columns=("figure", "value"),
        rows=[
            ("predictions", figures["requests"]),
            ("mean time", Shown(units.duration(figures["seconds"]), figures["seconds"])),
            ("users, by HyperLogLog", figures["users"]),
            ("users of this run, counted", asked),
        ],
        caption="the last hour",
        volatile=frozenset({"value"}),
    )

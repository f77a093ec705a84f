"""What the benches measure inside a kernel: a console beside its bare driver, and live charts."""

from __future__ import annotations

import gc
import math
import time
from collections import deque
from typing import Any

import psutil

from kit.labs import sql
from kit.launch.server import Server
from kit.widgets.bars import Bar, Bars
from kit.widgets.chart import Chart, Series
from kit.widgets.panel import Panel
from kit.widgets.watch import Watch, rest_unseen
from tests.bench.rows import timed

HUNDRED = (
    "SELECT n, md5(n::text) AS digest, n / 7.0 AS share, now() AS at, n % 2 = 0 AS even "
    "FROM generate_series(1, 100) n"
)
MILLION = "SELECT n, '{} · ' || n AS said, n / 7.0 AS share FROM generate_series(1, 1000000) n"
HERTZ = 10
LINES = 4
POINTS = 600
"""Points of each line: what it holds does not grow, so that nothing else may."""


class Console:
    """Hold a console that is shown, and a bare connection to the same server."""

    def __init__(self, server: Server, *, limit: int) -> None:
        self.panel = sql.console(server, limit=limit)
        self.driver: Any = server.connect(autocommit=True)

    def hundred(self, rounds: int) -> list[tuple[float, float]]:
        """Return the seconds of the driver and of the console, in turn; the first round warms."""
        turns = [(self._bare(HUNDRED), self._shown(HUNDRED)) for _ in range(rounds + 1)]
        return turns[1:]

    def million(self, turn: int) -> tuple[float, float]:
        """Write a query into the editor; return the seconds of the server alone and the driver."""
        query = MILLION.format(f"turn {turn}")
        self.panel.editor.value = query
        return self._bare(f"SELECT count(*) FROM ({query} OFFSET 0) q"), self._bare(query)

    def _bare(self, query: str) -> float:
        return timed(lambda: self.driver.execute(query).fetchall())[1]

    def _shown(self, query: str) -> float:
        return timed(lambda: self.panel.run(query))[1]


class Live:
    """Draw lines that move and bars that change, HERTZ times a second."""

    def __init__(self) -> None:
        self.updates = 0
        self.lines = [deque[tuple[float, float]](maxlen=POINTS) for _ in range(LINES)]
        self.chart, self.bars = Chart(x="time", y="loss", time=True), Bars("s", of="latency")
        self.panel = Panel("Live", body=[self.chart, self.bars])
        self.watch = Watch(self._look)
        rest_unseen(self.watch, self.panel.rule)
        now = time.time()
        for n in range(POINTS):
            self._add(now - (POINTS - n) / HERTZ)
        self._draw()

    def begin(self) -> None:
        """Go on from here, counting anew."""
        self.updates = 0
        self._due = time.monotonic()
        self.watch.start()

    def memory(self) -> float:
        """Return how many megabytes the kernel occupies."""
        gc.collect()
        return float(psutil.Process().memory_info().rss / 1e6)

    def _look(self) -> float:
        self._add(time.time())
        self._draw()
        self.updates += 1
        self._due += 1 / HERTZ
        return max(self._due - time.monotonic(), 0.0)

    def _add(self, at: float) -> None:
        for place, line in enumerate(self.lines, start=1):
            line.append((at, 1 + math.sin(at / place) / 2))

    def _draw(self) -> None:
        named = {f"run {n}": [*line] for n, line in enumerate(self.lines, start=1)}
        self.chart.show([Series(label, points) for label, points in named.items()])
        self.bars.show([Bar(label, points[-1][1]) for label, points in named.items()])

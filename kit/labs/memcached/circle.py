"""The hash ring: nodes come and go under traffic, and the servers count the keys that move."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets

from kit import databases
from kit.labs.memcached import sketch
from kit.labs.memcached.moving import RULES, Change, Moving
from kit.labs.memcached.nodes import POINTS
from kit.labs.memcached.refusal import FAULTS, refused
from kit.widgets import units, values
from kit.widgets.chart import Chart, Series
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.ring import Ring
from kit.widgets.table import Grid, Table
from kit.widgets.watch import Watch

if TYPE_CHECKING:
    from kit.launch.topology import Topology

CHOICES = (4, 16, 40, 160, 640)
STEADY, SETTLING = 6, 24
"""Batches of traffic before a change, and after it while the cache fills again."""

_DOTS = 120
_PAUSE = 0.4  # seconds between two batches of endless traffic

_OPENED = """\
from kit.labs import memcached
ring = memcached.connect(nodes, points={points})   # pymemcache's HashClient, uhashring's ketama
modulo = memcached.connect(nodes, by="modulo")     # crc32(key) % number of nodes
"""
_DONE = {
    "add": "memcached.join(ring, server := nodes.add())   # start a node, put it on the ring",
    "lose": "nodes[{place}].kill()   # {name} crashes; the client leaves it out at the first error",
    "turn": "ring = memcached.connect(nodes, points={points})   # as many points for each node",
}
_COUNTED = """
memcached.tally(nodes, lambda: memcached.read(ring, keys))   # get_hits, get_misses: `stats`
"""


def ring(topology: Topology, *, keys: int = 6000, points: int = POINTS) -> RingPanel:
    """Show `keys` keys on the nodes of a ring, and what moves when nodes come and go.

    `points` is how many points each node has. It empties the nodes first: they must be yours alone.
    """
    return RingPanel(topology, keys=keys, points=points)


class RingPanel(Panel):
    """Add a node, lose a node, turn the points: the nodes' own counters tell what moved."""

    def __init__(self, topology: Topology, *, keys: int, points: int) -> None:
        self.moving = Moving(topology, keys=keys, points=points)
        self._turn = threading.RLock()
        self._end = threading.Event()
        self._before: dict[str, str | None] = {}
        self._places: list[str] = []
        self._ran = ""
        self.watch = Watch(self._look, stopped=self._interrupted)
        self._build(points)
        super().__init__(
            "Hash ring",
            note=f"{topology.title} · {units.plural(keys, 'key')} · the same traffic by two rules",
            accent=databases.get(topology.database).accent,
            controls=[self.more, self.which, self.less, self.points, self.flow, self.find],
            body=[self.drawing, self.table, self.chart],
            strip=Code("Code that ran", language="python"),
        )
        self._note_owners()
        self._show()
        self.done(self._summary())

    def add(self) -> Change | None:
        """Start one more node; return what the servers counted, None where it was refused."""
        if len(self.moving.topology) >= sketch.MOST:
            self.fail(
                f"{sketch.MOST} nodes are as many as the picture can tell apart.", "Kill one."
            )
            return None
        return self._change(self.moving.add, "add")

    def lose(self, name: str = "") -> Change | None:
        """Kill a node, by default the one that is chosen in the panel."""
        name = name or str(self.which.value)
        names = [server.name for server in self.moving.topology.servers]
        place = names.index(name) if name in names else 0
        return self._change(lambda: self.moving.lose(name), "lose", name=name, place=place)

    def turn(self, points: int) -> Change | None:
        """Give every node another number of points on the ring."""
        return self._change(lambda: self.moving.turn(points), "turn")

    def close(self) -> None:
        """Stop the traffic, close the connections, remove the panel; the nodes stay."""
        self._end.set()
        self.watch.stop()
        self.moving.close()
        super().close()

    def _build(self, points: int) -> None:
        self.drawing = Ring("Keys on the ring, counted on the nodes")
        self.table = Table("Keys that moved")
        self.chart = Chart(x="reads", y="hit ratio", zero=True)
        self.more = ipywidgets.Button(
            description="Add a node", tooltip="Start one more server", button_style="primary"
        )
        self.less = ipywidgets.Button(
            description="Kill it", tooltip="End the chosen server as a crash would"
        )
        self.which = ipywidgets.Dropdown(description="Node")
        self.which.layout.width = "auto"
        choices = sorted({*CHOICES, points})
        self.points = ipywidgets.Dropdown(
            description="Points per node", options=choices, value=points
        )
        self.points.layout.width = "auto"
        self.points.observe(self._turned, "value")
        self.flow = ipywidgets.ToggleButton(
            description="Keep reading", tooltip="Read popular keys, again and again"
        )
        self.flow.observe(self._flow, "value")
        self.find = ipywidgets.Text(description="Find key", placeholder="features:7")
        self.find.layout.width = "216px"
        self.find.observe(lambda _change: self._draw(), "value")
        self.more.on_click(lambda _button: self.background(self.add))
        self.less.on_click(lambda _button: self.background(self.lose))

    def _turned(self, change: Any) -> None:
        if change["new"] != self.moving.points:
            self.background(lambda: self.turn(change["new"]))

    def _change(self, act: Callable[[], Change], kind: str, **names: object) -> Change | None:
        """Change the nodes, count what moved, and let traffic fill the cache again."""
        with self._turn:
            self._end.clear()
            self.start("changing the nodes", cancel=self._end.set)
            begun = time.perf_counter()
            self._note_owners()
            points = self.moving.points
            try:
                self.moving.traffic(STEADY, self._plot, self._end)
                change = act()
                self.start("reading while the cache fills again", cancel=self._end.set)
                self.moving.traffic(SETTLING, self._plot, self._end)
                self.moving.refill()
            except FAULTS as error:
                why = refused(error)
                self.fail(why.message, why.hint)
                return None
            done = _DONE[kind].format(points=self.moving.points, **names)
            self._ran = _OPENED.format(points=points) + done + _COUNTED
            self._show()
            self.done(_said(change), seconds=time.perf_counter() - begun)
            return change

    def _look(self) -> float:
        with self._turn:
            try:
                self.moving.traffic(1, self._plot, self._end)
            except FAULTS as error:
                why = refused(error)
                self.fail(why.message, why.hint)
                self._end.set()
                self.flow.value = False
        return _PAUSE

    def _flow(self, change: Any) -> None:
        if change["new"]:
            self._end.clear()
            self.start("reading", cancel=lambda: setattr(self.flow, "value", False))
            self.watch.start()
        else:
            self.watch.stop(wait=False)
            self.done(self._summary())

    def _interrupted(self) -> None:
        self.flow.value = False
        self.halt("interrupted · Keep reading goes on")

    def _note_owners(self) -> None:
        ketama = self.moving.ring
        self._before = {key: ketama.name(key) for key in self._sample()}

    def _sample(self) -> list[str]:
        keys = self.moving.keys
        return keys[:: max(1, len(keys) // _DOTS)]

    def _show(self) -> None:
        names = [server.name for server in self.moving.topology.servers]
        chosen = self.which.value
        with self.which.hold_sync():
            self.which.options = names
            self.which.value = chosen if chosen in names else next(iter(names), None)
        self._draw()
        self.table.show(_grid(self.moving.changes, len(self.moving.keys)))
        self.table.layout.display = None if self.moving.changes else "none"
        self._plot()
        if self.strip is not None:
            opened = _OPENED.format(points=self.moving.points)
            self.strip.show(self._ran or opened + _COUNTED)

    def _plot(self) -> None:
        history = self.moving.history
        self.chart.layout.display = None if history["ring"] else "none"
        self.chart.show([Series(rule, history[rule]) for rule in RULES])

    def _draw(self) -> None:
        here = [server.name for server in self.moving.topology.servers]
        self._places = sketch.places(self._places, here)
        owners = sketch.owners(self.moving, self._places, here)
        keys = sketch.keys(self.moving.ring, self._before, self._places)
        keys += sketch.sought(self.moving.ring, str(self.find.value), self._places)
        note = f"{units.plural(len(here), 'node')}\n{self.moving.points} points each"
        self.drawing.show(owners, keys, note=note)

    def _summary(self) -> str:
        return f"{units.plural(len(self.moving.topology), 'node')}, every key in its place"


def _said(change: Change) -> str:
    ring, modulo = (f"{change.moved(rule):.1%}" for rule in RULES)
    return f"{change.what}: {ring} of the keys moved, {modulo} by modulo"


def _grid(changes: list[Change], keys: int) -> Grid:
    columns = ["change", "nodes then", "moved, ring", "moved, modulo", "reads unanswered"]
    rows = [
        [
            change.what,
            change.nodes,
            *(values.Shown(f"{change.moved(rule):.1%}", change.moved(rule)) for rule in RULES),
            sum(change.unanswered.values()),
        ]
        for change in changes
    ]
    return Grid(
        columns=columns,
        rows=rows,
        note=f"each of {keys:,} keys was read once after the change; a miss is a key that moved",
        volatile=frozenset({"reads unanswered"}),
    )

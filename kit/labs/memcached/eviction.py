"""The memory panel: what is thrown out, what stays, and how the memory is cut into slabs."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import ipywidgets
from pymemcache.exceptions import MemcacheServerError

from kit import databases
from kit.labs.memcached.filling import POPULAR, Fill, overfill
from kit.labs.memcached.refusal import FAULTS, refused
from kit.widgets import units
from kit.widgets.chart import Chart, Series
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.table import Grid, Table

if TYPE_CHECKING:
    from kit.launch.server import Server

SIZES = (100, 1_000, 10_000, 100_000)


def memory(server: Server, *, size: int = 1000) -> Memory:
    """Fill a server's memory twice over with values of `size` bytes, and see what is left.

    Start the server small, for example with `settings={"m": 8}` (MB); with `"M": ""` as well it
    refuses new values instead of throwing old ones out.
    """
    return Memory(server, size)


class Memory(Panel):
    """Fill, then look: which keys are there, and what the server says of its slabs."""

    def __init__(self, server: Server, size: int) -> None:
        self.server = server
        self.fill: Fill | None = None
        self._turn = threading.Lock()
        self._end = threading.Event()
        self.size = ipywidgets.Dropdown(
            description="Size of a value",
            options=[(units.size(n), n) for n in sorted({*SIZES, size})],
            value=size,
        )
        self.size.layout.width = "auto"
        self.go = ipywidgets.Button(
            description="Fill",
            tooltip="Write twice as much as fits, then look for every key",
            button_style="primary",
        )
        self.go.on_click(lambda _button: self.background(self.run))
        self.chart = Chart(x="values written", y="share still there", zero=True)
        self.table = Table("Slabs")
        super().__init__(
            "Memory, slabs and evictions",
            note=f"{server.product} · {server.name}",
            accent=databases.get("memcached").accent,
            controls=[self.go, self.size],
            body=[self.chart, self.table],
            strip=Code("Code that ran", language="python"),
        )
        self._lay(visible=False)
        self.empty("Nothing was written yet.", "Press `Fill`: it writes twice what fits.")

    def run(self) -> Fill | None:
        """Fill the memory with values of the chosen size; None where the server was lost."""
        with self._turn:
            self._end.clear()
            size = int(self.size.value)
            begun = time.perf_counter()
            self.start("writing", cancel=self._end.set)
            try:
                self.fill = overfill(self.server, size=size, stop=self._end, seen=self._seen)
            except FAULTS as error:
                why = refused(error)
                self.fail(why.message, why.hint)
                return None
            self._show(self.fill, time.perf_counter() - begun)
        return self.fill

    def close(self) -> None:
        """End the writing and remove the panel; the values stay."""
        self._end.set()
        super().close()

    def _seen(self, written: int) -> None:
        self.status.show("running", f"{written:,} values written")

    def _show(self, fill: Fill, seconds: float) -> None:
        self._lay(visible=True)
        lines = [Series("in order of writing", fill.kept)]
        self.chart.show(lines)
        self.table.show(_grid(fill))
        if self.strip is not None:
            self.strip.show(_SCRIPT.format(size=fill.size, written=fill.written))
        count = f"{fill.refused:,} of {units.plural(fill.written, 'value')}"
        if fill.refused and not fill.evictions:
            why = refused(MemcacheServerError(b"out of memory storing object"))
            self.fail(why.message, why.hint, text=f"{count} were refused")
        elif fill.refused:
            # What is thrown out is sorted by a thread of its own, which a busy machine holds up.
            self.done(f"{_said(fill)} · {count} refused meanwhile", seconds=seconds)
        else:
            self.done(_said(fill), seconds=seconds)

    def _lay(self, *, visible: bool) -> None:
        for part in (self.chart, self.table):
            part.layout.display = None if visible else "none"


_SCRIPT = """\
client = server.connect(default_noreply=False)
for number in range({written}):
    client.set(f"fill:{size}:{{number}}", b"x" * {size})   # the first 20 keys are read meanwhile
client.stats()          # evictions, curr_items, get_hits, get_misses
client.stats("slabs")   # chunk_size, total_pages
client.stats("items")   # number, evicted"""


def _said(fill: Fill) -> str:
    return f"{units.plural(fill.evictions, 'eviction')}, {fill.survived:.0%} of the values are left"


def _grid(fill: Fill) -> Grid:
    # A value goes into the smallest chunk that it fits in.
    home = next((one.number for one in fill.slabs if one.chunk >= fill.size), None)
    rows = [
        [
            one.number,
            one.chunk,
            one.pages,
            one.items,
            one.evicted,
            f"{fill.size / one.chunk:.0%} of each chunk" if one.number == home else "–",
        ]
        for one in fill.slabs
    ]
    return Grid(
        columns=["slab class", "chunk (bytes)", "pages (1 MB)", "items", "evicted", "value takes"],
        rows=rows,
        note=f"of the {POPULAR} values that were read meanwhile, {fill.popular:.0%} are left; "
        "evictions happen within a class",
    )

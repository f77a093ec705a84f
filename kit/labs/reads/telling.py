"""What the read-heavy lab says of what it measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kit.labs.reads import clients, table
from kit.labs.reads.clients import Connections
from kit.measure.rounds import Rounds
from kit.widgets import units
from kit.widgets.table import Grid
from kit.widgets.values import Shown, quartiles

_BUSY = 0.8
_SHARES = (50, 95, 99)
_FIGURES = ("reads per second", *(f"{share} %" for share in _SHARES), "failed", "Python busy")
_HONEST = (
    "50, 95 and 99 % of the reads took no longer than this, the client's own work included. Each "
    "load was measured several times: a figure is the median of these, and half of them lie within "
    "the brackets. All readers are threads of one Python: near 100 % busy, it can do no more."
)


@dataclass(frozen=True)
class Case:
    """What is measured: on which server, with the index or without, by which connections."""

    server: str
    indexed: bool
    connections: Connections

    @property
    def label(self) -> str:
        """Return its whole name."""
        found = "index" if self.indexed else "no index"
        return f"{self.server} · {found} · {self.connections}"

    def short(self, several: bool) -> str:
        """Return a name that fits at the end of a line; `several` names the server too."""
        parts = [self.server] if several else []
        if not self.indexed:
            parts.append("no index")
        if self.indexed or self.connections != "kept":
            parts.append(self.connections)
        return ", ".join(parts)


def ladder(label: str, loads: Sequence[Rounds]) -> Grid:
    """Lay out one case, a row for each number of readers."""
    rows = [[load.clients, *_figures(load)] for load in loads]
    return _grid(["readers", *_FIGURES], rows, label, _refusals(loads))


def tops(cases: Sequence[tuple[str, Rounds]]) -> Grid:
    """Lay out each case at its greatest number of readers."""
    rows = [[label, load.clients, *_figures(load)] for label, load in cases]
    notes = [_HONEST, *_refusals([load for _, load in cases])]
    return _grid(["case", "readers", *_FIGURES], rows, "The last of each", notes)


def _grid(
    columns: Sequence[str], rows: Sequence[Sequence[object]], caption: str, notes: Sequence[str]
) -> Grid:
    hidden, note = frozenset(_FIGURES), " · ".join(notes)
    return Grid(columns=columns, rows=rows, caption=caption, note=note, volatile=hidden)


def _figures(load: Rounds) -> list[object]:
    return [
        quartiles(load.throughput, lambda value: f"{value:,.0f}"),
        *(quartiles(load.percentile(share), units.duration) for share in _SHARES),
        load.failed,
        Shown(f"{load.busy.median:.0%}", load.busy.median),
    ]


def _refusals(loads: Sequence[Rounds]) -> list[str]:
    several = [load for rounds in loads for load in rounds.loads]
    refused = {message for load in several for message in load.messages.values()}
    return [f"Refused: {message}" for message in sorted(refused)]


def verdict(loads: Sequence[Rounds]) -> str:
    """Say with how many readers the most was read, and whether the client was the limit."""
    best = max(loads, key=lambda load: load.throughput.median)
    limit = " · there Python was the limit" if best.busy.median >= _BUSY else ""
    return f"most with {units.plural(best.clients, 'reader')}{limit}"


def script(case: Case) -> str:
    """Return the SQL and the Python of a case, ready to be copied."""
    index = f"{table.INDEX} ON {table.TABLE} (customer, id)"
    made = f"# with CREATE INDEX {index}" if case.indexed else f"# without the index {table.INDEX}"
    return f'QUERY = """{table.QUERY}"""  {made}\n\n{clients.script(case.connections)}'

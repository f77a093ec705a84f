"""What a notebook adds to a server: progress while it starts, and a card once it runs."""

from __future__ import annotations

import contextvars
import sys
import threading
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.launch.server import Server
    from kit.launch.topology import Topology
    from kit.widgets.card import Card
    from kit.widgets.progress import ProgressLine

PATIENCE = 0.4
"""Seconds that a start may take before it says what it is doing."""

_cards: dict[Server, Card] = {}


def start(database: str, **options: Any) -> Server:
    """Start `database`, or attach to the running server of that name.

    Options are those of `kit.launch.start.start`: name, backend, version, durable, keep, timeout
    (seconds), port, url, settings, own. Raise UsageError, MissingError or StartError.
    """
    from kit.launch.start import start as launch

    with _progress(f"Starting {database}") as progress:
        return launch(database, **{"progress": progress, **options})


def topology(database: str, kind: str, **options: Any) -> Topology:
    """Start several servers that work together, or attach to those that do already.

    `kind` is one of the database's shapes: "ring" for servers that know nothing of each other, and
    where the database has them "replica", "sentinel" or "cluster". `nodes` is how many; further
    options are those of `start`, but for port and url. Raise UsageError, MissingError or
    StartError.
    """
    from kit.launch.topology import topology as launch

    with _progress(f"Starting a {database} {kind}") as progress:
        return launch(database, kind, **{"progress": progress, **options})


def register(shell: Any) -> None:
    """Have the shell show a card for a server; a shell without a page keeps the plain repr."""
    if _is_kernel(shell):
        formatter = shell.display_formatter.mimebundle_formatter
        formatter.for_type_by_name("kit.launch.server", "Server", _bundle)
        formatter.for_type_by_name("kit.launch.topology", "Topology", _bundle_of_several)


def card(server: Server) -> Card:
    """Return the card of a server, the same one each time."""
    from kit import databases
    from kit.widgets.card import Card

    if server not in _cards:
        _cards[server] = Card(server, accent=databases.get(server.database).accent)
    return _cards[server]


def _bundle(server: Server, **_options: Any) -> Any:
    shown = card(server)
    shown.refresh()
    return shown._repr_mimebundle_()


def _bundle_of_several(topology: Topology, **_options: Any) -> Any:
    from kit import databases
    from kit.widgets.nodes import Nodes

    accent = databases.get(topology.database).accent
    return Nodes(topology, accent=accent)._repr_mimebundle_()


def _progress(title: str) -> Progress:
    shell = _kernel()
    if shell is not None:
        register(shell)
    return Progress(title, _screen(shell))


class Progress:
    """Say what is being done once it takes longer than PATIENCE, and leave nothing behind."""

    def __init__(self, title: str, screen: Callable[[str], None]) -> None:
        self._title = title
        self._screen = screen
        self._step = ""
        self._shown = self._over = False
        self._lock = threading.Lock()
        # A thread has no cell of its own: without this cell's context its output would get lost.
        context = contextvars.copy_context()
        self._timer = threading.Timer(PATIENCE, context.run, (self._begin,))
        self._timer.daemon = True

    def __call__(self, step: str) -> None:
        """Take note of the next step."""
        with self._lock:
            self._step = step
            if self._shown:
                self._show()

    def __enter__(self) -> Progress:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._over = True
            if self._shown:
                self._screen("")

    def _begin(self) -> None:
        with self._lock:
            if not self._over:
                self._shown = True
                self._show()

    def _show(self) -> None:
        self._screen(f"{self._title}: {self._step}" if self._step else f"{self._title} …")


def _screen(shell: Any) -> Callable[[str], None]:
    if shell is not None:
        return _cell_line()
    if sys.stderr.isatty():
        return lambda text: print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    return lambda text: None


def _cell_line() -> Callable[[str], None]:
    """Return what writes one line into the cell that runs now, and removes it for an empty text.

    It is not an output: that could only be emptied, not removed, and would be saved.
    """

    def write(text: str) -> None:
        _line().text = text

    return write


@cache
def _line() -> ProgressLine:
    """Make the line once: a page that must forget a widget before it has loaded it complains."""
    from kit.widgets.progress import ProgressLine

    return ProgressLine()


def _kernel() -> Any:
    """Return the shell of the Jupyter kernel that runs this code, None outside of one."""
    if "IPython" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return shell if _is_kernel(shell) else None


def _is_kernel(shell: Any) -> bool:
    return getattr(shell, "kernel", None) is not None

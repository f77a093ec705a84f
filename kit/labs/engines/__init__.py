"""One MLflow, two engines: the explorer on each of them, and what logging costs there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.errors import UsageError
from kit.labs import source as sources
from kit.labs.engines.measures import MEASURES, Measure, Measured, measure
from kit.labs.engines.panel import Comparison
from kit.labs.engines.switch import Switched

if TYPE_CHECKING:
    from sqlalchemy import URL

    from kit.labs.source import Source
    from kit.launch.server import Server

__all__ = [
    "MEASURES",
    "Comparison",
    "Measure",
    "Measured",
    "Switched",
    "compare",
    "explorer",
    "measure",
]


def explorer(
    *servers: Server | str | URL,
    experiment: str | None = None,
    metric: str | None = None,
    watch: bool = True,
) -> Switched:
    """Open the MLflow explorer on several servers; one control switches between them."""
    shown = Switched(_read(servers), experiment=experiment, metric=metric)
    shown.refresh()
    if watch:
        shown.watch.start()
    return shown


def compare(*servers: Server | str | URL, times: int = 7, run: bool = True) -> Comparison:
    """Measure how MLflow logs to each server, `times` times each, and show it side by side.

    With `run` it is measured at once, else when asked for.
    """
    shown = Comparison(_read(servers), times=times)
    if run:
        shown.run()
    return shown


def _read(servers: tuple[Server | str | URL, ...]) -> list[Source]:
    if not servers:
        raise UsageError("Give at least one server, as in engines.compare(my, pg).")
    found = [sources.read(one) for one in servers]
    if len({one.title for one in found}) < len(found):
        raise UsageError("Two of these servers have the same name: give each one of its own.")
    return found

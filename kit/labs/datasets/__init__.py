"""The data set lab: training data as a table, with its metadata, and how fast it gets there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.labs import source as sources
from kit.labs.datasets.catalog import Stored, fetch, store, stored
from kit.labs.datasets.panel import Loading
from kit.labs.datasets.trainingset import NAMES, Column, TrainingSet, of, read
from kit.labs.datasets.ways import WAYS, Way, measure

if TYPE_CHECKING:
    from sqlalchemy import URL

    from kit.launch.server import Server

__all__ = [
    "NAMES",
    "WAYS",
    "Column",
    "Loading",
    "Stored",
    "TrainingSet",
    "Way",
    "fetch",
    "loading",
    "measure",
    "of",
    "read",
    "store",
    "stored",
]


def loading(
    *servers: Server | str | URL, dataset: str = "digits", rows: int = 500, times: int = 5
) -> Loading:
    """Open the data set lab on one or more servers, or SQLAlchemy URLs.

    `dataset` is one of `NAMES`; `rows` of it are loaded in each way, `times` times. Raise
    UnknownName or UsageError.
    """
    return Loading([sources.read(one) for one in servers], read(dataset), rows=rows, times=times)

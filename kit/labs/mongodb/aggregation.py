"""An aggregation, stage by stage: what goes in, what comes out, how long it took, by what index."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

from pymongo.errors import ConnectionFailure, DocumentTooLarge, PyMongoError

from kit.errors import UsageError
from kit.labs.mongodb import access, spelling
from kit.labs.mongodb.refusal import refused
from kit.labs.mongodb.source import Document, Source
from kit.labs.mongodb.stages import NAMES, WRITING
from kit.widgets import units

if TYPE_CHECKING:
    from pymongo.collection import Collection

State = Literal["done", "failed", "off", "later", "held"]
SAMPLE = 3
PATIENCE = 20_000
"""Milliseconds that the server may spend on one stage."""
LARGEST = 16 * 1024 * 1024
"""Bytes that a document may have (MongoDB's manual, "MongoDB Limits and Thresholds")."""

_ids = count(1)
# Whole documents are weighed, so that the server can leave nothing out of its work.
_COUNT = {
    "$group": {
        "_id": None,
        "documents": {"$sum": 1},
        "bytes": {"$sum": {"$bsonSize": "$$ROOT"}},
        "largest": {"$max": {"$bsonSize": "$$ROOT"}},
    }
}


@dataclass(frozen=True)
class Stage:
    """One stage as it is typed: its name, its value as text, whether it takes part."""

    kind: str
    text: str
    on: bool = True
    id: str = ""

    @property
    def value(self) -> Document:
        """Return the stage as the server takes it; raise Unreadable."""
        return {self.kind.strip(): spelling.parse(self.text)}


@dataclass(frozen=True, kw_only=True)
class Report:
    """What became of a stage; `seconds` is how long all stages up to it took on the server.

    `access` says how documents are found, where this stage decides it. The `sample` is the first
    few documents that came out.
    """

    state: State
    entered: int | None = None
    left: int | None = None
    size: int = 0
    seconds: float | None = None
    access: str = ""
    sample: Sequence[Document] = ()
    message: str = ""
    hint: str = ""


def stages(pipeline: Sequence[Mapping[str, Any]]) -> list[Stage]:
    """Return a pipeline as stages that can be edited; raise UsageError if it is none."""
    made = []
    for number, stage in enumerate(pipeline, 1):
        if not isinstance(stage, Mapping) or len(stage) != 1:
            raise UsageError(
                f"Stage {number} of the pipeline is no stage: each is a dictionary with one name, "
                'such as {"$match": {"status": "finished"}}.'
            )
        ((kind, value),) = stage.items()
        made.append(Stage(kind, spelling.to_json(value), id=fresh()))
    return made


def fresh() -> str:
    """Return an id that no other stage of this kernel has."""
    return f"stage-{next(_ids)}"


def examine(
    source: Source,
    collection: str,
    given: Sequence[Stage],
    *,
    sample: int = SAMPLE,
    write: bool = False,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[str, Report]]:
    """Run a pipeline up to each of its stages in turn, and tell what became of it.

    The first stage that fails is the last that runs. `$out` and `$merge` run only with `write`.
    Raise the driver's ConnectionFailure, or ServerGone, where nothing answers.
    """
    with source.open() as catalog:
        walk = _Walk(catalog[collection], source, sample, write)
        for stage in given:
            if not stage.on:
                yield stage.id, Report(state="off", entered=walk.passing)
            elif walk.over or stopped():
                yield stage.id, Report(state="later")
            else:
                yield stage.id, walk.step(stage)


class _Walk:
    """The stages that ran so far, and how many documents passed the last of them."""

    def __init__(
        self, collection: Collection[Document], source: Source, sample: int, write: bool
    ) -> None:
        self.collection = collection
        self.source = source
        self.sample = sample
        self.write = write
        self.prefix: list[Document] = []
        self.passing: int | None = None
        self.over = False
        self._access = ""

    def step(self, stage: Stage) -> Report:
        if self.passing is None:
            self.passing = self._count([])[0]
        try:
            added = stage.value
        except spelling.Unreadable as error:
            return self._fail(str(error), error.hint)
        writes = stage.kind.strip() in WRITING
        if writes and not self.write:
            self.over = True
            return Report(
                state="held",
                entered=self.passing,
                message="Held back, because it writes into a collection.",
                hint="Tick `Let stages write` and run again.",
            )
        try:
            return self._write(added) if writes else self._measure(added)
        except ConnectionFailure:
            raise
        except (PyMongoError, DocumentTooLarge, OverflowError) as error:
            why = refused(error, self.source, known=NAMES)
            return self._fail(why.message, why.hint)

    def _measure(self, added: Document) -> Report:
        entered, self.prefix = self.passing, [*self.prefix, added]
        begun = time.perf_counter()
        self.passing, size = self._count(self.prefix)
        seconds = time.perf_counter() - begun
        sample = self._sample([*self.prefix, {"$limit": self.sample}]) if self.sample else []
        return Report(
            state="done",
            entered=entered,
            left=self.passing,
            size=size,
            seconds=seconds,
            access=self._new_access(),
            sample=sample,
        )

    def _write(self, added: Document) -> Report:
        begun = time.perf_counter()
        self._sample([*self.prefix, added])
        return Report(
            state="done",
            entered=self.passing,
            left=0,
            seconds=time.perf_counter() - begun,
            message=f"Written into {_target(added)}.",
        )

    def _count(self, pipeline: Sequence[Document]) -> tuple[int, int]:
        found = list(self.collection.aggregate([*pipeline, _COUNT], maxTimeMS=PATIENCE))
        if found and found[0]["largest"] > LARGEST:
            # SecantusDB would let it pass; MongoDB refuses in its own words.
            raise DocumentTooLarge(
                f"A document of {units.size(found[0]['largest'])} comes out: it is too large."
            )
        return (found[0]["documents"], found[0]["bytes"]) if found else (0, 0)

    def _sample(self, pipeline: Sequence[Document]) -> list[Document]:
        return list(self.collection.aggregate(list(pipeline), maxTimeMS=PATIENCE))

    def _new_access(self) -> str:
        """Return how documents are found, if it is another way than before this stage."""
        found = access.of_pipeline(self.collection, self.prefix)
        new = found if found != self._access else ""
        self._access = found
        return new

    def _fail(self, message: str, hint: str) -> Report:
        self.over = True
        return Report(state="failed", entered=self.passing, message=message, hint=hint)


def pipeline(given: Sequence[Stage]) -> list[Document]:
    """Return the stages that take part as the server takes them, up to the first unreadable."""
    wanted = []
    for stage in given:
        try:
            if stage.on:
                wanted.append(stage.value)
        except spelling.Unreadable:
            break
    return wanted


def python(collection: str, given: Sequence[Stage], *, catalog: str) -> str:
    """Write the pipeline as a program; `MONGODB_URL` is to hold the address."""
    wanted = pipeline(given)
    head = ["import os", *spelling.imports(wanted), "from pymongo import MongoClient"]
    order = sorted(line for line in head if line.startswith("import "))
    others = sorted(line for line in head if line.startswith("from "))
    return (
        "\n".join([*order, "", *others, ""])
        + f'\nclient = MongoClient(os.environ["MONGODB_URL"])\n'
        f"pipeline = {spelling.to_python(wanted)}\n"
        f'for document in client["{catalog}"]["{collection}"].aggregate(pipeline):\n'
        "    print(document)"
    )


def _target(stage: Document) -> str:
    ((_, value),) = stage.items()
    into = value.get("into", value.get("coll", value)) if isinstance(value, dict) else value
    return str(into.get("coll", into) if isinstance(into, dict) else into)

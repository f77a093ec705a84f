"""The same training metrics in InfluxDB and in PostgreSQL: written, weighed and asked for."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kit.errors import KitError, UsageError
from kit.labs.influxdb.holding import holding, settle
from kit.labs.influxdb.influxql import identifier
from kit.labs.influxdb.session import Session
from kit.measure.spread import Spread, repeat

RUNS = 10
BATCH = 5000
POLICY = "autogen"

_DATABASE = "kit_storage"
_TABLE = "kit_training_metrics"

Row = tuple[str, str, int, float, float]
"""Run, model, time in seconds, loss, accuracy."""


@dataclass(frozen=True)
class Weighed:
    """What one database made of the points: bytes on disk, and seconds with their spread."""

    name: str
    points: int
    bytes: int
    write: Spread
    query: Spread

    @property
    def bytes_per_point(self) -> float:
        """Return the bytes on disk for each point, indexes included."""
        return self.bytes / self.points


def rows(count: int, *, seed: int = 0) -> list[Row]:
    """Return curves of ten simulated runs, a point a second, the same for the same seed."""
    import numpy as np

    random = np.random.default_rng(seed)
    length = count // RUNS
    begin = int(time.time()) // 3600 * 3600 - length
    found: list[Row] = []
    for run in range(RUNS):
        steps = np.arange(length)
        loss = np.round(2.3 * np.exp(-steps / (length / 4)) + random.normal(0, 0.02, length), 4)
        accuracy = np.round(0.97 - loss / 3, 4)
        for step, a, b in zip(steps.tolist(), loss.tolist(), accuracy.tolist(), strict=True):
            found.append((f"run-{run}", "sgd", begin + step, a, b))
    return found


class Store(ABC):
    """One database that can keep the points."""

    name: str
    written: str
    asked: str

    @abstractmethod
    def empty(self) -> None:
        """Begin anew, without points."""

    @abstractmethod
    def write(self, rows: Sequence[Row]) -> None:
        """Write all points, in the database's own fastest way."""

    @abstractmethod
    def weigh(self) -> int:
        """Return the bytes on disk, once everything is where it stays."""

    @abstractmethod
    def ask(self, run: str, since: int) -> list[float]:
        """Return the mean loss of each minute of one run."""

    @abstractmethod
    def leave(self) -> None:
        """Remove the points, and close the connection."""


class InfluxStore(Store):
    """Keep the points as series, run and model as tags."""

    name = "InfluxDB"
    written = "training_metrics,run_id=run-0,model=sgd loss=2.2876,accuracy=0.2075 …"
    asked = (
        "SELECT mean(loss) FROM training_metrics WHERE run_id = 'run-0' AND time >= … "
        "GROUP BY time(1m) fill(none)"
    )

    def __init__(self, session: Session) -> None:
        self.session = session
        self._database = session.beside(_DATABASE)

    def empty(self) -> None:
        """Make an empty database."""
        database = identifier(self._database)
        self.session.ask(f"DROP DATABASE {database}; CREATE DATABASE {database}")

    def write(self, rows: Sequence[Row]) -> None:
        """Write line protocol in large batches."""
        for at in range(0, len(rows), BATCH):
            lines = [
                f"training_metrics,run_id={run},model={model} "
                f"loss={loss!r},accuracy={accuracy!r} {t}"
                for run, model, t, loss, accuracy in rows[at : at + BATCH]
            ]
            self.session.write(lines, precision="s", database=self._database)

    def weigh(self) -> int:
        """Wait for the final files, and return their size."""
        settle(self.session, database=self._database)
        held = holding(self.session, POLICY, "training_metrics", "loss", database=self._database)
        return held.bytes

    def ask(self, run: str, since: int) -> list[float]:
        """Ask by tag and time."""
        text = self.asked.replace("run-0", run).replace("…", f"{since}s")
        (found,) = self.session.one(text, database=self._database)
        return [float(value) for value in found.column("mean")]

    def leave(self) -> None:
        """Drop the database."""
        self.session.ask(f"DROP DATABASE {identifier(self._database)}")


class PostgresStore(Store):
    """Keep the points as rows of one table, its primary key run, model and time."""

    name = "PostgreSQL"
    written = f"COPY {_TABLE} FROM STDIN"
    asked = (
        "SELECT date_bin('1 minute', time, 'epoch') AS minute, avg(loss) "  # noqa: S608
        f"FROM {_TABLE} WHERE run_id = 'run-0' AND time >= to_timestamp(…) "
        "GROUP BY minute ORDER BY minute"
    )
    table = (
        f"CREATE TABLE {_TABLE} (run_id text, model text, time timestamptz, "
        "loss double precision, accuracy double precision, PRIMARY KEY (run_id, model, time))"
    )

    def __init__(self, server: Any) -> None:
        if getattr(server, "database", "") != "postgresql":
            raise UsageError(
                "The comparison wants a PostgreSQL server beside InfluxDB: "
                'kit.start("postgresql", durable=True).'
            )
        self.server = server
        self._open: Any = None

    def empty(self) -> None:
        """Make an empty table."""
        self._do(f"DROP TABLE IF EXISTS {_TABLE}")
        self._do(self.table)

    def write(self, rows: Sequence[Row]) -> None:
        """Copy the rows in, and commit."""
        from psycopg import Error

        try:
            with self._cursor() as cursor, cursor.copy(self.written) as copy:
                for run, model, at, loss, accuracy in rows:
                    copy.write_row((run, model, _utc(at), loss, accuracy))
        except Error as error:
            raise KitError(f"PostgreSQL says: {error}") from None

    def weigh(self) -> int:
        """Tidy the table up, and return its size with that of its index."""
        self._do(f"VACUUM ANALYZE {_TABLE}")
        return int(self._do(f"SELECT pg_total_relation_size('{_TABLE}')")[0][0])

    def ask(self, run: str, since: int) -> list[float]:
        """Ask by run and time."""
        text = self.asked.replace("run-0", run).replace("…", str(since))
        return [float(mean) for _, mean in self._do(text)]

    @property
    def durable(self) -> bool:
        """Tell whether a commit waits for the disk."""
        return str(self._do("SHOW fsync")[0][0]) == "on"

    def leave(self) -> None:
        """Drop the table, and close the connection."""
        self._do(f"DROP TABLE IF EXISTS {_TABLE}")
        self._open.close()
        self._open = None

    def _cursor(self) -> Any:
        if self._open is None or self._open.closed:
            self._open = self.server.connect(autocommit=True)
        return self._open.cursor()

    def _do(self, text: str) -> list[Any]:
        from psycopg import Error

        try:
            with self._cursor() as cursor:
                cursor.execute(text)
                return list(cursor.fetchall()) if cursor.description else []
        except Error as error:
            raise KitError(f"PostgreSQL says: {error}") from None


def weigh(
    store: Store,
    points: Sequence[Row],
    *,
    times: int = 5,
    stopped: Callable[[], bool] = lambda: False,
) -> Weighed | None:
    """Write the points several times, weigh them, and ask for one run's last half several times.

    Return None where `stopped` came true in between.
    """
    since = points[len(points) // RUNS // 2][2]
    write = repeat(lambda: store.write(points), times=times, warm=1, before=store.empty)
    if stopped():
        return None
    size = store.weigh()
    query = repeat(lambda: store.ask("run-0", since), times=times * 2)
    return Weighed(store.name, len(points), size, write, query)


def agree(one: Sequence[float], other: Sequence[float]) -> bool:
    """Tell whether two databases gave the same means."""
    return len(one) == len(other) and all(
        abs(here - there) < 1e-9 for here, there in zip(one, other, strict=True)
    )


def _utc(seconds: int) -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC)

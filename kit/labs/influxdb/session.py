"""Asking InfluxDB, and reading what it says when it refuses."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kit import databases
from kit.databases.rooms import influxdb as rooms
from kit.errors import KitError, UsageError
from kit.labs.remedy import remedy

if TYPE_CHECKING:
    from kit.launch.server import Server

PRECISIONS = {"ns": "n", "µs": "u", "ms": "ms", "s": "s"}
"""How InfluxDB's interface writes each unit of time."""

_HINTS = {
    "error parsing query": "The server names the place, by line and character, and what it "
    "expected there. Names stand in double quotes, text in single ones.",
    "database not found": "`SHOW DATABASES` lists the databases there are.",
    "retention policy not found": "`SHOW RETENTION POLICIES` lists those of this database.",
    "field type conflict": "A field keeps the type of its first value: write 1 as 1.0, or give the "
    "other type a name of its own.",
    "beyond retention policy": "The point is older than the policy keeps points: write it under a "
    "policy that reaches further back.",
    "invalid number": "There is no NaN and no infinity in InfluxDB: leave the field out, or "
    "write a field of its own that says what happened.",
    "unable to parse": "A line is: measurement,tag=value field=value time. Text in fields stands "
    "in double quotes.",
    "authorization failed": "This user may not do that, or the password is another one.",
    "query interrupted": "It was cancelled before its end; the server goes on.",
    "timeout": "Ask for less: a shorter time range, or fewer series.",
    "unsupported mean iterator type": "Only numbers have a mean; count() and last() take text too.",
}


class Refused(KitError):
    """The server refused a query or a write, in its own words, or nothing answers."""

    def __init__(self, message: str, hint: str = "", *, lost: bool = False) -> None:
        self.message, self.hint, self.lost = message, hint, lost
        super().__init__(f"{message}\n{hint}" if hint else message)


@dataclass(frozen=True)
class Series:
    """One series of an answer: its tags, and rows under its columns; times are in nanoseconds."""

    name: str
    tags: Mapping[str, str]
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def column(self, name: str) -> list[Any]:
        """Return all values of one column."""
        place = list(self.columns).index(name)
        return [row[place] for row in self.rows]

    def points(self, name: str) -> list[tuple[float, float]]:
        """Return a column as seconds and values; what is not there, or no number, is NaN."""
        times, found = self.column("time"), self.column(name)
        return [
            (at / 1e9, float(value) if _is_number(value) else math.nan)
            for at, value in zip(times, found, strict=True)
        ]


@dataclass(frozen=True)
class Answer:
    """What one statement brought; `seconds` is that of the whole request."""

    series: Sequence[Series] = ()
    seconds: float = 0.0
    messages: Sequence[str] = field(default=())

    @property
    def count(self) -> int:
        """Return how many rows all series have together."""
        return sum(len(one.rows) for one in self.series)


class Session:
    """A client of the driver's own, opened when it is needed and anew where a server came back."""

    def __init__(self, server: Server, database: str = "") -> None:
        if getattr(server, "database", "") != "influxdb":
            raise UsageError(
                "This lab wants an InfluxDB 1.x server: "
                'ix = kit.start("influxdb"), then give it ix.'
            )
        self.server = server
        self.database = database or server.endpoint.catalog
        self._client: Any = None
        self._turn = threading.Lock()

    @property
    def title(self) -> str:
        """Return what answers, and its name."""
        return f"{self.server.product} · {self.server.name}"

    @property
    def accent(self) -> str:
        """Return the database's colour."""
        return databases.get("influxdb").accent

    def beside(self, name: str) -> str:
        """Return the name of a further database; on a server of others' it is the learner's own."""
        return rooms.beside(self.server.catalog, name) if self.server.shared else name

    def ask(self, text: str, *, database: str = "") -> list[Answer]:
        """Run one or more statements; raise Refused in the server's words."""
        from influxdb.resultset import ResultSet

        begun = time.perf_counter()
        found = self._do(
            lambda client: client.query(
                text,
                epoch="ns",
                method="POST",
                database=database or self.database,
                raise_errors=False,
            )
        )
        seconds = time.perf_counter() - begun
        return [
            _answer(one, seconds) for one in ([found] if isinstance(found, ResultSet) else found)
        ]

    def one(self, text: str, *, database: str = "") -> list[Series]:
        """Run one statement and return its series."""
        return list(self.ask(text, database=database)[0].series)

    def value(self, text: str, column: str, *, database: str = "", default: Any = 0) -> Any:
        """Run one statement and return the first value of a column, `default` without one."""
        series = self.one(text, database=database)
        return series[0].column(column)[0] if series and series[0].rows else default

    def write(
        self, lines: Sequence[str], *, precision: str = "ns", policy: str = "", database: str = ""
    ) -> None:
        """Write points in line protocol in one request; raise Refused in the server's words."""
        where = {"db": database or self.database, "precision": PRECISIONS[precision]}
        if policy:
            where["rp"] = policy
        self._do(lambda client: client.write(list(lines), params=where, protocol="line"))

    def cancel(self, text: str) -> None:
        """Have the server end the query that reads like `text`."""
        other = Session(self.server, self.database)
        try:
            running = other.one("SHOW QUERIES")[0]
            for number, query in zip(running.column("qid"), running.column("query"), strict=True):
                if _letters(query) == _letters(text):
                    other.ask(f"KILL QUERY {int(number)}")
        finally:
            other.close()

    def close(self) -> None:
        """Close the client; the next request opens another."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _do(self, work: Any) -> Any:
        """Ask once, and once more by a fresh connection: the server may have come back."""
        from requests.exceptions import ConnectionError as Lost

        with self._turn:
            try:
                return self._try(work)
            except Lost:
                self.close()
            try:
                return self._try(work)
            except Lost as error:
                self.close()
                raise Refused(_cause(error), remedy(self.server), lost=True) from None

    def _try(self, work: Any) -> Any:
        from influxdb.exceptions import InfluxDBClientError, InfluxDBServerError
        from requests.exceptions import Timeout

        try:
            if self._client is None:
                self._client = self.server.connect()
            return work(self._client)
        except (InfluxDBClientError, InfluxDBServerError) as error:
            raise refused(_words(error)) from None
        except Timeout:
            seconds = getattr(self._client, "_timeout", 10)
            raise refused(f"timeout: no answer within {seconds} seconds") from None


def told(error: KitError) -> tuple[str, str]:
    """Return what a panel says of an error: the message, and what to do."""
    return getattr(error, "message", str(error)), getattr(error, "hint", "")


def refused(message: str) -> Refused:
    """Add to a server's words what to do about them."""
    known = (hint for part, hint in _HINTS.items() if part in message)
    return Refused(message, next(known, ""))


def _letters(text: str) -> str:
    """Return what two spellings of one query have in common."""
    return "".join(filter(str.isalnum, text.lower()))


def _words(error: Exception) -> str:
    """Take the server's sentence out of the JSON that it came in."""
    content = str(getattr(error, "content", None) or error).strip()
    try:
        return str(json.loads(content)["error"])
    except (ValueError, KeyError, TypeError):
        return content


def _cause(error: BaseException) -> str:
    """Return the innermost reason of a failed connection, without addresses."""
    text = str(error)
    for known in ("Connection refused", "Connection reset", "Remote end closed connection"):
        if known in text:
            return known
    return "The connection failed"


def _answer(found: Any, seconds: float) -> Answer:
    if found.error:
        raise refused(str(found.error))
    series = [
        Series(one.get("name", ""), one.get("tags", {}), one["columns"], one.get("values", []))
        for one in found.raw.get("series", [])
    ]
    messages = tuple(str(one.get("text", "")) for one in found.raw.get("messages", []))
    return Answer(series, seconds, messages)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

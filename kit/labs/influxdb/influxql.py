"""InfluxQL as a builder writes it, and read back as far as the builder can show it.

The grammar is that of InfluxDB 1.8's documentation, "InfluxQL reference".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

AGGREGATES = ("mean", "median", "min", "max", "count", "sum", "first", "last", "stddev", "spread")
KEYWORDS = (
    *("SELECT", "FROM", "WHERE", "GROUP BY", "ORDER BY time DESC", "LIMIT", "INTO", "AND", "OR"),
    *("fill", "now", "time", "SHOW MEASUREMENTS", "SHOW FIELD KEYS", "SHOW TAG KEYS"),
    *("SHOW TAG VALUES", "SHOW SERIES", "SHOW RETENTION POLICIES", "SHOW CONTINUOUS QUERIES"),
)
FILLS = ("null", "none", "previous", "linear", "0")

_SECONDS = {"ns": 1e-9, "u": 1e-6, "µ": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_SECONDS |= {"d": 86_400.0, "w": 604_800.0}
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<name>"(?:[^"\\]|\\.)*") | (?P<text>'(?:[^'\\]|\\.)*')
    | (?P<duration>\d+(?:ns|u|µ|ms|s|m|h|d|w)\b) | (?P<number>-?\d+(?:\.\d+)?)
    | (?P<word>[A-Za-z_][A-Za-z_0-9]*) | (?P<sign>>=|<=|<>|!=|=~|!~|[-+*/(),.;=<>:])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Query:
    """One SELECT as a builder knows it.

    Without an `aggregate` the points come as they are. `every` is a window such as "1m", `since` a
    distance back from now such as "1h", `where` holds one value per tag.
    """

    measurement: str
    fields: Sequence[str] = ()
    aggregate: str = ""
    policy: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    since: str = ""
    every: str = ""
    by: Sequence[str] = ()
    fill: str = ""

    def text(self) -> str:
        """Write the query, one clause on a line."""
        source = ".".join(identifier(part) for part in (self.policy, self.measurement) if part)
        conditions = [f"{identifier(tag)} = {literal(value)}" for tag, value in self.where.items()]
        if self.since:
            conditions.append(f"time >= now() - {self.since}")
        groups = [f"time({self.every})"] if self.every else []
        groups += [identifier(tag) for tag in self.by]
        clauses = [
            f"SELECT {', '.join(self._columns()) or '*'}",
            f"FROM {source}",
            f"WHERE {' AND '.join(conditions)}" if conditions else "",
            f"GROUP BY {', '.join(groups)}" if groups else "",
        ]
        if self.fill and self.every:
            clauses[-1] += f" fill({self.fill})"
        return "\n".join(filter(None, clauses))

    def _columns(self) -> list[str]:
        named = [identifier(name) for name in self.fields]
        if not self.aggregate:
            return named
        # Without a name of their own, two means would both be called "mean".
        return [
            f"{self.aggregate}({quoted}) AS {quoted}"
            if len(named) > 1
            else f"{self.aggregate}({quoted})"
            for quoted in named
        ]


def identifier(name: str) -> str:
    """Quote a name, whatever it holds."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def literal(text: str) -> str:
    """Quote a text, whatever it holds."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def seconds(duration: str) -> float:
    """Read a duration such as 10m or 1h30m0s; infinite where it is none."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ns|u|µ|ms|s|m|h|d|w)", duration)
    if not parts or "".join(map("".join, parts)) != duration:
        return math.inf
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def read(text: str) -> Query | None:
    """Return what a builder can show of `text`, None where there is more in it than that."""
    try:
        return _Reader(text).query()
    except _Beyond:
        return None


class _Beyond(Exception):
    """The text says something that the builder has no control for."""


class _Reader:
    """Read one SELECT, token by token."""

    def __init__(self, text: str) -> None:
        self.tokens = list(_tokens(text.strip().removesuffix(";")))
        self.at = 0

    def query(self) -> Query:
        self.word("select")
        fields, aggregate = self.columns()
        self.word("from")
        names = [self.name()]
        while self.maybe("."):
            names.append(self.name())
        if len(names) > 2:
            raise _Beyond
        where, since = self.where() if self.maybe("where") else ({}, "")
        every, by = self.groups() if self.maybe("group") else ("", [])
        fill = self.call("fill") if every and self.peek("fill") else ""
        if self.at < len(self.tokens) or fill not in ("", *FILLS):
            raise _Beyond
        policy = names[0] if len(names) == 2 else ""
        return Query(names[-1], fields, aggregate, policy, where, since, every, by, fill)

    def columns(self) -> tuple[list[str], str]:
        if self.maybe("*"):
            return [], ""
        found = [self.column()]
        while self.maybe(","):
            found.append(self.column())
        if len({aggregate for _, aggregate in found}) > 1:
            raise _Beyond
        return [name for name, _ in found], found[0][1]

    def column(self) -> tuple[str, str]:
        name, aggregate = self.name(), ""
        if self.maybe("("):
            aggregate, name = name.lower(), self.name()
            self.word(")")
            if aggregate not in AGGREGATES:
                raise _Beyond
        if self.maybe("as") and self.name() != name:
            raise _Beyond
        return name, aggregate

    def where(self) -> tuple[dict[str, str], str]:
        found: dict[str, str] = {}
        since = ""
        while True:
            name = self.name()
            if name == "time":
                since = self.since()
            else:
                self.word("=")
                found[name] = self.take("text")
            if not self.maybe("and"):
                return found, since

    def since(self) -> str:
        if not (self.maybe(">=") or self.maybe(">")):
            raise _Beyond
        for word in ("now", "(", ")", "-"):
            self.word(word)
        return self.take("duration")

    def groups(self) -> tuple[str, list[str]]:
        self.word("by")
        every, by = "", []
        while True:
            if self.peek("time"):
                every = self.call("time")
            else:
                by.append(self.name())
            if not self.maybe(","):
                return every, by

    def call(self, name: str) -> str:
        """Read a call with a single word, number or duration in it."""
        self.word(name)
        self.word("(")
        kind, text = self.token()
        if kind not in ("word", "number", "duration"):
            raise _Beyond
        self.at += 1
        self.word(")")
        return text.lower() if kind == "word" else text

    def name(self) -> str:
        kind, text = self.token()
        if kind not in ("name", "word"):
            raise _Beyond
        self.at += 1
        return text

    def take(self, wanted: str) -> str:
        kind, text = self.token()
        if kind != wanted:
            raise _Beyond
        self.at += 1
        return text

    def word(self, wanted: str) -> None:
        if not self.maybe(wanted):
            raise _Beyond

    def maybe(self, wanted: str) -> bool:
        found = self.peek(wanted)
        self.at += found
        return found

    def peek(self, wanted: str) -> bool:
        kind, text = self.token()
        return kind in ("word", "sign") and text.lower() == wanted

    def token(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("", "")


def _tokens(text: str) -> Sequence[tuple[str, str]]:
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _Beyond
        kind, at = match.lastgroup, match.end()
        value = match[kind]
        if kind in ("name", "text"):
            value = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], value[1:-1])
        found.append((kind, value))
    return found

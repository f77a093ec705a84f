"""Line protocol, read character by character, so that a mistake is known by its place.

The grammar is that of InfluxDB 1.8's documentation, "InfluxDB line protocol reference"; the words
for a mistake are the server's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from kit.errors import UsageError

Value = float | int | bool | str

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INTEGER = re.compile(r"-?\d+")
_TRUE = ("t", "T", "true", "True", "TRUE")
_FALSE = ("f", "F", "false", "False", "FALSE")
_LARGEST = 2**63 - 1


class Mistake(UsageError):
    """Say what is wrong with a text, and where: line and column count from 1."""

    def __init__(self, words: str, line: int, column: int) -> None:
        self.words, self.line, self.column = words, line, column
        super().__init__(f"line {line}, column {column}: {words}")


@dataclass(frozen=True)
class Point:
    """One point: its time is a number in whatever precision it is written with."""

    measurement: str
    tags: dict[str, str]
    fields: dict[str, Value]
    time: int | None = None


def read(text: str) -> list[Point]:
    """Read points; raise Mistake at the first place that cannot be right."""
    lines = enumerate(text.split("\n"), start=1)
    return [
        _Scanner(line, number).point()
        for number, line in lines
        if line.strip(" ") and not line.lstrip(" ").startswith("#")
    ]


def escape(text: str) -> str:
    """Write a tag, its value or a field's name so that it stays in one piece."""
    for mark in ",= ":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", " ")


def pointed(text: str, mistake: Mistake) -> str:
    """Return the line of the mistake, a mark below the place, and what is wrong there."""
    line = text.split("\n")[mistake.line - 1] if text else ""
    where = f"line {mistake.line}: " if "\n" in text.strip() else ""
    return f"{line}\n{' ' * (mistake.column - 1)}▲ {where}{mistake.words}"


class _Scanner:
    """Walk along one line."""

    def __init__(self, line: str, number: int) -> None:
        self.line, self.number = line.removesuffix("\r"), number
        self.at = len(self.line) - len(self.line.lstrip(" "))

    def point(self) -> Point:
        measurement = self.word(", ")
        if not measurement:
            self.refuse("missing measurement")
        tags = self.tags()
        self.spaces("missing fields")
        fields = self.fields()
        return Point(measurement, tags, fields, self.time())

    def tags(self) -> dict[str, str]:
        found: dict[str, str] = {}
        while self.next() == ",":
            self.at += 1
            begun, key = self.at, self.word(",= ")
            if not key:
                self.refuse("missing tag key")
            if self.next() != "=":
                self.refuse("missing tag value")
            if key in found or key == "time":
                self.refuse("duplicate tags" if key in found else "invalid tag key", begun)
            self.at += 1
            found[key] = self.word(",= ")
            if not found[key]:
                self.refuse("missing tag value")
            if self.next() == "=" or not self.next():
                self.refuse("invalid tag format" if self.next() else "missing fields")
        return found

    def fields(self) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while True:
            key = self.word(",= ")
            if self.next() != "=":
                self.refuse("invalid field format")
            if not key:
                self.refuse("missing field key")
            self.at += 1
            found[key] = self.value()
            if self.next() != ",":
                return found
            self.at += 1

    def value(self) -> Value:
        begun = self.at
        if self.next() == '"':
            return self.quoted()
        while self.next() and self.next() not in ", ":
            self.at += 1
        text = self.line[begun : self.at]
        if not text:
            self.refuse("missing field value")
        return self.bare(text, begun)

    def bare(self, text: str, begun: int) -> Value:
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        if text.endswith("i") and _INTEGER.fullmatch(text[:-1]):
            if abs(int(text[:-1])) > _LARGEST:
                self.refuse("value out of range", begun)
            return int(text[:-1])
        if _NUMBER.fullmatch(text):
            return float(text)
        self.refuse(_unread(text), begun)

    def quoted(self) -> str:
        begun, letters = self.at, []
        self.at += 1
        while self.next() != '"':
            if not self.next():
                self.refuse("unbalanced quotes", begun)
            if self.next() == "\\" and self.line[self.at + 1 : self.at + 2] in ('"', "\\"):
                self.at += 1
            letters.append(self.next())
            self.at += 1
        self.at += 1
        if self.next() not in ("", ",", " "):
            self.refuse("the text ended before this")
        return "".join(letters)

    def time(self) -> int | None:
        self.spaces("")
        begun, text = self.at, self.word(" ")
        if not text:
            return None
        if not _INTEGER.fullmatch(text):
            self.refuse("bad timestamp", begun)
        if abs(int(text)) > _LARGEST:
            self.refuse("value out of range", begun)
        self.spaces("")
        if self.next():
            self.refuse("point is invalid")
        return int(text)

    def word(self, ends: str) -> str:
        """Return what stands up to one of `ends`, which a backslash can take along."""
        letters = []
        while self.next() and self.next() not in ends:
            if self.next() == "\\" and self.line[self.at + 1 : self.at + 2] in tuple(",= "):
                self.at += 1
            letters.append(self.next())
            self.at += 1
        return "".join(letters)

    def spaces(self, needed: str) -> None:
        begun = self.at
        while self.next() == " ":
            self.at += 1
        if needed and (self.at == begun or not self.next()):
            self.refuse(needed)

    def next(self) -> str:
        return self.line[self.at : self.at + 1]

    def refuse(self, words: str, at: int | None = None) -> NoReturn:
        raise Mistake(words, self.number, (self.at if at is None else at) + 1)


def _unread(text: str) -> str:
    """Say what the server took a value for that it could not read."""
    if text.lower().lstrip("+-") == "inf":
        return "invalid boolean"
    if re.fullmatch(r"[+-]?[\d.]+[eE][+-]?", text):
        return "invalid float"
    return "invalid number" if text[0] in "+-.0123456789nN" else "invalid boolean"

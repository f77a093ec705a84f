"""Points as JSON, the form that `write_points` takes, and a mistake in them known by its place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from kit.labs.influxdb.line import Mistake, Point

_KEYS = ("measurement", "tags", "fields", "time")
_VALUES = (str, int, float, bool, type(None))


def read(text: str) -> list[dict[str, Any]]:
    """Read one point or a list of them; raise Mistake at the first place that cannot be right."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise Mistake(error.msg, error.lineno, error.colno) from None
    points = found if isinstance(found, list) else [found]
    starts = _starts(text) if isinstance(found, list) else [len(text) - len(text.lstrip())]
    for point, start, end in zip(points, starts, [*starts[1:], len(text)], strict=True):
        if wrong := _wrong(point):
            words, key = wrong
            place = text.find(json.dumps(key, ensure_ascii=False), start, end) if key else start
            raise Mistake(words, *_place(text, max(place, start)))
    return points


def write(points: Sequence[Point]) -> str:
    """Write points as JSON, a single one without the list around it."""
    plain = [
        {
            "measurement": point.measurement,
            **({"tags": point.tags} if point.tags else {}),
            "fields": point.fields,
            **({} if point.time is None else {"time": point.time}),
        }
        for point in points
    ]
    return json.dumps(plain[0] if len(plain) == 1 else plain, indent=2, ensure_ascii=False)


def lines(points: Sequence[dict[str, Any]]) -> list[str]:
    """Write points in line protocol, by the driver's own code."""
    from influxdb.line_protocol import make_lines

    return str(make_lines({"points": list(points)})).rstrip("\n").split("\n")


def _wrong(point: Any) -> tuple[str, str] | None:
    """Say what is wrong with a point, and at which key."""
    if not isinstance(point, dict):
        return "a point is an object: { … }", ""
    for key in point:
        if key not in _KEYS:
            return f"a point has {', '.join(_KEYS)}; nothing reads {key!r}", key
    if not isinstance(point.get("measurement"), str) or not point["measurement"]:
        return "missing measurement", "measurement" if "measurement" in point else ""
    fields = point.get("fields")
    if not isinstance(fields, dict) or not any(v is not None for v in fields.values()):
        return "missing fields", "fields" if "fields" in point else ""
    if not isinstance(point.get("tags", {}), dict):
        return "tags are an object: names and texts", "tags"
    if bad := next((k for k, v in fields.items() if not isinstance(v, _VALUES)), None):
        return "a field holds a number, a text or true or false", bad
    if not isinstance(point.get("time", 0), int | str):
        return "a time is a whole number, or a text such as 2026-03-01T12:00:00Z", "time"
    return None


def _starts(text: str) -> list[int]:
    """Return where each element of a list begins."""
    decoder = json.JSONDecoder()
    starts: list[int] = []
    at = text.index("[") + 1
    while True:
        while text[at] in " \t\r\n,":
            at += 1
        if text[at] == "]":
            return starts
        starts.append(at)
        _, at = decoder.raw_decode(text, at)


def _place(text: str, at: int) -> tuple[int, int]:
    before = text[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1

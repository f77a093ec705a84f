"""Documents as text: MongoDB's extended JSON, and Python."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from kit.errors import UsageError

WIDTH = 88
_SHORT = 76


class Unreadable(UsageError):
    """What was typed is not JSON; `hint` says how it might become so."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def parse(text: str) -> Any:
    """Read extended JSON, in which {"$date": …} is a date; raise Unreadable with line and column.

    The form is that of MongoDB's specification "Extended JSON", relaxed.
    """
    from bson import json_util

    try:
        json.loads(text, object_pairs_hook=_once)
        return json_util.loads(text, json_options=json_util.RELAXED_JSON_OPTIONS)
    except json.JSONDecodeError as error:
        raise Unreadable(
            f"Not JSON yet, at line {error.lineno}, column {error.colno}: {error.msg}.",
            _hint(text, error.pos),
        ) from None
    except Unreadable:
        raise
    except Exception as error:  # bson has its own exception for each kind of value
        raise Unreadable(
            f"{error}.", "Check what stands in `$oid`, `$date` and the like."
        ) from None


def to_json(value: Any, *, indent: int = 0) -> str:
    """Write a value as relaxed extended JSON, short parts on one line."""
    return _write(value, indent, _json_scalar, _json_scalar)


def to_python(value: Any, *, indent: int = 0) -> str:
    """Write a value as Python that PyMongo takes."""
    return _write(value, indent, _python_scalar, _json_text)


def imports(value: Any) -> list[str]:
    """Return the import lines without which the Python of a value does not run."""
    names = {type(part).__name__: type(part).__module__ for part in _scalars(value)}
    lines = ["import datetime"] if "datetime" in names else []
    if "Regex" in names:
        lines.append("import re")
    own = sorted(n for n, home in names.items() if home.startswith("bson") and n != "Regex")
    return [*lines, *([f"from bson import {', '.join(own)}"] if own else [])]


def one_line(document: Any, most: int = 400) -> str:
    """Write a document on one line, cut where it gets long."""
    text = to_json_line(document)
    return text if len(text) <= most else text[: most - 1] + "…"


def to_json_line(value: Any) -> str:
    """Write a value as relaxed extended JSON on one line."""
    from bson import json_util

    options = json_util.JSONOptions(
        json_mode=json_util.JSONMode.RELAXED, strict_number_long=False, tz_aware=False
    )
    return json_util.dumps(value, json_options=options, ensure_ascii=False)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise Unreadable(
                f'The name "{name}" stands twice in the same braces.',
                "Only the last would count. Join conditions on a field: "
                '{"n": {"$gte": 1, "$lt": 9}}.',
            )
        seen.add(name)
    return dict(pairs)


def _hint(text: str, position: int) -> str:
    if not text.strip():
        return "Nothing is there. `{}` is the empty document."
    if position >= len(text.rstrip()):
        return "It ends too early: a brace, a bracket or a quote is still open."
    before, here = text[:position].rstrip()[-1:], text[position]
    if here == "'" or here.isalpha() or here == "$":
        return 'Names and texts stand between double quotes: {"name": "value"}.'
    if here in "]}" and before == ",":
        return "There is a comma before the closing bracket."
    if here in '"{[' or here.isdigit():
        return "Is a comma missing before it?"
    return "Compare brackets, commas and quotes around that place."


def _write(value: Any, indent: int, scalar: Any, name: Any) -> str:
    if not isinstance(value, dict | list | tuple):
        return str(scalar(value))
    inside: Sequence[tuple[str, Any]]
    if isinstance(value, dict):
        opened, closed = "{", "}"
        inside = [(f"{name(key)}: ", part) for key, part in value.items()]
    else:
        opened, closed, inside = "[", "]", [("", part) for part in value]
    written = [head + _write(part, indent + 4, scalar, name) for head, part in inside]
    line = f"{opened}{', '.join(written)}{closed}"
    if "\n" not in line and indent + len(line) <= (WIDTH if indent == 0 else _SHORT + indent):
        return line
    pad = " " * (indent + 4)
    comma = "," if scalar is _python_scalar else ""
    body = ",\n".join(pad + one for one in written)
    return f"{opened}\n{body}{comma}\n{' ' * indent}{closed}"


def _json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _json_scalar(value: Any) -> str:
    return to_json_line(value)


def _python_scalar(value: Any) -> str:
    from bson import Regex

    if isinstance(value, str):
        return _json_text(value)
    if isinstance(value, Regex):
        return f"re.compile({value.pattern!r}, {value.flags})"
    return repr(value)


def _scalars(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [found for part in value for found in _scalars(part)]
    return [value]

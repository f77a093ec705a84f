"""Take the text of a `%sql` cell apart: options, session, statements."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import sqlparse
from sqlparse import lexer, tokens

from kit.errors import UsageError

_WORD = re.compile(
    r"""\s*(?:
        (?P<flag>-l|--connections|-p|--persist|--append)
      | (?P<option>-x|--close|-f|--file)\s+(?P<value>\S+)
      | @(?P<session>\S+)
      | (?P<url>[A-Za-z][\w+]*://\S*)
      | (?P<refused>-[acs]|--connection_arguments|--creator|--section)
    )(?=\s|$)""",
    re.VERBOSE,
)
_ASSIGNMENT = re.compile(r"\s*([^\W\d]\w*)\s*<<")
_START = r"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
_BEGIN = re.compile(
    _START + r"begin\b(?!\s+not\s+atomic\b)[^;]*;",
    re.IGNORECASE | re.DOTALL,
)
_COPY = re.compile(
    _START + r"copy\b.*\b(?:from\s+stdin|to\s+stdout)\b",
    re.IGNORECASE | re.DOTALL,
)
_LONG = {"-l": "connections", "-p": "persist", "-x": "close", "-f": "file"}


@dataclass(frozen=True)
class Request:
    """Hold what one `%sql` asks for."""

    sql: str
    session: str | None = None
    url: str | None = None
    variable: str | None = None
    action: str | None = None
    argument: str = ""

    @property
    def statements(self) -> list[str]:
        """Split the text into the statements that hold more than a comment."""
        return [part for piece in sqlparse.split(self.sql) for part in _divide(piece)]


def read(line: str, cell: str = "") -> Request:
    """Read the magic's line and body.

    Only the words before the SQL are looked at, and the SQL is passed on letter for letter.
    ipython-sql reads the whole line as shell words, which loses `->>`, quotes and blanks, and
    expands braces and dollars as Python, which changes literals.
    """
    words: dict[str, str] = {}
    while match := _WORD.match(line):
        words.update(_meaning(match))
        line = line[match.end() :]
    text = f"{line}\n{cell}"
    if "file" in words:
        text = f"{_content(words.pop('file'))}\n{text}"
    target = _ASSIGNMENT.match(text)
    sql = text[target.end() :] if target else text
    return Request(sql.strip(), variable=target[1] if target else None, **words)


def streams(statement: str) -> bool:
    """Tell whether the statement wants data sent or received beside it."""
    return _COPY.match(statement) is not None


def _meaning(match: re.Match[str]) -> dict[str, str]:
    if match["refused"]:
        raise UsageError(
            f"%sql of the kit has no option {match['refused']}. "
            "Connect with kit.sql(server), or kit.sql(url) for a server of your own."
        )
    if match["session"] or match["url"]:
        return {key: match[key] for key in ("session", "url") if match[key]}
    word = match["flag"] or match["option"]
    action = _LONG.get(word, word.lstrip("-"))
    if action == "file":
        return {"file": match["value"]}
    return {"action": action, "argument": match["value"] or ""}


def _content(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"%sql cannot read {path}: {error.strerror}.") from None


def _divide(piece: str) -> list[str]:
    """Part `BEGIN ISOLATION LEVEL ...;` from what follows: sqlparse takes it for a block."""
    begin = _BEGIN.match(piece)
    if begin is None or not piece[begin.end() :].strip():
        return [piece] if _says_something(piece) else []
    return [begin[0], *Request(piece[begin.end() :]).statements]


def _says_something(statement: str) -> bool:
    """Tell a statement from a comment: MySQL answers an empty query with an error."""
    return any(
        value.startswith("/*!") or not (kind in tokens.Comment or value.isspace() or value == ";")
        for kind, value in lexer.tokenize(statement)  # type: ignore[no-untyped-call]
    )

"""Lines as redis-cli takes them, replies as redis-cli prints them.

Quoting follows `sdssplitargs` and `sdscatrepr` of Redis (src/sds.c), layout follows
`cliFormatReplyTTY` (src/redis-cli.c), both of version 7.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import Any

from redis._parsers import _RESP2Parser
from redis.exceptions import RedisError
from redis.utils import SENTINEL

_WORD = re.compile(
    rb"""\s*(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'"""
    rb"""|(?P<bare>[^\s"']+))(?P<rest>\s|$)?""",
    re.DOTALL,
)
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
_NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}
_SIGNS = {
    **{ord(sign): f"\\{sign}" for sign in '\\"'},
    **{named[0]: f"\\{letter.decode()}" for letter, named in _NAMED.items()},
}
_PLAIN = frozenset(string.printable.encode()) - frozenset(b"\t\n\r\x0b\x0c")


class Status(bytes):
    """A reply that is a status, such as OK, and not a value."""


class Parser(_RESP2Parser):
    """Read replies of protocol 2 without losing what sets a status and an error apart."""

    def _read_response(
        self, disable_decoding: bool = False, timeout: float | object = SENTINEL
    ) -> Any:
        buffer: Any = self._buffer
        start = buffer.get_pos()
        kind: bytes = buffer.readline(timeout=timeout)
        if kind[:1] == b"+":
            return Status(kind[1:])
        if kind[:1] == b"-":
            error = self.parse_error(kind[1:].decode(errors="replace"))  # type: ignore[no-untyped-call]
            error.raw = kind[1:].decode(errors="replace")
            return error
        buffer.rewind(start)
        return super()._read_response(disable_decoding=disable_decoding, timeout=timeout)


def split(line: str) -> list[bytes]:
    """Split a line into arguments; raise ValueError where a quote is not closed."""
    words, place, text = [], 0, line.strip().encode("utf-8", errors="surrogateescape")
    while place < len(text):
        found = _WORD.match(text, place)
        if found is None or found["rest"] is None:
            raise ValueError("Invalid argument(s)")
        words.append(_unquoted(found))
        place = found.end()
    return words


def quoted(value: bytes) -> str:
    """Write bytes as redis-cli does, in double quotes."""
    return f'"{"".join(_sign(byte) for byte in value)}"'


def spelled(arguments: Sequence[bytes | str | int | float]) -> str:
    """Write a command as one would type it, with quotes only where they are needed."""
    return " ".join(_spelled(argument) for argument in arguments)


def readable(value: bytes) -> str:
    """Write a value as plain text where it is text on one line, else as redis-cli would."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return spelled([value])
    return text if text.isprintable() else spelled([value])


def formatted(reply: object, indent: str = "") -> str:
    """Lay a reply out as redis-cli does on a terminal."""
    if isinstance(reply, RedisError):
        return f"(error) {getattr(reply, 'raw', reply)}"
    if isinstance(reply, Status):
        return reply.decode(errors="replace")
    if isinstance(reply, bytes):
        return quoted(reply)
    if reply is None:
        return "(nil)"
    if isinstance(reply, list):
        return _listed(reply, indent)
    return f"(integer) {reply}"


def _listed(reply: list[object], indent: str) -> str:
    if not reply:
        return "(empty array)"
    width = len(str(len(reply)))
    inner = indent + " " * (width + 2)
    lines = [f"{n:>{width}}) {formatted(one, inner)}" for n, one in enumerate(reply, 1)]
    return f"\n{indent}".join(lines)


def _unquoted(found: re.Match[bytes]) -> bytes:
    if found["double"] is not None:
        return _ESCAPE.sub(lambda escape: _meant(escape[1]), found["double"])
    if found["single"] is not None:
        return found["single"].replace(b"\\'", b"'")
    return found["bare"]


def _meant(code: bytes) -> bytes:
    if len(code) == 3:
        return bytes([int(code[1:], 16)])
    return _NAMED.get(code, code)


def _sign(byte: int) -> str:
    return _SIGNS.get(byte) or (chr(byte) if byte in _PLAIN else f"\\x{byte:02x}")


def _spelled(argument: bytes | str | int | float) -> str:
    raw = argument if isinstance(argument, bytes) else str(argument).encode()
    if raw and _PLAIN.issuperset(raw) and not set(raw) & set(b" \"'\\"):
        return raw.decode()
    return quoted(raw)

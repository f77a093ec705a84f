"""What went wrong between a client and Memcached, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from pymemcache.exceptions import (
    MemcacheClientError,
    MemcacheError,
    MemcacheIllegalInputError,
    MemcacheServerError,
    MemcacheUnknownCommandError,
)

from kit.errors import KitError
from kit.labs.memcached.wire import readable
from kit.labs.remedy import GONE

FAULTS = (MemcacheError, OSError, KitError)
"""What a panel catches: the server refuses, nobody answers, or the handle says why not."""

_LONGEST = 200
# The server's words, and the settings behind them, are those of its doc/protocol.txt.
_HINTS = {
    "too large": "One item may take 1 MB: its key, its value and some 50 bytes of its own. Cut "
    "the value into pieces, compress it, or start the server with settings={'I': '8m'}.",
    "out of memory": "The memory is full, and nothing was thrown out for this value: the server "
    "was started with -M, or values of this size have too few pages (`stats slabs`). "
    "Delete something, or start a server with more memory: settings={'m': 64}.",
    "key is too long": "A key has 250 bytes at most. Use a hash of the long name as the key.",
    "whitespace": "The protocol separates words by blanks and commands by line ends, so a key "
    "may hold neither. Replace them, by a colon for example.",
    "non-ascii": "Encode it yourself and say so: kit's server.connect(allow_unicode_keys=True).",
    "null": "A key may hold no control characters. Use a hash of those bytes as the key.",
    "binary-safe": "Memcached stores bytes and knows no encoding: give it value.encode().",
    "non-numeric": "incr and decr want a value that is written in digits.",
    "integer": "incr and decr count in whole numbers from zero up.",
    "to the command": "A key has at least one byte.",
}


@dataclass(frozen=True)
class Refusal:
    """A message as it was said, and what to do about it."""

    message: str
    hint: str = ""


def refused(error: BaseException) -> Refusal:
    """Tell who refused and why, in the words that were used."""
    said = " ".join(readable(part) if isinstance(part, bytes) else str(part) for part in error.args)
    if isinstance(error, KitError):
        return Refusal(str(error))
    if isinstance(error, OSError) or type(error).__name__ == "MemcacheUnexpectedCloseError":
        return Refusal(said or type(error).__name__, GONE)
    said = f"{_speaker(error)} {said}"
    hint = next((text for words, text in _HINTS.items() if words in said.lower()), "")
    return Refusal(said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…", hint)


def _speaker(error: BaseException) -> str:
    if isinstance(error, MemcacheIllegalInputError):
        return "pymemcache says, before anything is sent:"
    if isinstance(error, MemcacheUnknownCommandError):
        return "The server says: ERROR, to the command"
    if isinstance(error, MemcacheServerError):
        return "The server says: SERVER_ERROR"
    if isinstance(error, MemcacheClientError):
        return "The server says: CLIENT_ERROR"
    return "pymemcache says:"

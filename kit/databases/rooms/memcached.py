"""Room on a shared Memcached: a prefix before every key, put there by the driver itself."""

from __future__ import annotations

import socket
import time
from typing import Any
from urllib.parse import unquote_to_bytes

_TRIES, _PAUSE = 50, 0.1
_TOGETHER = 500
_PATIENCE = 10.0  # seconds


def prefix(learner: str) -> str:
    """Return what stands before each key of a learner."""
    return f"kit:{learner}:"


def vacate(client: Any, room: str) -> None:
    """Delete every key that begins with `room`; the client must add no prefix of its own."""
    mine = [key for key in keys(client) if key.startswith(room.encode())]
    for start in range(0, len(mine), _TOGETHER):
        client.delete_many(mine[start : start + _TOGETHER], noreply=False)


def keys(client: Any) -> list[bytes]:
    """Return every key on a client's server (doc/protocol.txt, LRU Crawler).

    pymemcache 4.0 keeps only the last piece of a long answer to `raw_command`, so this reads by
    itself.
    """
    for _ in range(_TRIES):
        told = _dump(client.server)
        if not told.startswith(b"BUSY"):
            break
        # One crawl at a time: somebody else's goes on.
        time.sleep(_PAUSE)
    words = (line.partition(b" ")[0] for line in told.splitlines())
    return [unquote_to_bytes(word[4:]) for word in words if word.startswith(b"key=")]


def _dump(server: tuple[str, int]) -> bytes:
    """Ask for all keys: their lines end in LF alone, and the answer in CR LF.

    A walk through the lists of what was used last would miss what is moved in them meanwhile.
    """
    told = b""
    with socket.create_connection(server, timeout=_PATIENCE) as line:
        line.sendall(b"lru_crawler metadump hash\r\n")
        while not told.endswith(b"\r\n"):
            piece = line.recv(1 << 16)
            if not piece:
                raise ConnectionResetError("The server closed the connection.")
            told += piece
    return told

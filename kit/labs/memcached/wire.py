"""What a client and a server say to each other, kept as it goes over the line."""

from __future__ import annotations

import re
import socket
from typing import Any

CLIP = 120
"""Bytes of one line that are shown; what is longer is clipped and its length told."""


class Wire:
    """Stand in for the module `socket` in pymemcache's `socket_module=`, and keep what is said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, bytes]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(socket, name)

    def socket(self, *arguments: Any) -> Tapped:
        """Open a socket that is listened to."""
        return Tapped(socket.socket(*arguments), self)

    def hear(self, who: str, words: bytes) -> None:
        """Keep words, joined to the ones before where the same side goes on speaking."""
        if self.said and self.said[-1][0] == who:
            words = self.said.pop()[1] + words
        self.said.append((who, words))

    def clear(self) -> None:
        """Forget what was said."""
        self.said.clear()

    def script(self) -> str:
        """Write the conversation line by line: `>` to the server, `<` from it."""
        return "\n".join(f"{who} {line}" for who, words in self.said for line in _lines(words))


class Tapped:
    """A socket whose bytes are kept in both directions."""

    def __init__(self, inner: socket.socket, wire: Wire) -> None:
        self._inner = inner
        self._wire = wire

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def sendall(self, words: bytes) -> None:
        """Send, and keep what was sent."""
        self._wire.hear(">", words)
        self._inner.sendall(words)

    def recv(self, size: int) -> bytes:
        """Receive, and keep what came."""
        words = self._inner.recv(size)
        self._wire.hear("<", words)
        return words


def readable(words: bytes) -> str:
    """Write bytes as text in which every byte can be told, clipped where they are many."""
    text = words[:CLIP].decode("latin-1")
    shown = re.sub(r"[^\x20-\x7e]", lambda found: f"\\x{ord(found[0]):02x}", text)
    return shown if len(words) <= CLIP else f"{shown}… ({len(words):,} bytes)"


def _lines(words: bytes) -> list[str]:
    lines = words.split(b"\r\n")
    return [readable(line) for line in (lines[:-1] if lines[-1] == b"" else lines)]

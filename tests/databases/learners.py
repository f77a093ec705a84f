"""Learners who come to one server, and what they write and read there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest

from kit.launch import sharing
from kit.launch.server import Server
from kit.launch.start import start

Come = Callable[[str], Server]


def door(shared: Server, monkeypatch: pytest.MonkeyPatch) -> Come:
    def come(name: str) -> Server:
        monkeypatch.setenv(sharing.LEARNER, name)
        return start(shared.database, url=shared.url)

    return come


def write(server: Server, value: bytes, keys: int = 1) -> None:
    with closing(server.connect()) as client:
        for number in range(keys):
            client.set(f"key {number}".replace(" ", ":"), value)
        client.get("key:0")  # a memcached may still be busy with what wants no reply


def read(server: Server) -> bytes | None:
    with closing(server.connect()) as client:
        value: bytes | None = client.get("key:0")
    return value

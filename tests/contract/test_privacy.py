"""A server is for its user alone: loopback, a password, and nobody who reads it elsewhere."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from kit.databases.base import Database
from kit.launch.server import Server
from tests.contract.conftest import lets_in
from tests.traces import servers

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def _open_files(directory: Path) -> Iterator[Path]:
    """List the files that another user of the machine can read."""
    for entry in directory.iterdir():
        with suppress(OSError):
            mode = entry.lstat().st_mode
            if stat.S_ISDIR(mode) and mode & stat.S_IXOTH:
                yield from _open_files(entry)
            elif stat.S_ISREG(mode) and mode & stat.S_IROTH:
                yield entry


def test_it_is_reached_from_this_machine_alone(server: Server, home: Path) -> None:
    addresses = set()
    for pid in servers(home):
        with suppress(psutil.Error):
            for one in psutil.Process(pid).net_connections("inet"):
                if one.status == psutil.CONN_LISTEN or (not one.raddr and one.status == "NONE"):
                    addresses.add(one.laddr.ip)
    assert addresses <= {"127.0.0.1", "::1"}
    assert addresses or server.backend == "container"


def test_it_demands_its_password(server: Server, database: Database) -> None:
    if not database.has_password:
        assert server.password == ""
        pytest.skip(f"{database.title} knows no password")
    assert len(server.password) >= 32
    right = server.endpoint
    assert lets_in(database, right)
    assert not lets_in(database, replace(right, password="wrong"))
    assert not lets_in(database, replace(right, password=""))
    assert not lets_in(database, replace(right, user="", password=""))


def test_its_password_is_a_fresh_one(server: Server, database: Database, home: Path) -> None:
    if not database.has_password:
        pytest.skip(f"{database.title} knows no password")
    if server.backend != "process":
        pytest.skip("one server is enough to see that passwords are drawn anew")
    from kit.launch.site import password

    assert server.password not in {password() for _ in range(8)}
    assert server.password.encode() not in b"".join(
        path.read_bytes() for path in home.glob("supervisor.log")
    )


@on_linux
def test_its_password_is_in_no_command_line(server: Server) -> None:
    _need_password(server)
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            assert server.password.encode() not in place.read_bytes(), place


def test_its_password_is_in_no_log_and_no_repr(server: Server, database: Database) -> None:
    _need_password(server)
    assert lets_in(database, server.endpoint)
    shown = [repr(server), str(server), repr(server.url), repr(server.endpoint), server.logs(500)]
    assert not [text for text in shown if server.password in text]
    assert server.password in server.url
    assert "***" in repr(server.url)


def test_its_password_is_in_no_file_that_others_can_read(server: Server, home: Path) -> None:
    _need_password(server)
    secret = server.password.encode()
    places = [home, Path(os.environ["KIT_CACHE"])]
    found = [file for place in places for file in _open_files(place) if secret in file.read_bytes()]
    assert not found


def test_its_log_is_closed_to_others(server: Server, home: Path) -> None:
    logs = list(home.glob("servers/*/log"))
    assert logs
    assert not [path for path in logs if path.stat().st_mode & 0o077]


def _need_password(server: Server) -> None:
    if not server.password:
        pytest.skip(f"{server.title} knows no password")

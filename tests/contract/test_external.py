"""A server that somebody else runs: used like one's own, and left alone."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote

import pytest

from kit.databases.base import Database
from kit.errors import ConnectionRefused, KitError, Unsupported, UsageError
from kit.launch import ports
from kit.launch.server import Server
from kit.launch.start import start

FEW_SECONDS = 15.0


@pytest.fixture(scope="module")
def backend() -> str:
    return "process"


@pytest.fixture
def silent() -> Iterator[int]:
    """Give the port of a program that accepts connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=16)) as program:
        yield program.getsockname()[1]


def _address(server: Server, *, port: int = 0, password: str = "") -> str:
    return str(
        server.url.replace(f":{server.port}", f":{port or server.port}").replace(
            server.password or "\0", password or server.password
        )
    )


def _refusal(database: Database, url: str, kind: type[KitError] = ConnectionRefused) -> str:
    with pytest.raises(kind) as refusal:
        start(database.name, url=url)
    return str(refusal.value)


def test_an_existing_server_is_used_by_its_address(server: Server, database: Database) -> None:
    other = start(database.name, url=server.url)
    assert (other.backend, other.product, other.version) == (
        "external",
        server.product,
        server.version,
    )
    client = other.connect()
    token = database.remember(client)
    assert database.recall(client, token)
    database.close(client)
    assert not server.password or server.password not in repr(other) + repr(other.url)


def test_the_environment_names_an_existing_server(
    server: Server, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"KIT_{database.name.upper()}_URL", server.url)
    monkeypatch.delenv("KIT_BACKEND", raising=False)
    assert start(database.name).address == server.address
    assert start(database.name, backend="external").backend == "external"
    with start(database.name, name="own", backend="process") as own:
        assert own.port != server.port


def test_it_is_neither_restarted_nor_killed_nor_stopped(server: Server, database: Database) -> None:
    with start(database.name, url=server.url) as other:
        for refused in (other.restart, other.kill):
            with pytest.raises(Unsupported, match=r"kit\.start"):
                refused()
    assert server.state == "running"
    client = server.connect()
    database.ping(client)
    database.close(client)


def test_what_only_its_owner_decides_is_refused(server: Server, database: Database) -> None:
    with pytest.raises(Unsupported, match=server.version.replace(".", r"\.")):
        start(database.name, url=server.url, version="0.0.1")
    with pytest.raises(Unsupported, match="settings="):
        start(database.name, url=server.url, settings={"any": "thing"})


def test_a_wrong_password_is_reported_without_it(server: Server, database: Database) -> None:
    if not server.password:
        pytest.skip(f"{database.title} knows no password")
    wrong = "s3cret/with:odd@signs"
    said = _refusal(database, _address(server, password=quote(wrong, safe="")))
    assert wrong not in said
    assert quote(wrong, safe="") not in said
    assert server.address in said
    assert f"KIT_{database.name.upper()}_URL" in said


def test_a_closed_port_is_reported_at_once(server: Server, database: Database) -> None:
    said = _refusal(database, _address(server, port=ports.choose(0)))
    assert "refused" in said.lower()


def test_a_silent_program_is_given_up_after_a_few_seconds(
    server: Server, database: Database, silent: int
) -> None:
    began = time.monotonic()
    with pytest.raises(ConnectionRefused, match="did not answer"):
        start(database.name, url=_address(server, port=silent), timeout=1.0)
    # A promise about patience, not about speed: drivers would try for up to a minute.
    assert time.monotonic() - began < FEW_SECONDS


@pytest.mark.parametrize("url", ["", "localhost", "localhost:1234", "ftp://host/", "http://[::1"])
def test_what_is_no_address_is_answered_with_an_example(database: Database, url: str) -> None:
    if not url:
        with pytest.raises(Unsupported, match=f"KIT_{database.name.upper()}_URL"):
            start(database.name, backend="external")
        return
    assert f"{database.port}" in _refusal(database, url, UsageError)


def test_a_port_that_is_none_is_reported(database: Database) -> None:
    scheme = database.scheme
    assert "65535" in _refusal(database, f"{scheme}://host:99999/", UsageError)

"""What goes wrong on a machine: one clear message each, and nothing left behind."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from kit import databases
from kit.databases import programs
from kit.errors import PortTaken, ServerDied, ServerGone, ServerMissing, StartTimeout
from kit.launch import ports
from kit.launch.server import Server
from kit.launch.start import start
from tests.launch.refusals import refusal
from tests.traces import await_nothing_left, await_true, directories, servers

each_database = pytest.mark.parametrize("name", databases.names())


@each_database
def test_a_missing_server_is_reported_with_how_to_install_it(
    name: str, own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing_installed(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "_ROOT", str(tmp_path))
    monkeypatch.setattr(programs, "package_version", nothing_installed)
    said = refusal(ServerMissing, name)
    assert databases.get(name).title in said
    assert "install" in said
    await_nothing_left(own_home)


@pytest.fixture
def taken() -> Iterator[int]:
    """Give a port where another program accepts connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=16)) as program:
        yield program.getsockname()[1]


def test_a_port_that_is_taken_is_refused_before_anything_starts(taken: int, own_home: Path) -> None:
    said = refusal(PortTaken, "redis", port=taken)
    assert str(taken) in said
    assert "ss -ltnp" in said
    await_nothing_left(own_home)


@each_database
def test_a_port_that_is_taken_at_the_last_moment_is_named(
    name: str, taken: int, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose = ports.choose
    monkeypatch.setattr(ports, "choose", lambda asked: asked or choose(0))
    assert str(taken) in refusal(PortTaken, name, port=taken)
    await_nothing_left(own_home)


@pytest.mark.parametrize("name", ["memcached", "redis"])
def test_another_server_on_the_chosen_port_is_never_taken_for_ours(
    name: str, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start(name, backend="process") as stranger:
        free = ports.choose(0)
        offers = iter([stranger.port, free])
        monkeypatch.setattr(ports, "choose", lambda asked: next(offers))
        with start(name, backend="process", name="ours") as ours:
            assert ours.port == free


@pytest.mark.parametrize("name", ["dynamodb", "postgresql"])
def test_a_server_that_is_late_is_given_up_and_removed(name: str, own_home: Path) -> None:
    said = refusal(StartTimeout, name, timeout=0.001)
    assert "timeout=180" in said
    await_nothing_left(own_home)


def test_files_that_take_too_long_to_create_are_given_up(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_CACHE", str(own_home / "cache"))
    assert "in time" in refusal(StartTimeout, "postgresql", timeout=0.05)
    await_nothing_left(own_home)


@pytest.mark.parametrize("name", ["redis", "postgresql"])
def test_a_server_that_dies_is_noticed_and_can_be_brought_back(name: str, own_home: Path) -> None:
    news: list[str] = []
    with start(name, backend="process", durable=True) as server:
        token = _remember(server)
        server.on_change(lambda found: 1 / 0)
        forget = server.on_change(lambda found: news.append(found.state))
        for pid in servers(own_home):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await_true(lambda: news, "the news of the death")
        assert news == ["exited"]
        assert server.state == "exited"
        with pytest.raises(ServerGone, match=r"\.restart\(\).*\.logs\(\)"):
            server.connect()
        forget()
        again = start(name, backend="process")
        assert again.state == server.state == "running"
        assert again.port == server.port
        client = server.connect()
        assert server._kind.recall(client, token)
        server._kind.close(client)
        assert news == ["exited"]


def test_a_server_that_cannot_come_back_says_why(own_home: Path) -> None:
    with start("redis", backend="process") as server:
        server.kill()
        with (
            closing(socket.create_server(("127.0.0.1", server.port))),
            pytest.raises(PortTaken, match="ss -ltnp"),
        ):
            server.restart()
        assert server.state == "exited"
        server.restart()
        assert server.state == "running"


def test_an_error_shows_the_log_without_the_password(own_home: Path) -> None:
    said = refusal(ServerDied, "postgresql", settings={"nonsense": 1})
    assert "settings=" in said
    assert 'unrecognized configuration parameter "nonsense"' in said


def test_several_starts_in_one_process_do_not_disturb_each_other(own_home: Path) -> None:
    found: dict[str, Server] = {}

    def begin(name: str) -> None:
        found[name] = start("redis", name=name.rstrip("'"), backend="process")

    names = ["a", "a'", "b", "c"]
    threads = [threading.Thread(target=begin, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found["a"].port == found["a'"].port
    assert len({server.port for server in found.values()}) == 3
    assert len(directories(own_home)) == 3
    for server in found.values():
        server.stop()


def _remember(server: Server) -> str:
    client = server.connect()
    try:
        return server._kind.remember(client)
    finally:
        server._kind.close(client)

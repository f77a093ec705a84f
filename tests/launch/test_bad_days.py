"""What goes wrong on a machine: one clear message each, and nothing left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import psutil
import pytest

from kit import databases
from kit.databases import programs
from kit.errors import (
    KitError,
    NoSpace,
    PortTaken,
    ServerDied,
    ServerGone,
    ServerMissing,
    StartTimeout,
)
from kit.launch import ports
from kit.launch.server import Server
from kit.launch.start import start
from tests.traces import (
    await_nothing_left,
    await_true,
    directories,
    end_supervisor,
    processes,
    servers,
)

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can arrange this")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="asks for Linux's ways")
each_database = pytest.mark.parametrize("name", databases.names())


@contextmanager
def _small_disk(place: Path, size: str) -> Iterator[Path]:
    """Mount a small file system; skip where that is not allowed."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=711", "tmpfs", str(place)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def _kit_in(home: Path) -> Iterator[None]:
    """Have the kit work in a place of the test's choice, and leave it at the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIT_HOME", str(home))
        try:
            yield
            await_nothing_left(home)
        finally:
            end_supervisor(home)
            await_true(lambda: not processes(home), f"nothing works in {home} any more")


def _fill(disk: Path) -> Path:
    filler = disk / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return filler


def _refusal(kind: type[KitError], name: str, **options: object) -> str:
    with pytest.raises(kind) as refusal:
        start(name, **{"backend": "process", **options})
    return str(refusal.value)


# What is missing


@each_database
def test_a_missing_server_is_reported_with_how_to_install_it(
    name: str, own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing_installed(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "_ROOT", str(tmp_path))
    monkeypatch.setattr(programs, "package_version", nothing_installed)
    said = _refusal(ServerMissing, name)
    assert databases.get(name).title in said
    assert "install" in said
    await_nothing_left(own_home)


# Ports


@pytest.fixture
def taken() -> Iterator[int]:
    """Give a port where another program accepts connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=16)) as program:
        yield program.getsockname()[1]


def test_a_port_that_is_taken_is_refused_before_anything_starts(taken: int, own_home: Path) -> None:
    said = _refusal(PortTaken, "redis", port=taken)
    assert str(taken) in said
    assert "ss -ltnp" in said
    await_nothing_left(own_home)


@each_database
def test_a_port_that_is_taken_at_the_last_moment_is_named(
    name: str, taken: int, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose = ports.choose
    monkeypatch.setattr(ports, "choose", lambda asked: asked or choose(0))
    assert str(taken) in _refusal(PortTaken, name, port=taken)
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


# Disks and directories


@pytest.mark.parametrize("name", ["postgresql", "influxdb"])
def test_a_small_disk_is_reported_with_what_is_needed(name: str, own_home: Path) -> None:
    with _small_disk(own_home / "disk", "8m") as disk, _kit_in(disk / "home"):
        said = _refusal(NoSpace, name)
        assert f"{databases.get(name).minimum_free_mb} MB" in said
        assert "KIT_HOME=" in said


@pytest.mark.parametrize("name", ["postgresql", "mysql"])
def test_a_disk_that_fills_up_while_files_are_created_is_reported(
    name: str, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_CACHE", str(own_home / "cache"))
    monkeypatch.setattr(type(databases.get(name)), "minimum_free_mb", 0)
    with _small_disk(own_home / "disk", "6m") as disk, _kit_in(disk / "home"):
        assert "found no space" in _refusal(NoSpace, name)


def test_a_cache_without_space_is_reported_by_its_own_variable(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _small_disk(own_home / "disk", "6m") as disk:
        monkeypatch.setenv("KIT_CACHE", str(disk / "cache"))
        said = _refusal(NoSpace, "postgresql")
        assert "KIT_CACHE=" in said
        await_nothing_left(own_home)
        assert not [path for path in (disk / "cache").iterdir() if path.is_dir()]


def test_a_full_disk_refuses_a_start_and_still_lets_servers_be_stopped(own_home: Path) -> None:
    with _small_disk(own_home / "disk", "100m") as disk, _kit_in(disk / "home"):
        server = start("redis", backend="process")
        filler = _fill(disk)
        assert "space" in _refusal(NoSpace, "memcached").lower()
        server.stop()
        await_nothing_left(disk / "home")
        end_supervisor(disk / "home")
        assert "space" in _refusal(NoSpace, "memcached").lower()
        filler.unlink()
        start("memcached", backend="process").stop()


def test_a_home_that_cannot_be_created_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KIT_HOME", "/dev/null/kit")
    said = _refusal(NoSpace, "redis")
    assert "/dev/null/kit" in said
    assert "KIT_HOME=" in said


def test_a_cache_that_cannot_be_created_is_reported(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_CACHE", "/dev/null/kit")
    assert "KIT_CACHE=" in _refusal(NoSpace, "postgresql")
    await_nothing_left(own_home)


def test_a_home_that_is_not_ones_own_is_not_trusted(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, shared = own_home / "link", own_home / "shared"
    (own_home / "real").mkdir()
    link.symlink_to(own_home / "real")
    shared.mkdir()
    shared.chmod(0o777)
    for place in (link, shared):
        monkeypatch.setenv("KIT_HOME", str(place))
        assert "does not trust" in _refusal(NoSpace, "redis")
        assert not list(place.iterdir())


@as_root
def test_a_home_of_another_user_is_not_trusted(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = own_home / "foreign"
    foreign.mkdir()
    os.chown(foreign, 12345, 12345)
    monkeypatch.setenv("KIT_HOME", str(foreign))
    assert "another user" in _refusal(NoSpace, "redis")
    assert not list(foreign.iterdir())


def test_a_home_too_deep_for_a_socket_is_reported(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = own_home / ("x" * 80)
    monkeypatch.setenv("KIT_HOME", str(deep))
    assert "too long" in _refusal(NoSpace, "redis")
    assert not deep.exists()


def test_a_home_behind_a_link_and_with_a_space_works_for_all(own_home: Path) -> None:
    (own_home / "a b").mkdir()
    (own_home / "link").symlink_to(own_home / "a b")
    real = own_home / "a b" / "h"
    with _kit_in(own_home / "link" / "h"):
        for name in databases.names():
            with start(name, backend="process", name="spaced") as server:
                assert servers(real), name
                assert server.state == "running"
            await_nothing_left(real)
        end_supervisor(real)


# Root


@as_root
@on_linux
@pytest.mark.parametrize("name", ["postgresql", "mysql", "memcached"])
def test_as_root_what_refuses_root_runs_as_another_account(name: str, own_home: Path) -> None:
    with start(name, backend="process"):
        for pid in servers(own_home):
            # PostgreSQL's workers come and go.
            with suppress(psutil.NoSuchProcess):
                assert set(psutil.Process(pid).uids()) == {65534}
                assert set(psutil.Process(pid).gids()) == {65534}


@as_root
def test_as_root_a_closed_directory_is_named(own_home: Path) -> None:
    closed = own_home / "closed"
    closed.mkdir()
    closed.chmod(0o700)
    with _kit_in(closed / "home"):
        assert f"{closed} is closed" in _refusal(NoSpace, "postgresql")


@as_root
def test_as_root_a_strict_umask_closes_nothing_that_a_server_needs(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_CACHE", str(own_home / "cache"))
    before = os.umask(0o077)
    try:
        with _kit_in(own_home / "home"):
            for _ in range(2):
                start("postgresql", backend="process").stop()
    finally:
        os.umask(before)


# Time


@pytest.mark.parametrize("name", ["dynamodb", "postgresql"])
def test_a_server_that_is_late_is_given_up_and_removed(name: str, own_home: Path) -> None:
    said = _refusal(StartTimeout, name, timeout=0.001)
    assert "timeout=180" in said
    await_nothing_left(own_home)


def test_files_that_take_too_long_to_create_are_given_up(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_CACHE", str(own_home / "cache"))
    assert "in time" in _refusal(StartTimeout, "postgresql", timeout=0.05)
    await_nothing_left(own_home)


# Death


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
    said = _refusal(ServerDied, "postgresql", settings={"nonsense": 1})
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

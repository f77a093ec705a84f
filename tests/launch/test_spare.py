"""What was made ready for the next server is used once, when it is whole, and by nobody else."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from kit import databases
from kit.launch.start import start
from kit.launch.topology import topology
from tests.launch import damages
from tests.traces import (
    await_nothing_left,
    await_true,
    end_supervisor,
    makers,
    processes,
    supervisor,
)

READIED = ("postgresql", "influxdb")
CREATING = "once on this machine"


@pytest.fixture(scope="module")
def made(home: Path) -> Path:
    """Give a cache in which the data of every database that profits lie ready."""
    cache = home / "readied"
    cache.mkdir(mode=0o711)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIT_CACHE", str(cache))
        for name in READIED:
            start(name, backend="process").stop()
            await_true(lambda n=name: [*cache.glob(f"{n}-*.spare")], "the next data are ready")
    return cache


@pytest.fixture
def cache(made: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a copy of that cache for one test."""
    copy = own_home / "cache"
    subprocess.run(["cp", "-a", str(made), str(copy)], check=True)
    monkeypatch.setenv("KIT_CACHE", str(copy))
    return copy


def _spare(cache: Path, name: str) -> Path:
    (found,) = cache.glob(f"{name}-*.spare")
    return found


@pytest.mark.parametrize("name", READIED)
def test_a_server_takes_the_data_with_their_password_and_the_next_gets_others(
    cache: Path, name: str
) -> None:
    spare = _spare(cache, name)
    inode, secret = spare.stat().st_ino, (spare / "password").read_text()
    with start(name, backend="process") as server:
        assert server.password == secret
        with server.connect() as client:
            databases.get(name).ping(client)
        await_true(lambda: spare.exists() and spare.stat().st_ino != inode, "the next data")
        assert (spare / "password").read_text() != secret
        assert (spare / "password").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", READIED)
def test_another_servers_password_opens_nothing(cache: Path, name: str) -> None:
    kind = databases.get(name)
    with (
        start(name, backend="process") as one,
        start(name, backend="process", name="two") as two,
    ):
        assert one.password != two.password
        with pytest.raises(Exception, match=r"authentication failed|authorization failed"):
            kind.ping(kind.connect(kind.endpoint("127.0.0.1", two.port, one.password)))


DAMAGES = [
    lambda spare: damages.remove_a_file(spare / "data"),
    lambda spare: damages.truncate_a_file(spare / "data"),
    lambda spare: damages.remove_all(spare / "data"),
    lambda spare: damages.change_the_owner(spare / "data"),
    lambda spare: (spare / "password").unlink(),
    lambda spare: (spare / "manifest.json").write_text("{"),
    lambda spare: (spare / "manifest.json").unlink(),
    damages.remove_all,
]


@pytest.mark.parametrize("name", READIED)
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_data_are_not_used(
    cache: Path, name: str, damage: Callable[[Path], object]
) -> None:
    secret = (_spare(cache, name) / "password").read_text()
    damage(_spare(cache, name))
    said: list[str] = []
    with start(name, backend="process", progress=said.append) as server:
        assert server.password != secret
    assert CREATING not in ", ".join(said)


@pytest.mark.parametrize("name", READIED)
def test_data_that_lost_every_byte_are_laid_out_anew(cache: Path, name: str) -> None:
    damages.blank_all(_spare(cache, name) / "data")
    with start(name, backend="process") as server, server.connect() as client:
        databases.get(name).ping(client)


def test_servers_of_a_topology_do_not_take_data_with_a_password_of_their_own(cache: Path) -> None:
    spare = _spare(cache, "influxdb")
    inode = spare.stat().st_ino
    with topology("influxdb", "ring", backend="process") as ring:
        assert len({server.password for server in ring.servers}) == 1
    assert spare.stat().st_ino == inode


@pytest.fixture
def elsewhere(made: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a copy of that cache on another file system than the servers'."""
    memory = Path("/dev/shm")  # noqa: S108
    if not memory.is_dir() or memory.stat().st_dev == own_home.stat().st_dev:
        pytest.skip("there is no second file system to write to")
    copy = memory / own_home.name
    subprocess.run(["cp", "-a", str(made), str(copy)], check=True)
    monkeypatch.setenv("KIT_CACHE", str(copy))
    yield copy
    shutil.rmtree(copy)


@pytest.mark.parametrize("name", READIED)
def test_data_on_another_file_system_are_left_alone_and_none_are_made(
    elsewhere: Path, own_home: Path, name: str
) -> None:
    secret = (_spare(elsewhere, name) / "password").read_text()
    with start(name, backend="process") as server:
        assert server.password != secret
    shutil.rmtree(_spare(elsewhere, name))
    start(name, backend="process").stop()
    await_true(lambda: makers(own_home), "a maker has begun")
    await_true(lambda: not makers(own_home), "and ended")
    assert not [*elsewhere.glob(f"{name}-*.spare")]


@pytest.mark.parametrize("name", READIED)
@pytest.mark.parametrize("moment", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_is_being_made_does_not_outlive_the_supervisor(
    own_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    moment: float,
    name: str,
) -> None:
    monkeypatch.setenv("KIT_CACHE", str(own_home / "cache"))
    start(name, backend="process").stop()
    await_true(lambda: makers(own_home), "the next data are being made")
    time.sleep(moment)
    end_supervisor(own_home, number)
    await_nothing_left(own_home)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_maker_leaves_nothing_that_runs(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setenv("KIT_CACHE", str(own_home / "cache"))
    start("influxdb", backend="process").stop()
    await_true(lambda: _server_of_maker(own_home), "the maker has started a server")
    for pid in makers(own_home):
        os.kill(pid, number)
    await_true(lambda: not makers(own_home), "the maker has gone")
    await_true(lambda: processes(own_home).keys() <= {supervisor(own_home)}, "its server too")
    end_supervisor(own_home)
    start("redis", backend="process").stop()


def _server_of_maker(home: Path) -> bool:
    return any(psutil.Process(pid).children() for pid in makers(home) if psutil.pid_exists(pid))

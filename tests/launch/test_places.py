"""A disk, a home or an account that will not do is named with the way out; others just work."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from kit import databases
from kit.errors import NoSpace
from kit.launch.start import start
from tests.launch.refusals import refusal
from tests.traces import await_nothing_left, await_true, end_supervisor, processes, servers

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can arrange this")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="asks for Linux's ways")


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


@pytest.mark.parametrize("name", ["postgresql", "influxdb"])
def test_a_small_disk_is_reported_with_what_is_needed(name: str, own_home: Path) -> None:
    with _small_disk(own_home / "disk", "8m") as disk, _kit_in(disk / "home"):
        said = refusal(NoSpace, name)
        assert f"{databases.get(name).minimum_free_mb} MB" in said
        assert "KIT_HOME=" in said


@pytest.mark.parametrize("name", ["postgresql", "mysql"])
def test_a_disk_that_fills_up_while_files_are_created_is_reported(
    name: str, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_CACHE", str(own_home / "cache"))
    monkeypatch.setattr(type(databases.get(name)), "minimum_free_mb", 0)
    with _small_disk(own_home / "disk", "6m") as disk, _kit_in(disk / "home"):
        assert "found no space" in refusal(NoSpace, name)


def test_a_cache_without_space_is_reported_by_its_own_variable(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _small_disk(own_home / "disk", "6m") as disk:
        monkeypatch.setenv("KIT_CACHE", str(disk / "cache"))
        said = refusal(NoSpace, "postgresql")
        assert "KIT_CACHE=" in said
        await_nothing_left(own_home)
        assert not [path for path in (disk / "cache").iterdir() if path.is_dir()]


def test_a_full_disk_refuses_a_start_and_still_lets_servers_be_stopped(own_home: Path) -> None:
    with _small_disk(own_home / "disk", "100m") as disk, _kit_in(disk / "home"):
        server = start("redis", backend="process")
        filler = _fill(disk)
        assert "space" in refusal(NoSpace, "memcached").lower()
        server.stop()
        await_nothing_left(disk / "home")
        end_supervisor(disk / "home")
        assert "space" in refusal(NoSpace, "memcached").lower()
        filler.unlink()
        start("memcached", backend="process").stop()


def test_a_home_that_cannot_be_created_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KIT_HOME", "/dev/null/kit")
    said = refusal(NoSpace, "redis")
    assert "/dev/null/kit" in said
    assert "KIT_HOME=" in said


def test_a_cache_that_cannot_be_created_is_reported(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_CACHE", "/dev/null/kit")
    assert "KIT_CACHE=" in refusal(NoSpace, "postgresql")
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
        assert "does not trust" in refusal(NoSpace, "redis")
        assert not list(place.iterdir())


@as_root
def test_a_home_of_another_user_is_not_trusted(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = own_home / "foreign"
    foreign.mkdir()
    os.chown(foreign, 12345, 12345)
    monkeypatch.setenv("KIT_HOME", str(foreign))
    assert "another user" in refusal(NoSpace, "redis")
    assert not list(foreign.iterdir())


def test_a_home_too_deep_for_a_socket_is_reported(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = own_home / ("x" * 80)
    monkeypatch.setenv("KIT_HOME", str(deep))
    assert "too long" in refusal(NoSpace, "redis")
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
        assert f"{closed} is closed" in refusal(NoSpace, "postgresql")


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

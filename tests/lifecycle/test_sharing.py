"""One server for all notebooks that ask for it, as long as one of them lives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from kit.errors import Conflict
from kit.launch import lease
from kit.launch.start import running, start
from tests.lifecycle.kernel import Kernel, starting
from tests.traces import await_nothing_left, await_true, listens, servers, supervisor

_WRITE = "server.connect().set('seen', 1)"
_READ = "server.connect().get('seen') == b'1'"


def _users(name: str) -> int:
    found = lease.current().call("list")["instances"]
    return next((one["users"] for one in found if one["name"] == name), 0)


def test_a_second_notebook_sees_the_data_of_the_first(pair: list[Kernel]) -> None:
    first, second = pair
    port = first.start("redis")
    assert first.run(_WRITE) is None
    assert second.start("redis") == port
    assert second.run("", _READ)


def test_a_server_lives_until_the_last_of_its_notebooks_ends(
    pair: list[Kernel], own_home: Path
) -> None:
    first, second = pair
    port = first.start("redis")
    second.start("redis")
    first.run(_WRITE)
    first.kill()
    await_true(lambda: _users("redis") == 1, "the first notebook's lease is given back")
    assert second.run("", _READ)
    second.close()
    await_nothing_left(own_home)
    assert not listens(port)


def test_notebooks_that_start_a_server_at_the_same_instant_share_one(
    pair: list[Kernel], own_home: Path, kit_round: int
) -> None:
    cell = starting("redis")
    begun = [(kernel, kernel.begin(*cell)) for kernel in pair]
    ports = {kernel.finish(identity) for kernel, identity in begun}
    assert len(ports) == 1
    assert len(servers(own_home)) == 1
    assert _users("redis") == 2


def test_a_kept_server_outlives_its_notebook_until_it_is_stopped(
    kernel: Kernel, own_home: Path
) -> None:
    kernel.start("redis", keep=True)
    kernel.run(_WRITE)
    kernel.close()
    await_true(lambda: _users("redis") == 0, "the notebook's lease is given back")
    (server,) = running()
    with server.connect() as client:
        assert client.get("seen") == b"1"
    server.stop()
    await_nothing_left(own_home)


def test_two_servers_of_one_database_go_by_their_names(kernel: Kernel, own_home: Path) -> None:
    port = kernel.start("redis")
    assert kernel.start("redis", name="replica") != port
    assert len(servers(own_home)) == 2
    kernel.run("server.stop()")
    assert len(servers(own_home)) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the children are looked at in /proc")
def test_a_child_that_outlives_its_notebook_does_not_keep_the_server(
    kernel: Kernel, own_home: Path
) -> None:
    kernel.start("redis")
    children = kernel.run(
        "import multiprocessing, subprocess, time, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "context = multiprocessing.get_context('fork')\n"
        "forked = context.Process(target=time.sleep, args=(600,))\n"
        "forked.start()\n"
        "spawned = subprocess.Popen(['sleep', '600'], start_new_session=True)",
        "[forked.pid, spawned.pid]",
    )
    alive = [psutil.Process(pid) for pid in children]
    kernel.kill()
    try:
        await_nothing_left(own_home)
        assert all(child.is_running() for child in alive)
    finally:
        for child in alive:
            child.kill()


def test_what_contradicts_a_running_server_is_refused_and_harms_nobody(own_home: Path) -> None:
    with start("redis", backend="process", keep=True) as server:
        for other in (
            {"durable": True},
            {"version": "0.1"},
            {"settings": {"maxmemory": "5mb"}},
            {"port": server.port + 1},
        ):
            with pytest.raises(Conflict, match="redis-2"):
                start("redis", backend="process", **other)
        with pytest.raises(Conflict, match="database"):
            start("memcached", name="redis", backend="process")
        assert server.state == "running"
        assert _users("redis") == 1


def test_a_conflict_does_not_make_a_server_outlive_its_users(
    kernel: Kernel, own_home: Path
) -> None:
    kernel.start("redis")
    with pytest.raises(Conflict):
        start("redis", backend="process", durable=True, keep=True)
    kernel.kill()
    await_nothing_left(own_home)


def test_the_supervisor_leaves_when_there_is_nothing_to_look_after(own_home: Path) -> None:
    for command in ("up", "down"):
        subprocess.run(
            [sys.executable, "-m", "kit", command, "memcached"], check=True, capture_output=True
        )
    assert supervisor(own_home)
    await_true(lambda: not supervisor(own_home), "the idle supervisor has ended")
    assert {path.name for path in own_home.iterdir()} <= {"supervisor.lock", "supervisor.log"}


def test_several_handles_that_restart_a_server_at_once_end_with_one_that_runs(
    pair: list[Kernel], own_home: Path, kit_round: int
) -> None:
    for kernel in pair:
        kernel.start("redis")
    for identity in [(kernel, kernel.begin("server.restart()")) for kernel in pair]:
        identity[0].finish(identity[1])
    (server,) = running()
    assert server.state == "running"
    assert len(servers(own_home)) == 1

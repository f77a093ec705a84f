"""Kernels, supervisors and engines that end without a word leave no container behind."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kit.errors import EngineMissing, ServerGone
from kit.launch import engine, keeper, lease, ports
from kit.launch.start import start
from tests.containers.containers import await_none, held, networks
from tests.containers.daemon import Daemon
from tests.containers.fixtures import SOON, Choose, chosen
from tests.containers.wire import Wire, wire
from tests.lifecycle.conftest import ROUNDS
from tests.lifecycle.kernel import CellError, Kernel, kernels, starting
from tests.traces import await_nothing_left, await_true, end_supervisor, supervisor

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]


@pytest.fixture
def redis(choose: Choose) -> str:
    return choose("redis")


@pytest.fixture
def kernel(redis: str, place: Path) -> Iterator[Kernel]:
    with kernels(1) as (only,):
        yield only


@pytest.fixture
def cable(redis: str, socket: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    with wire(place / "engine.sock", socket) as found:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{found.path}")
        yield found


def test_a_killed_kernel_takes_its_containers_with_it(
    kernel: Kernel, socket: Path, place: Path
) -> None:
    kernel.start("redis", backend="container")
    kernel.start("redis", name="second", backend="container")
    assert len(held(socket, place)) == 2
    kernel.kill()
    await_none(socket, place, SOON)
    await_nothing_left(place, SOON)


def test_a_killed_supervisor_takes_its_containers_with_it(
    kernel: Kernel, socket: Path, place: Path
) -> None:
    kernel.start("redis", backend="container")
    end_supervisor(place, signal.SIGKILL)
    await_none(socket, place, SOON)
    kernel.start("redis", backend="container")
    assert kernel.run("", "server.connect().ping()")


def test_kernel_and_supervisor_killed_together_leave_no_container(
    kernel: Kernel, socket: Path, place: Path
) -> None:
    kernel.start("redis", backend="container")
    pid = supervisor(place)
    assert pid
    psutil.Process(kernel.pid).suspend()
    os.kill(pid, signal.SIGKILL)
    kernel.kill()
    await_none(socket, place, SOON)
    # The next supervisor removes the directory.
    assert not lease.current().call("list")["instances"]
    await_nothing_left(place)


@pytest.mark.parametrize("kit_round", range(ROUNDS))
def test_a_start_ended_at_any_moment_leaves_no_container(
    redis: str, socket: Path, place: Path, kit_round: int
) -> None:
    moment = random.Random(kit_round)
    for ending in ("interrupt", "kill", "interrupt", "kill"):
        with kernels(1) as (kernel,):
            kernel.run("import testcontainers.core.container")
            cell = kernel.begin(*starting("redis", backend="container"))
            # The moment is the experiment: what holds must hold at each of them.
            time.sleep(moment.uniform(0.05, 0.5))
            if ending == "kill":
                kernel.kill()
                await_none(socket, place, SOON)
                continue
            kernel.interrupt()
            try:
                kernel.finish(cell)
            except CellError as error:
                assert "KeyboardInterrupt" in str(error)  # noqa: PT017
                await_none(socket, place, SOON)
            kernel.start("redis", backend="container")
            kernel.run("server.stop()")
            assert not held(socket, place)


def test_what_a_crashed_machine_left_is_removed_at_the_next_start(
    redis: str, socket: Path, place: Path
) -> None:
    with engine.client(socket) as client:
        mine = keeper.labels(place, "00000000")
        other = keeper.labels(place / "another", "00000000")
        old = client.containers.create(redis, labels=mine)
        foreign = client.containers.create(redis, labels=other)
        try:
            with start("redis", backend="container"):
                (found,) = held(socket, place)
                assert found["Id"] != old.id
                foreign.reload()
        finally:
            foreign.remove(v=True)


def test_what_a_crashed_machine_left_gives_the_port_back_to_the_next_start(
    redis: str, socket: Path, place: Path
) -> None:
    port = ports.choose(0)
    with engine.client(socket) as client:
        client.containers.run(
            redis,
            labels=keeper.labels(place, "00000000"),
            ports={"6379/tcp": ("127.0.0.1", port)},
            detach=True,
        )
        with start("redis", backend="container", port=port) as server:
            assert server.port == port


def test_a_network_that_is_being_made_is_no_leftover(socket: Path, place: Path) -> None:
    sweep = threading.Thread(target=keeper.sweep, args=(place, socket))
    with engine.client(socket) as client, keeper.networks(place):
        client.networks.create(f"kit-{place.name}-trial", labels=keeper.labels(place, ""))
        sweep.start()
        sweep.join(1)
        assert networks(socket, place)
    sweep.join(SOON)
    assert not networks(socket, place)


def test_a_container_removed_by_hand_is_noticed(redis: str, socket: Path, place: Path) -> None:
    with start("redis", backend="container") as server:
        news: list[str] = []
        server.on_change(lambda changed: news.append(changed.state))
        (found,) = held(socket, place)
        with engine.client(socket) as client:
            client.containers.get(found["Id"]).remove(force=True, v=True)
        await_true(lambda: "exited" in news, "the news has come")
        with pytest.raises(ServerGone):
            server.connect()


def test_an_engine_that_goes_away_is_named_and_coming_back_has_its_containers(
    cable: Wire,
) -> None:
    with start("redis", backend="container") as server:
        with server.connect() as client:
            client.set("seen", 1)
            client.save()
        cable.cut()
        await_true(lambda: server.state == "exited", "the engine is missed")
        assert "Ready to accept connections" in server.logs()
        for step in (
            server.restart,
            server.kill,
            lambda: start("redis", name="second", backend="container"),
        ):
            with pytest.raises(EngineMissing, match=r"does not answer|no container engine"):
                step()
        cable.mend()
        server.restart()
        with server.connect() as client:
            assert client.get("seen") == b"1"


def test_a_server_stopped_without_its_engine_is_removed_once_the_engine_is_back(
    cable: Wire, socket: Path, place: Path
) -> None:
    server = start("redis", backend="container")
    cable.cut()
    server.stop()
    assert server.state == "stopped"
    assert held(socket, place)
    cable.mend()
    with start("redis", backend="container", name="next"):
        assert len(held(socket, place)) == 1


def test_a_killed_engine_is_noticed_and_its_servers_come_back_with_it(
    spare_engine: Daemon, own_home: Path
) -> None:
    with chosen(spare_engine.socket) as choose:
        choose("redis")
        with start("redis", backend="container") as server:
            with server.connect() as client:
                client.set("seen", 1)
                client.save()
            spare_engine.stop(signal.SIGKILL)
            await_true(lambda: server.state == "exited", "the engine is missed")
            with pytest.raises(EngineMissing, match="does not answer"):
                server.restart()
            spare_engine.start()
            server.restart()
            with server.connect() as client:
                assert client.get("seen") == b"1"
        await_none(spare_engine.socket, own_home)

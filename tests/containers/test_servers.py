"""What is true of containers alone; the contract of all backends is tested beside this."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from kit import databases
from kit.errors import ServerDied
from kit.launch import engine, keeper
from kit.launch.server import Server
from kit.launch.spawn import spawn
from kit.launch.start import start
from tests.containers.containers import held, orphans
from tests.containers.fixtures import Choose
from tests.traces import await_true

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]


@pytest.mark.parametrize("name", databases.names())
def test_what_a_container_shows_and_leaves(
    name: str, choose: Choose, socket: Path, place: Path
) -> None:
    before = orphans(socket)
    image = choose(name)
    with start(name, backend="container", timeout=180) as server:
        (found,) = held(socket, place)
        _check_published(found, server)
        _check_secret(found, server)
        assert found["Config"]["Image"] == image
        server.kill()
        assert not held(socket, place)[0]["State"]["Running"]
        assert server.state == "exited"
        server.restart(timeout=180)
        assert held(socket, place)[0]["Id"] == found["Id"]
    assert not held(socket, place)
    await_true(lambda: orphans(socket) <= before, "its volumes are gone")


def _check_published(found: dict[str, Any], server: Server) -> None:
    published = [one for some in found["NetworkSettings"]["Ports"].values() for one in some or []]
    assert [(one["HostIp"], one["HostPort"]) for one in published] == [
        ("127.0.0.1", str(server.port))
    ]


def _check_secret(found: dict[str, Any], server: Server) -> None:
    if databases.get(server.database).has_password:
        assert server.password not in json.dumps(found)
        assert not [line for line in _command_lines() if server.password in line]


def test_a_container_that_dies_while_starting_says_why_at_once(
    choose: Choose, socket: Path, place: Path
) -> None:
    choose("redis")
    with pytest.raises(ServerDied, match="no-such-setting") as caught:
        start("redis", backend="container", settings={"no-such-setting": "1"}, timeout=500)
    assert "What it said last" in str(caught.value)
    assert not held(socket, place)


def test_settings_and_durability_reach_the_server(choose: Choose, place: Path) -> None:
    choose("redis")
    with start("redis", backend="container", settings={"maxmemory": "7mb"}, durable=True) as server:
        client = server.connect()
        assert client.config_get("maxmemory") == {"maxmemory": "7340032"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        client.close()


def test_a_chosen_port_is_honoured(choose: Choose, place: Path) -> None:
    choose("memcached")
    with start("memcached", backend="container") as first:
        port = first.port
    with start("memcached", backend="container", port=port) as second:
        assert second.port == port


def test_the_log_is_there_when_the_container_has_ended(choose: Choose, place: Path) -> None:
    choose("redis")
    with start("redis", backend="container") as server:
        assert "Ready to accept connections" in server.logs()
        server.kill()
        assert "Ready to accept connections" in server.logs()


def test_what_ended_before_its_keeper_was_there_is_started_only_when_asked(
    choose: Choose, socket: Path, place: Path
) -> None:
    folder = place / "servers" / "00000000"
    folder.mkdir(parents=True)
    with engine.client(socket) as client:
        made = client.containers.run(
            choose("memcached"), labels=keeper.labels(place, folder.name), detach=True
        )
        made.kill()
        keeper.note(folder, socket, made.id)
        with kept(folder) as first:
            assert first.wait(30) == 128 + signal.SIGKILL
        with kept(folder) as again:
            await_true(lambda: held(socket, place)[0]["State"]["Running"], "it runs again")
            again.terminate()
            assert again.wait(30) == 0
    assert not held(socket, place)
    shutil.rmtree(folder)


@contextmanager
def kept(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the keeper of the container that a server's directory tells of."""
    with spawn(keeper.command(), folder, subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def test_importing_the_backend_loads_no_engine_library() -> None:
    code = (
        "import sys, kit.launch.container\n"
        "print({'docker', 'testcontainers', 'requests'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def _command_lines() -> list[str]:
    mine = os.getpid()
    return [
        " ".join(one.info["cmdline"] or [])
        for one in psutil.process_iter(["cmdline"])
        if one.pid != mine
    ]

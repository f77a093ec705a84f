"""The whole platform, brought up by compose from the rendered file, with stand-ins for images."""

from __future__ import annotations

import json
import re
import shlex
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit import compose, databases
from kit.launch import engine, ports
from tests.containers.composed import PROJECT, ROOT, WITHOUT_CLIENT, Compose, brought_up, everyone
from tests.traces import await_true

pytestmark = [pytest.mark.container, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def platform(found_engine: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    with brought_up(found_engine, tmp_path_factory.mktemp("compose")) as run:
        yield run


def inside(platform: Compose, *command: str, learner: str = "learner") -> str:
    who = ["-e", f"KIT_LEARNER={learner}"]
    return platform("exec", "-T", *who, "notebooks", sys.executable, *command)


def states(platform: Compose) -> dict[str, dict[str, Any]]:
    lines = platform("ps", "--all", "--format", "json").splitlines()
    return {found["Service"]: found for found in map(json.loads, lines)}


def test_every_server_runs_and_those_that_can_be_asked_are_healthy(platform: Compose) -> None:
    asked = set(everyone()) - set(WITHOUT_CLIENT)
    await_true(
        lambda: {states(platform)[name]["Health"] for name in asked} == {"healthy"},
        f"{', '.join(asked)} are healthy",
    )
    found = states(platform)
    assert {name for name in everyone() if found[name]["State"] != "running"} == set()
    assert found["prepare"]["ExitCode"] == 0


def test_a_notebook_gets_each_of_the_servers_as_an_external_one(platform: Compose) -> None:
    script = (
        "import os, sys, kit\n"
        "assert os.environ['HTTP_PROXY']\n"
        "for name in sys.argv[1:]:\n"
        "    server = kit.start(name)\n"
        "    token = server._kind.remember(server.connect())\n"
        "    assert server._kind.recall(server.connect(), token), name\n"
        "    print(name, server.backend)\n"
    )
    said = inside(platform, "-c", script, *everyone())
    assert said.splitlines() == [f"{name} external" for name in everyone()]


def test_learners_have_rooms_of_their_own(platform: Compose) -> None:
    script = (
        "import sys, kit\n"
        "for name in sys.argv[1:]:\n"
        "    server = kit.start(name)\n"
        "    print(name, server.catalog, server.note)\n"
    )
    names = [name for name in databases.names() if name != "prometheus"]
    first, second = (
        inside(platform, "-c", script, *names, learner=who).splitlines()
        for who in ("first", "second")
    )
    assert len(first) == len(second) == len(names)
    assert not set(first) & set(second)


def test_the_readmes_line_brings_one_learner_more(platform: Compose, found_engine: Path) -> None:
    line = re.search(r"^docker compose (run .*?)$", readme(), re.MULTILINE)
    assert line is not None
    who = f"{PROJECT}-learner2"
    told = line[1].replace("learner2", who).replace("8889", str(ports.choose(0)))
    script = "import os, kit; print(os.environ['KIT_LEARNER'], kit.start('redis').catalog)"
    with engine.client(found_engine) as client:
        try:
            platform(*shlex.split(told))
            more = client.containers.get(who)
            said = more.exec_run([sys.executable, "-c", script]).output.decode()
            places = {one["Destination"]: one.get("Name") for one in more.attrs["Mounts"]}
        finally:
            for one in client.containers.list(all=True, filters={"name": who}):
                one.remove(force=True, v=True)
            for volume in client.volumes.list(filters={"name": who}):
                volume.remove()
    usual = inside(platform, "-c", script).split()
    assert said.split()[0] == who
    assert said.split()[1] != usual[1]
    assert places["/kit/notebooks"] == who


def readme() -> str:
    """Return README.md with its long commands in one line each."""
    return (ROOT / "README.md").read_text().replace("\\\n", "")


def test_a_notebook_runs_inside(platform: Compose) -> None:
    said = inside(platform, "-m", "kit", "test", "00_start_here")
    assert "passed" in said


def test_the_platform_keeps_its_data_and_its_passwords_when_it_is_started_again(
    platform: Compose,
) -> None:
    write = "import kit; kit.start('redis').connect().set('kept', 1)"
    inside(platform, "-c", write)
    platform("down", "--timeout", "5")
    platform("up", "--detach", "--no-build")
    read = "import kit; print(kit.start('redis').connect().get('kept'))"
    assert inside(platform, "-c", read).strip() == "b'1'"


def test_every_volume_has_a_name_so_that_the_next_start_finds_it(
    platform: Compose, found_engine: Path
) -> None:
    with engine.client(found_engine) as client:
        label = f"com.docker.compose.project={PROJECT}"
        found = client.containers.list(all=True, filters={"label": label})
        mounts = [mount for one in found for mount in one.attrs["Mounts"]]
    volumes = {mount["Name"] for mount in mounts if mount["Type"] == "volume"}
    assert volumes
    assert not [name for name in volumes if not name.startswith(f"{PROJECT}_")]


def test_no_password_is_in_the_file_or_in_a_containers_environment(
    platform: Compose, found_engine: Path
) -> None:
    words = [line.partition("=")[2] for line in compose.environment().splitlines()]
    text = (ROOT / "docker-compose.yml").read_text()
    assert not [word for word in words if word in text]
    with engine.client(found_engine) as client:
        label = f"com.docker.compose.project={PROJECT}"
        for one in client.containers.list(filters={"label": label}):
            if one.labels["com.docker.compose.service"] in everyone():
                assert "PASSWORD=" not in json.dumps(one.attrs["Config"]["Env"])


def test_the_python_of_these_tests_is_found_in_the_container() -> None:
    assert Path(sysconfig.get_path("stdlib")).is_relative_to(sys.base_prefix)

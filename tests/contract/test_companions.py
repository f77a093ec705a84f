"""The programs beside Prometheus live and end as databases do, and are none of the eight."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

import kit
from kit import databases
from kit.databases.companions import COMPANIONS
from kit.errors import ServerGone, UnknownName, Unsupported, UsageError
from kit.launch.server import Server
from kit.launch.start import start
from tests.containers.fixtures import BACKENDS, untouched, usual
from tests.containers.fixtures import found_engine as found_engine
from tests.traces import await_nothing_left, await_true, directories


@pytest.fixture(scope="module", params=BACKENDS)
def anywhere(request: pytest.FixtureRequest) -> Iterator[str]:
    with usual(request, "prometheus", *COMPANIONS) as name:
        yield name


@pytest.fixture(params=COMPANIONS)
def companion(request: pytest.FixtureRequest, anywhere: str, own_home: Path) -> Iterator[Server]:
    with untouched(request, own_home), start(request.param) as running:
        yield running


@pytest.fixture
def prometheus(anywhere: str, own_home: Path) -> Iterator[Server]:
    with start("prometheus") as running:
        yield running


def test_a_companion_says_its_version_and_survives_a_restart(companion: Server) -> None:
    kind, client = companion._kind, companion.connect()
    assert companion.title == companion.product
    assert companion.version[0].isdigit()
    token = kind.remember(client)
    if companion.database == "pushgateway":
        assert kind.recall(client, token)
    companion.restart()
    assert companion.state == "running"
    if companion.database != "pushgateway":
        assert kind.recall(client, token)
    client.close()


def test_a_companion_is_closed_to_those_without_its_password(companion: Server) -> None:
    address = f"http://{companion.address}"
    assert requests.get(f"{address}/metrics", timeout=10).status_code == 401
    assert companion.password not in repr(companion)
    with companion.connect() as client:
        assert client.get(f"{address}/metrics", timeout=10).status_code == 200


def test_a_killed_companion_comes_back_and_a_stopped_one_leaves_nothing(
    companion: Server, own_home: Path
) -> None:
    companion.kill()
    await_true(lambda: companion.state == "exited", "it is seen to have ended")
    with pytest.raises(ServerGone):
        companion.connect()
    companion.restart()
    assert companion.state == "running"
    companion.stop()
    await_nothing_left(own_home)
    assert not directories(own_home)


def test_companions_are_found_by_name_and_are_no_databases() -> None:
    assert not set(databases.names()) & set(COMPANIONS)
    with pytest.raises(UnknownName, match="alertmanager"):
        kit.start("alertmanger")


def test_a_file_is_put_beside_the_configuration_and_read_back(prometheus: Server) -> None:
    prometheus.write("rules/deep/a.yml", "groups: []\n")
    assert prometheus.read("rules/deep/a.yml") == "groups: []\n"
    assert "scrape_configs" in prometheus.read("prometheus.yml")
    with pytest.raises(FileNotFoundError):
        prometheus.read("nothing.yml")


@pytest.mark.parametrize("name", ["../log", "/etc/passwd", "", "a/../../b"])
def test_a_file_name_cannot_lead_out_of_the_servers_directory(
    prometheus: Server, name: str
) -> None:
    with pytest.raises(UsageError, match="name of a file"):
        prometheus.write(name, "")


def test_an_external_servers_files_are_left_alone(prometheus: Server) -> None:
    outside = start("prometheus", url=str(prometheus.url))
    with pytest.raises(Unsupported, match="not configured by the kit"):
        outside.write("prometheus.yml", "")

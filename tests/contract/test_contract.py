"""What holds for every database on every backend."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from kit.databases import programs
from kit.databases.base import Database, Site
from kit.errors import KitError, MissingError, ServerGone, UsageError
from kit.launch import ports
from kit.launch.server import Server
from tests.contract.conftest import Starter, lets_in, number
from tests.traces import await_nothing_left, directories, listens, servers

DRIVERS = {
    "postgresql": "psycopg.Connection",
    "mysql": "pymysql.connections.Connection",
    "mongodb": "pymongo.synchronous.mongo_client.MongoClient",
    "dynamodb": "boto3.resources.factory.dynamodb.ServiceResource",
    "redis": "redis.client.Redis",
    "memcached": "pymemcache.client.base.Client",
    "influxdb": "influxdb.client.InfluxDBClient",
    "prometheus": "prometheus_api_client.prometheus_connect.PrometheusConnect",
}


@contextmanager
def _client(server: Server) -> Iterator[Any]:
    client = server.connect()
    try:
        yield client
    finally:
        server._kind.close(client)


def _remember(server: Server) -> str:
    with _client(server) as client:
        return server._kind.remember(client)


def _recall(server: Server, token: str) -> bool:
    with _client(server) as client:
        return server._kind.recall(client, token)


def test_to_admit_the_kit_before_it_listens_leaves_no_socket_open(
    database: Database, tmp_path: Path
) -> None:
    site = Site(directory=tmp_path, port=ports.choose(0), password="unasked")
    gc.collect()
    with warnings.catch_warnings(record=True) as left:
        warnings.simplefilter("always", ResourceWarning)
        with suppress(Exception):
            database.admit(site)
        gc.collect()
    assert [str(one.message) for one in left] == []


def test_it_answers_a_real_query_and_says_what_it_is(server: Server, database: Database) -> None:
    with _client(server) as client:
        database.ping(client)
        product, version = database.identify(client)
    assert server.state == "running"
    assert server.product == product
    assert server.version == version or not version
    assert number(server.version) or server.backend == "container"
    assert server.title == database.title
    assert server.address == f"{server.host}:{server.port}"


def test_connect_gives_the_drivers_own_client(server: Server, database: Database) -> None:
    with _client(server) as client:
        kind = type(client)
    assert not kind.__module__.startswith("kit")
    assert f"{kind.__module__}.{kind.__name__}" == DRIVERS.get(
        database.name, f"{kind.__module__}.{kind.__name__}"
    )


def test_it_keeps_what_was_written(server: Server) -> None:
    assert _recall(server, _remember(server))


def test_its_address_says_all_that_a_client_needs(server: Server, database: Database) -> None:
    read = database.parse(server.url)
    assert database.url(read) == server.url
    assert lets_in(database, read)


def test_a_restart_keeps_the_data_or_is_known_not_to(server: Server) -> None:
    token = _remember(server)
    port = server.port
    server.restart()
    assert server.state == "running"
    assert server.port == port
    assert _recall(server, token) == server.supports("persistence")


def test_a_killed_server_says_so_and_comes_back_with_what_was_promised(fresh: Starter) -> None:
    with fresh("durable", durable=True) as server:
        token = _remember(server)
        server.kill()
        assert server.state == "exited"
        with pytest.raises(ServerGone, match=r"\.restart\(\)"):
            server.connect()
        server.restart()
        assert server.state == "running"
        assert _recall(server, token) == server.supports("persistence")


def test_a_second_server_goes_by_its_name_and_is_gone_when_it_is_stopped(
    server: Server, fresh: Starter, home: Path
) -> None:
    before = set(servers(home)), directories(home)
    with fresh("second") as second:
        assert second.port != server.port
        assert _recall(second, _remember(second))
    assert second.state == "stopped"
    with pytest.raises(ServerGone, match=r"kit\.start"):
        second.connect()
    second.stop()
    assert (set(servers(home)), directories(home)) == before
    assert not listens(second.port)
    assert server.state == "running"


def test_a_version_is_honoured_or_refused_by_what_is_here(
    server: Server, fresh: Starter, home: Path
) -> None:
    before = directories(home)
    with pytest.raises((MissingError, UsageError)) as refusal:
        fresh("old", version="0.0.1")
    assert "0.0.1" in str(refusal.value)
    assert directories(home) == before
    if server.backend == "process":
        assert server.version in str(refusal.value)
        with fresh("same", version=server.version.rpartition(".")[0]) as same:
            assert same.version == server.version


def test_an_unknown_setting_is_reported_in_the_servers_own_words(
    fresh: Starter, database: Database, home: Path
) -> None:
    before = directories(home)
    if database.name == "influxdb" or _is_moto(database):
        pytest.skip("it takes its settings from the environment and ignores what it does not know")
    with pytest.raises(KitError, match="nonsense") as refusal:
        fresh("nonsense", settings={"nonsense": "1"})
    assert "settings=" in str(refusal.value)
    assert directories(home) == before


def test_stopping_leaves_nothing(fresh: Starter, own_home: Path) -> None:
    server = fresh("alone")
    assert servers(own_home)
    server.stop()
    await_nothing_left(own_home)
    assert not listens(server.port)


def _is_moto(database: Database) -> bool:
    return any(program.product == "moto" for program in programs.choose(database)[:1])

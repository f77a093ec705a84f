"""What `settings=` says reaches the server, in the server's own words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kit.databases import programs
from kit.databases.base import Database
from tests.contract.conftest import Starter


def _of_mongodb(client: Any) -> Any:
    return "setName" in client.admin.command("hello")


def _of_mongod(client: Any) -> Any:
    status = client.admin.command("serverStatus")
    return status["wiredTiger"]["cache"]["maximum bytes configured"]


def _of_dynamodb(client: Any) -> Any:
    table = client.create_table(
        TableName="settings",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return table.table_arn.split(":")[4]


def _of_mysql(client: Any) -> Any:
    with client.cursor() as cursor:
        cursor.execute("SELECT @@max_connections")
        return cursor.fetchone()[0]


def _of_influxdb(client: Any) -> Any:
    found = client.query("SHOW DIAGNOSTICS")
    (row,) = found.get_points("config-coordinator")
    return row["max-select-series"]


def _of_prometheus(client: Any) -> Any:
    answer = client._session.get(f"{client.url}/api/v1/status/flags", auth=client.auth)
    return answer.json()["data"]["query.max-samples"]


SETTINGS: dict[str, tuple[dict[str, object], Callable[[Any], Any], object]] = {
    "PostgreSQL": (
        {"work_mem": "7MB"},
        lambda client: client.execute("SHOW work_mem").fetchone()[0],
        "7MB",
    ),
    "MySQL": ({"max-connections": 77}, _of_mysql, 77),
    "MariaDB": ({"max-connections": 77}, _of_mysql, 77),
    "SecantusDB": ({"standalone": ""}, _of_mongodb, False),
    "MongoDB": ({"wiredTigerCacheSizeGB": "0.3"}, _of_mongod, 307 * 1024**2),
    "moto": ({"MOTO_ACCOUNT_ID": "111122223333"}, _of_dynamodb, "111122223333"),
    "Redis": (
        {"maxmemory-policy": "allkeys-lru"},
        lambda client: client.config_get("maxmemory-policy")["maxmemory-policy"],
        "allkeys-lru",
    ),
    "Memcached": (
        {"I": "2m"},
        lambda client: int(client.stats("settings")[b"item_size_max"]),
        2 * 1024**2,
    ),
    "InfluxDB": ({"INFLUXDB_COORDINATOR_MAX_SELECT_SERIES": 777}, _of_influxdb, 777),
    "Prometheus": ({"query.max-samples": 12345}, _of_prometheus, "12345"),
}


def test_settings_reach_the_server(fresh: Starter, database: Database, backend: str) -> None:
    product = next((found.product for found in programs.choose(database)), database.title)
    if product not in SETTINGS or backend != "process":
        pytest.skip(f"no setting of {product} is known whose effect can be asked for")
    settings, ask, expected = SETTINGS[product]
    with fresh("set", settings=settings) as server:
        client = server.connect()
        try:
            assert ask(client) == expected
        finally:
            database.close(client)

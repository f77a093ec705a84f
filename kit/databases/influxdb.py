"""InfluxDB 1.x: training metrics as time series."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import uuid4

from kit.databases import programs
from kit.databases.base import Command, Container, Program, Site
from kit.databases.endpoint import Endpoint
from kit.databases.rooms import influxdb as rooms
from kit.databases.rooms.own import OwnDatabase

_QUIET = {
    "INFLUXDB_REPORTING_DISABLED": "true",
    "INFLUXDB_META_LOGGING_ENABLED": "false",
    "INFLUXDB_HTTP_LOG_ENABLED": "false",
    "INFLUXDB_HTTP_AUTH_ENABLED": "true",
    "INFLUXDB_MONITOR_STORE_ENABLED": "false",
}
# What a server does every ten or thirty minutes is done within seconds, so that a lesson sees it.
_PROMPT = {
    "INFLUXDB_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION": "1s",
    "INFLUXDB_RETENTION_CHECK_INTERVAL": "5s",
}
_SETTINGS = _QUIET | _PROMPT


class InfluxDB(OwnDatabase):
    """InfluxDB 1.x, which speaks InfluxQL."""

    name = "influxdb"
    title = "InfluxDB"
    summary = "training curves and utilisation as time series"
    lesson = "07_influxdb"
    accent = "#9394ff"
    scheme = "influxdb"
    schemes = ("http", "https")
    port = 8086
    image = "influxdb:1.12.2"
    volume = "/var/lib/influxdb"
    health = "curl -sf http://127.0.0.1:8086/ping"
    install = {"apt": "influxdb", "brew": "influxdb@1"}
    user = "kit"
    catalog = "mlops"
    holds = "measurements"
    admits_ahead = True
    entry = {}

    def programs(self) -> list[Program]:
        homebrew = ("/opt/homebrew/opt/influxdb@1/bin", "/usr/local/opt/influxdb@1/bin")
        found = programs.search("influxd", product=self.title, flag="version", also=homebrew)
        return [program for program in found if program.version.startswith("1.")]

    def command(self, program: Program, site: Site) -> Command:
        local = {
            "INFLUXDB_HTTP_BIND_ADDRESS": f"127.0.0.1:{site.port}",
            # The backup service would open a second, fixed port.
            "INFLUXDB_BIND_ADDRESS": "127.0.0.1:0",
            "INFLUXDB_META_DIR": str(site.data / "meta"),
            "INFLUXDB_DATA_DIR": str(site.data / "data"),
            "INFLUXDB_DATA_WAL_DIR": str(site.data / "wal"),
        }
        return Command(
            argv=[str(program.path), "run", "-config", "/dev/null"],
            env=_SETTINGS | local | dict(site.settings),
        )

    def admit(self, site: Site) -> None:
        self._admit(self.endpoint("127.0.0.1", site.port, site.password))

    def container(self, site: Site) -> Container:
        # The image would hand an administrator's password to a program's arguments.
        return Container(env=_SETTINGS | dict(site.settings))

    def admit_container(self, endpoint: Endpoint) -> None:
        self._admit(endpoint)

    def connect(self, endpoint: Endpoint, **options: Any) -> Any:
        from influxdb import InfluxDBClient

        where: dict[str, Any] = {
            "host": endpoint.host,
            "port": endpoint.port,
            "username": endpoint.user,
            "password": endpoint.password,
            "database": endpoint.catalog,
            "ssl": endpoint.tls,
            "timeout": 10,
            "retries": 1,
            # Chunked answers and SHOW DIAGNOSTICS cannot be read as msgpack.
            "headers": {"Accept": "application/json"},
        }
        return InfluxDBClient(**(where | options))

    def introduce(self, endpoint: Endpoint) -> tuple[str, str]:
        if endpoint.tls:
            # What to make of a certificate is the driver's matter.
            return super().introduce(endpoint)
        answer = _ask(endpoint, "SHOW DATABASES")
        return self.title, _number(answer.headers["X-Influxdb-Version"])

    def _admit(self, endpoint: Endpoint) -> None:
        # Until a first administrator exists, the server lets anyone create it.
        # In a string, a backslash escapes a quote (InfluxQL specification, Strings).
        secret = endpoint.password.replace("\\", r"\\").replace("'", r"\'")
        created = f"CREATE USER {self.user} WITH PASSWORD '{secret}' WITH ALL PRIVILEGES"
        with suppress(PermissionError):
            _ask(endpoint, created, known=False)
        _ask(endpoint, f"CREATE DATABASE {self.catalog}")

    def ping(self, client: Any) -> None:
        client.get_list_database()

    def identify(self, client: Any) -> tuple[str, str]:
        return self.title, _number(str(client.ping()))

    def remember(self, client: Any) -> str:
        token = uuid4().hex
        client.write_points([{"measurement": "kit_memory", "fields": {"token": token}}])
        return token

    def recall(self, client: Any, token: str) -> bool:
        points = client.query("SELECT token FROM kit_memory").get_points()
        return any(point["token"] == token for point in points)

    def create_room(self, client: Any, name: str) -> None:
        rooms.create(client, name)

    def drop_room(self, client: Any, name: str) -> None:
        rooms.drop(client, name)

    def features(self, product: str, version: str) -> frozenset[str]:
        return frozenset({"persistence", "expiry", "continuous_queries"})

    def _scheme(self, endpoint: Endpoint) -> str:
        return "https" if endpoint.tls else "influxdb"


def _ask(endpoint: Endpoint, query: str, *, known: bool = True) -> Any:
    """Ask without the driver: it loads pandas, a second that no start should wait for.

    Raise PermissionError with the server's words where it refuses.
    """
    import requests

    address = f"http://{endpoint.host}:{endpoint.port}/query"
    auth = (endpoint.user, endpoint.password) if known else None
    answer = requests.post(address, data={"q": query}, auth=auth, timeout=10)
    said = answer.json()
    if error := said.get("error") or said["results"][0].get("error"):
        raise PermissionError(error)
    return answer


def _number(version: str) -> str:
    return version.lstrip("v").split("~")[0].split("-")[0]


DATABASE = InfluxDB()

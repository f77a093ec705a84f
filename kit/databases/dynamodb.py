"""DynamoDB: DynamoDB Local where its jar is here, moto's server elsewhere."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from uuid import uuid4

from kit.databases import programs
from kit.databases.base import Command, Container, Database, Program, Site
from kit.databases.endpoint import Endpoint
from kit.databases.rooms import dynamodb as rooms

_JAR_FOLDERS = ("~/.local/share/dynamodb-local", "/usr/share/dynamodb-local", "/opt/dynamodb-local")
_TABLE = "kit_memory"
# moto takes the service from here and checks no signature.
_UNSIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=kit/20000101/us-east-1/dynamodb/aws4_request",
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "DynamoDB_20120810.ListTables",
}


class DynamoDB(Database):
    """DynamoDB's interface, without the cloud behind it."""

    name = "dynamodb"
    title = "DynamoDB"
    summary = "cloud-native metadata, paid by the request"
    lesson = "04_dynamodb"
    accent = "#527fff"
    scheme = "http"
    schemes = ("https",)
    stand_ins = ("moto",)
    port = 8000
    image = "amazon/dynamodb-local:3.0.0"
    health = "curl -s -o /dev/null http://127.0.0.1:8000/"
    install = {"pip": "moto[server]"}
    # Local servers take any key; AWS asks for real ones, which come with an external URL.
    user = "kit"
    has_password = False
    minimum_free_mb = 16

    def programs(self) -> list[Program]:
        moto = programs.package("moto", product="moto", path=Path(sys.executable))
        return _local_jars(os.environ.get(programs.variable(self), "")) + moto

    def command(self, program: Program, site: Site) -> Command:
        if program.product == "moto":
            argv = [str(program.path), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(site.port)]
            return Command(argv=argv, env={"PYTHONUNBUFFERED": "1"} | dict(site.settings))
        jar = _jar_command(program.path, site)
        return Command(argv=["java", *jar, "-port", str(site.port), *_flags(site)])

    def container(self, site: Site) -> Container:
        return Container(command=["-jar", "DynamoDBLocal.jar", "-sharedDb", *_flags(site)])

    def connect(self, endpoint: Endpoint, **options: Any) -> Any:
        """Open boto3's resource, or with service="dynamodbstreams" its client for streams.

        An address at AWS names its region, and without keys in it boto3 looks for them as it always
        does; any other server takes any keys. `region` and `session_token` may stand in the URL.
        """
        import boto3
        from botocore.config import Config

        service = options.pop("service", "dynamodb")
        defaults: dict[str, Any] = {
            "endpoint_url": f"{self._scheme(endpoint)}://{_service_host(endpoint, service)}",
            "region_name": _region(endpoint),
            "config": Config(
                retries={"total_max_attempts": 2}, connect_timeout=10, read_timeout=20
            ),
        }
        user = endpoint.user or ("" if _at_aws(endpoint) else self.user)
        if user:
            defaults["aws_access_key_id"] = user
            defaults["aws_secret_access_key"] = endpoint.password or user
            defaults["aws_session_token"] = endpoint.options.get("session_token")
        open_ = boto3.resource if service == "dynamodb" else boto3.client
        opened = open_(service, **(defaults | options))
        if endpoint.catalog:
            rooms.confine(getattr(opened.meta, "client", opened), endpoint.catalog)
        return opened

    def parse(self, url: str) -> Endpoint:
        """Read an address; `prefix` in it stands before every table's name, and may be empty."""
        endpoint = super().parse(url)
        options = dict(parse_qsl(endpoint.query, keep_blank_values=True))
        prefix = options.pop("prefix", None)
        unsaid = endpoint.tls and urlsplit(url).port is None
        return replace(
            endpoint,
            port=443 if unsaid else endpoint.port,
            catalog=prefix or "",
            named=prefix is not None,
            query=urlencode(options),
        )

    def url(self, endpoint: Endpoint) -> str:
        prefix = f"prefix={quote(endpoint.catalog, safe='')}" if endpoint.named else ""
        query = "&".join(filter(None, [endpoint.query, prefix]))
        return super().url(replace(endpoint, catalog="", query=query))

    def close(self, client: Any) -> None:
        client.meta.client.close()

    def introduce(self, endpoint: Endpoint) -> tuple[str, str]:
        if not endpoint.tls:
            found = self._product(_server(endpoint))
            if found[0] in self.stand_ins:
                return found
        return super().introduce(endpoint)

    def ping(self, client: Any) -> None:
        client.meta.client.list_tables(Limit=1)

    def identify(self, client: Any) -> tuple[str, str]:
        answer = client.meta.client.list_tables(Limit=1)["ResponseMetadata"]["HTTPHeaders"]
        return self._product(answer.get("server", ""))

    def remember(self, client: Any) -> str:
        token = uuid4().hex
        table = client.Table(_TABLE)
        if _TABLE not in client.meta.client.list_tables()["TableNames"]:
            table = client.create_table(
                TableName=_TABLE,
                KeySchema=[{"AttributeName": "token", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "token", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
            table.wait_until_exists()
        table.put_item(Item={"token": token})
        return token

    def recall(self, client: Any, token: str) -> bool:
        if _TABLE not in client.meta.client.list_tables()["TableNames"]:
            return False
        return "Item" in client.Table(_TABLE).get_item(Key={"token": token})

    def confine(self, endpoint: Endpoint, learner: str) -> Endpoint:
        if endpoint.named:
            return endpoint
        prefix = rooms.prefix(learner)
        return replace(endpoint, catalog=prefix, room=prefix, named=True)

    def vacate(self, endpoint: Endpoint) -> None:
        if endpoint.room:
            resource = self.connect(replace(endpoint, catalog=""))
            try:
                rooms.vacate(resource.meta.client, endpoint.room)
            finally:
                self.close(resource)

    def room(self, endpoint: Endpoint) -> str:
        if not endpoint.room:
            return ""
        return f"On this server the name of each of your tables begins with {endpoint.room}"

    def features(self, product: str, version: str) -> frozenset[str]:
        if product == "moto":
            return frozenset({"transactions", "streams"})
        return frozenset({"persistence", "transactions", "streams", "metering", "expiry"})

    def _product(self, server: str) -> tuple[str, str]:
        if "jetty" in server.lower():
            return "DynamoDB Local", ""
        if "werkzeug" in server.lower():
            return "moto", next((found.version for found in self.programs()[-1:]), "")
        return "DynamoDB", ""

    def _scheme(self, endpoint: Endpoint) -> str:
        return "https" if endpoint.tls else "http"


def _at_aws(endpoint: Endpoint) -> bool:
    return ".amazonaws." in f"{endpoint.host}."


def _region(endpoint: Endpoint) -> str:
    """Read the region off the URL, or off a host such as dynamodb.eu-west-1.amazonaws.com."""
    named = endpoint.options.get("region")
    host = endpoint.host.partition("dynamodb.")[2].partition(".")[0] if _at_aws(endpoint) else ""
    return named or host or "us-east-1"


def _service_host(endpoint: Endpoint, service: str) -> str:
    """Return host and port; AWS answers for streams at an address of their own."""
    apart = service == "dynamodbstreams" and _at_aws(endpoint)
    return f"{'streams.' if apart else ''}{endpoint.host}:{endpoint.port}"


def _local_jars(named: str) -> list[Program]:
    jars = [Path(at, "DynamoDBLocal.jar").expanduser() for at in _JAR_FOLDERS]
    jars += [Path(named)] if named.endswith(".jar") else []
    return [
        Program(path=jar, product="DynamoDB Local", version=java.version)
        for jar in jars
        if jar.is_file()
        for java in programs.search("java", product="Java", flag="-version")[:1]
    ]


def _jar_command(jar: Path, site: Site) -> list[str]:
    native = jar.parent / "DynamoDBLocal_lib"
    return [
        f"-Djava.library.path={native}",
        "-jar",
        str(jar),
        "-sharedDb",
        "-dbPath",
        str(site.data),
    ]


def _flags(site: Site) -> list[str]:
    return [part for key, value in site.settings.items() for part in (f"-{key}", value) if part]


def _server(endpoint: Endpoint) -> str:
    """List the tables without the driver, and say which server did so, "" if it refused.

    The driver takes 0.4 s to load, which no start should wait for.
    """
    import requests

    address = f"http://{endpoint.host}:{endpoint.port}/"
    answer = requests.post(address, data='{"Limit": 1}', headers=_UNSIGNED, timeout=10)
    return str(answer.headers.get("Server", "")) if answer.ok else ""


DATABASE = DynamoDB()

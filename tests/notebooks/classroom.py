"""Servers that several learners share, run by the kit in a process of its own, and looked into.

Run as a program it starts one of each, prints their addresses, and ends them with its input.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import kit
from kit import databases
from kit.databases.companions import COMPANIONS
from kit.databases.rooms import memcached
from tests.notebooks import book
from tests.notebooks.book import ROOT
from tests.notebooks.run import desk, execute
from tests.traces import kit_home

Addresses = dict[str, str]


@contextmanager
def classroom() -> Iterator[Addresses]:
    """Run one server of each kind, the companions too; give the addresses that name no database."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.notebooks.classroom"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as servers:
        assert servers.stdin is not None
        assert servers.stdout is not None
        yield json.loads(servers.stdout.readline())
        servers.stdin.close()
    assert servers.returncode == 0


def variables(addresses: Addresses) -> dict[str, str]:
    """Return the environment variables by which notebooks find the servers."""
    return {f"KIT_{name.upper()}_URL": url for name, url in addresses.items()}


def learn(path: Path, learner: str, addresses: Addresses) -> set[str]:
    """Run a solved notebook as somebody; return the exercises that were passed."""
    with desk() as at:
        at.environment.update(variables(addresses), KIT_LEARNER=learner)
        execute(book.solved(book.load(path)), at)
        return at.solved()


def held(addresses: Addresses) -> dict[str, set[str]]:
    """Return what each database holds for everybody: nobody's lesson may add to it or take it."""
    found = {}
    for name, look in _LOOKS.items():
        kind = databases.get(name)
        endpoint = kind.parse(addresses[name])
        client = kind.connect(endpoint)
        try:
            found[name] = look(client)
        finally:
            kind.close(client)
    return found


def _postgresql(client: Any) -> set[str]:
    text = (
        "SELECT datname FROM pg_database UNION ALL SELECT rolname FROM pg_roles "
        "UNION ALL SELECT table_name FROM information_schema.tables"
    )
    return {row[0] for row in client.execute(text)}


def _mysql(client: Any) -> set[str]:
    text = (
        "SELECT CONCAT(table_schema, '.', table_name) FROM information_schema.tables "
        "UNION ALL SELECT schema_name FROM information_schema.schemata "
        "UNION ALL SELECT user FROM mysql.user"
    )
    with client.cursor() as cursor:
        cursor.execute(text)
        return {row[0] for row in cursor.fetchall()}


def _mongodb(client: Any) -> set[str]:
    own = {"admin", "config", "local"}
    names = set(client.list_database_names()) - own
    return {f"{name}.{one}" for name in names for one in client[name].list_collection_names()}


def _influxdb(client: Any) -> set[str]:
    names = {one["name"] for one in client.get_list_database()}
    return names | {one["name"] for one in client.get_list_measurements()}


def _dynamodb(client: Any) -> set[str]:
    return {table.name for table in client.tables.all()}


def _redis(client: Any) -> set[str]:
    return set(client.info("keyspace")) | {key.decode() for key in client.scan_iter()}


def _memcached(client: Any) -> set[str]:
    return {key.decode() for key in memcached.keys(client)}


def _prometheus(client: Any) -> set[str]:
    return {one["metric"]["instance"] for one in client.custom_query("count_over_time(up[1h])")}


_LOOKS: dict[str, Callable[[Any], set[str]]] = {
    "postgresql": _postgresql,
    "mysql": _mysql,
    "mongodb": _mongodb,
    "influxdb": _influxdb,
    "dynamodb": _dynamodb,
    "redis": _redis,
    "memcached": _memcached,
    "prometheus": _prometheus,
}


def _serve() -> None:
    with kit_home() as home, ExitStack() as stack:
        os.environ["KIT_HOME"] = str(home)
        servers = [
            stack.enter_context(kit.start(name, backend="process", name=f"{name}-for-all"))
            for name in (*databases.names(), *COMPANIONS)
        ]
        print(json.dumps({server.database: _open_to_all(server) for server in servers}), flush=True)
        sys.stdin.read()


def _open_to_all(server: kit.Server) -> str:
    kind = databases.get(server.database)
    return kind.url(replace(server.endpoint, catalog="", named=False))


if __name__ == "__main__":
    _serve()

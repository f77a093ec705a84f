"""Redis: the cache in front of models and features."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import replace
from io import BufferedRWPair
from typing import Any
from uuid import uuid4

from kit.databases import programs
from kit.databases.base import Command, Container, Database, Program, Site
from kit.databases.endpoint import Endpoint
from kit.databases.rooms import redis as rooms
from kit.databases.topologies import REPLICA, RING, WATCHER, Node, Nodes, Shape
from kit.databases.topologies import redis as replication
from kit.databases.topologies import redis_cluster as cluster
from kit.databases.topologies import redis_sentinel as sentinel

_CONFIG = "/usr/local/etc/redis/redis.conf"
# Waiting for more replicas to share one snapshot costs a lone one five seconds.
_SETTINGS = {"repl-diskless-sync-delay": "0", "daemonize": "no"}
_DURABLE = {"appendonly": "yes", "appendfsync": "always"}
_THROW_AWAY = {"save": "3600 1"}


class Redis(Database):
    """Redis, or Valkey where that is what the machine has."""

    name = "redis"
    title = "Redis"
    summary = "caching predictions, features and sessions"
    lesson = "05_redis"
    accent = "#d82c20"
    scheme = "redis"
    schemes = ("rediss", "valkey")
    stand_ins = ("valkey",)
    port = 6379
    image = "redis:8.2.1"
    volume = "/data"
    health = f"REDISCLI_AUTH=$(sed -n 's/^requirepass //p' {_CONFIG}) redis-cli ping | grep -q PONG"
    install = {"apt": "redis-server", "conda": "redis-server", "brew": "redis"}
    catalog = "0"
    # A class-room has more learners than the usual sixteen databases.
    shared_settings = {"databases": "128"}

    def programs(self) -> list[Program]:
        return programs.search("redis-server", product="Redis") + programs.search(
            "valkey-server", product="Valkey"
        )

    def command(self, program: Program, site: Site) -> Command:
        # Its working directory is the site's own; a whole path might hold a space.
        local = {"bind": "127.0.0.1", "port": str(site.port), "dir": site.data.name}
        if "cluster-enabled" in site.settings:
            local["cluster-port"] = str(cluster.bus_port(program.version))
        config = site.directory / "redis.conf"
        return Command(
            argv=[str(program.path), str(config), *_mode(site)],
            files={"redis.conf": _config(site, local)},
        )

    def container(self, site: Site) -> Container:
        # A Sentinel's own port would be another one.
        local = {"dir": "/data", "port": str(self.port)}
        config = {_CONFIG: _config(site, local)}
        if site.alone:
            return Container(files=config, command=["redis-server", *config])
        script = replication.script(_CONFIG, *_mode(site))
        return Container(files=config, command=["sh", "-c", script])

    def connect(self, endpoint: Endpoint, **options: Any) -> Any:
        import redis
        from redis.backoff import ConstantBackoff
        from redis.retry import Retry

        where: dict[str, Any] = {
            "host": endpoint.host,
            "port": endpoint.port,
            "username": endpoint.user or None,
            "password": endpoint.password or None,
            "db": int(endpoint.catalog or 0),
            "ssl": endpoint.tls,
            "socket_connect_timeout": 10,
            # By itself it takes a wrong password for a lost connection, and tries for 10 s.
            "retry": Retry(ConstantBackoff(0.05), 2),
        }
        return redis.Redis(**(where | options))

    def introduce(self, endpoint: Endpoint) -> tuple[str, str]:
        if endpoint.tls:
            return super().introduce(endpoint)
        # The driver takes half a second to load, which no start should wait for.
        with (
            socket.create_connection((endpoint.host, endpoint.port), 10) as line,
            line.makefile("rwb") as talk,
        ):
            if endpoint.password:
                _say(talk, "AUTH", *filter(None, [endpoint.user]), endpoint.password)
            _say(talk, "PING")
            said = _say(talk, "INFO", "server").splitlines()
        return _product(dict(one.split(":", 1) for one in said if ":" in one))

    def ping(self, client: Any) -> None:
        client.ping()

    def identify(self, client: Any) -> tuple[str, str]:
        return _product(client.info("server"))

    def remember(self, client: Any) -> str:
        token = f"kit:memory:{uuid4().hex}"
        client.set(token, 1)
        return token

    def recall(self, client: Any, token: str) -> bool:
        return bool(client.exists(token))

    def confine(self, endpoint: Endpoint, learner: str) -> Endpoint:
        if endpoint.catalog not in ("", "0"):
            return endpoint
        with self.connect(endpoint) as client:
            number = rooms.claim(client, learner)
        return replace(endpoint, catalog=str(number), room=learner)

    def vacate(self, endpoint: Endpoint) -> None:
        if endpoint.room:
            with self.connect(replace(endpoint, catalog="0")) as client:
                rooms.release(client, int(endpoint.catalog), endpoint.room)

    def room(self, endpoint: Endpoint) -> str:
        return f"Your keys are in database {endpoint.catalog} of this server."

    def features(self, product: str, version: str) -> frozenset[str]:
        return frozenset({"persistence", "replication", "expiry", "cluster"})

    def topologies(self) -> Mapping[str, Shape]:
        return {
            "ring": RING,
            "replica": REPLICA,
            "sentinel": sentinel.SHAPE,
            "cluster": cluster.SHAPE,
        }

    def node_settings(self, kind: str, number: int) -> Mapping[str, str]:
        return cluster.SETTINGS if kind == "cluster" else {}

    def join(self, kind: str, nodes: Nodes, watchers: Nodes) -> None:
        if kind == "replica":
            replication.follow(self.leaders(kind, nodes)[0], nodes)
        elif kind == "sentinel":
            sentinel.watch(nodes, watchers)
        elif kind == "cluster":
            cluster.join(nodes)

    def leave(self, kind: str, node: Node, others: Nodes) -> None:
        if kind == "cluster":
            cluster.leave(node, others)

    def leaders(self, kind: str, nodes: Nodes) -> Nodes:
        if kind == "sentinel":
            return sentinel.leaders(nodes)
        return nodes if kind == "ring" else replication.leaders(nodes)

    def _scheme(self, endpoint: Endpoint) -> str:
        return "rediss" if endpoint.tls else "redis"


def _say(talk: BufferedRWPair, *words: str) -> str:
    """Say a command and return the answer (Redis serialization protocol specification)."""
    parts = [word.encode() for word in words]
    spelled = [b"$%d\r\n%s\r\n" % (len(part), part) for part in parts]
    talk.write(b"*%d\r\n%s" % (len(parts), b"".join(spelled)))
    talk.flush()
    head = talk.readline().decode().rstrip()
    if not head.startswith(("+", "$")):
        raise ConnectionError(head.lstrip("-") or "it closed the connection")
    return head[1:] if head[0] == "+" else talk.read(int(head[1:]) + 2).decode()


def _product(info: Mapping[str, Any]) -> tuple[str, str]:
    if "valkey_version" in info:
        return "Valkey", str(info["valkey_version"])
    return "Redis", str(info["redis_version"])


def _mode(site: Site) -> list[str]:
    return ["--sentinel"] if site.role == WATCHER else []


def _config(site: Site, local: dict[str, str]) -> str:
    if site.role == WATCHER:
        return sentinel.config(site.password, local)
    settings = _SETTINGS | (_DURABLE if site.durable else _THROW_AWAY) | local
    settings |= {"requirepass": site.password, "masterauth": site.password}
    settings |= site.settings
    return "".join(f"{key} {value}\n" for key, value in settings.items())


DATABASE = Redis()

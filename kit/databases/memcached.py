"""Memcached: the simplest cache there is."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Any
from uuid import uuid4

from kit.databases import programs
from kit.databases.base import Command, Container, Database, Program, Site
from kit.databases.endpoint import Endpoint
from kit.databases.rooms import memcached as rooms


class Memcached(Database):
    """Memcached, which knows no password in the protocol that its clients speak."""

    name = "memcached"
    title = "Memcached"
    summary = "simple caching, many threads, many nodes"
    lesson = "06_memcached"
    accent = "#288c6c"
    scheme = "memcached"
    port = 11211
    image = "memcached:1.6.39"
    health = (
        "bash -c 'exec 3<>/dev/tcp/127.0.0.1/11211 && echo version >&3 && head -n 1 <&3'"
        " | grep -q VERSION"
    )
    install = {"apt": "memcached", "brew": "memcached"}
    has_password = False
    refuses_root = True
    minimum_free_mb = 1

    def programs(self) -> list[Program]:
        return programs.search("memcached", product=self.title, flag="-V")

    def command(self, program: Program, site: Site) -> Command:
        local = ["-l", "127.0.0.1", "-p", str(site.port), "-U", "0"]
        argv = [str(program.path), *local, *_flags(site)]
        # It looks at signals once a second, and has nothing to bring into order.
        return Command(argv=argv, stop=signal.SIGKILL)

    def container(self, site: Site) -> Container:
        return Container(command=["memcached", *_flags(site)])

    def connect(self, endpoint: Endpoint, **options: Any) -> Any:
        from pymemcache.client.base import Client

        defaults = {
            "connect_timeout": 10,
            "timeout": 10,
            "key_prefix": endpoint.room.encode(),
        }
        return Client((endpoint.host, endpoint.port), **(defaults | options))

    def ping(self, client: Any) -> None:
        client.version()

    def identify(self, client: Any) -> tuple[str, str]:
        return self.title, client.version().decode()

    def remember(self, client: Any) -> str:
        token = uuid4().hex
        client.set(token, b"1", noreply=False)
        return token

    def recall(self, client: Any, token: str) -> bool:
        return client.get(token) is not None

    def confine(self, endpoint: Endpoint, learner: str) -> Endpoint:
        return replace(endpoint, room=rooms.prefix(learner))

    def vacate(self, endpoint: Endpoint) -> None:
        client = self.connect(replace(endpoint, room=""))
        try:
            rooms.vacate(client, endpoint.room)
        finally:
            client.close()

    def room(self, endpoint: Endpoint) -> str:
        return f"Each of your keys begins with {endpoint.room} on this server."

    def features(self, product: str, version: str) -> frozenset[str]:
        return frozenset({"expiry"})


def _flags(site: Site) -> list[str]:
    return [part for key, value in site.settings.items() for part in (_flag(key), value) if part]


def _flag(key: str) -> str:
    return f"-{key}" if len(key) == 1 else f"--{key}"


DATABASE = Memcached()

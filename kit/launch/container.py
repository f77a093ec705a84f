"""The container backend: official images on Docker's or Podman's engine.

What is in a container's environment can be read by all who may use the engine, so passwords go in
as files. Run as a program, it removes the container of a server: `remove ID`, called from the
directory of running servers.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from kit import databases
from kit.databases.base import Container, Database, Site
from kit.databases.endpoint import Endpoint
from kit.errors import PortTaken
from kit.launch import engine, files, image, keeper, network, ports, ready
from kit.launch.instance import Message
from kit.launch.lease import Lease
from kit.launch.process import ProcessControl
from kit.launch.request import Progress, Request
from kit.launch.site import site_for
from kit.launch.watch import Watch

_ATTEMPTS = 3
# A published port accepts before the server does, and then closes at once.
_HOLDS = 0.002
# The engine's 64 MB are too few for PostgreSQL's parallel queries.
_SHARED_MEMORY = "256m"


class ContainerControl(ProcessControl):
    """Reach a container through the supervisor and the container's keeper."""

    def restart(self, timeout: float) -> None:
        identity, facts = self._refresh()["id"], self.facts()
        engine.check(Path(facts["engine"]))
        self._lease.call("spawn", id=identity, again=True)
        database, endpoint = databases.get(facts["database"]), Endpoint(**facts["endpoint"])
        watch = Watch(self._lease, identity, self._directory, database, endpoint.password)
        wait = ready.Wait(database.title, time.monotonic() + timeout, watch.check)
        wait.until(lambda: _hold(endpoint.port))
        wait.until(lambda: database.introduce(endpoint))
        reached = _reached(Path(facts["engine"]), facts["container"], database, endpoint.password)
        self._lease.call("publish", id=identity, facts=facts | reached)

    def read(self, name: str) -> str:
        with engine.client(Path(self.facts()["engine"])) as client:
            return files.fetch(client.containers.get(self.facts()["container"]), self._place(name))

    def write(self, name: str, text: str) -> None:
        with engine.client(Path(self.facts()["engine"])) as client:
            container = client.containers.get(self.facts()["container"])
            files.send(container, self._place(name), text)

    def _place(self, name: str) -> str:
        return f"{databases.get(self.facts()['database']).folder}/{name}"

    def kill(self) -> None:
        engine.check(Path(self.facts()["engine"]))
        self._lease.call("end", id=self._instance["id"], number=int(keeper.CRASH))


def bring_up(request: Request, lease: Lease, instance: Message, progress: Progress) -> Message:
    """Start the container that `instance` reserves a name for, and return its server's facts.

    The time to fetch an image is not part of the request's time-out.
    """
    database, directory = request.database, Path(instance["directory"])
    where = engine.find()
    # What is left may hold the port or the address that is wanted.
    keeper.sweep(lease.home, where)
    chosen = image.name(database, request.version)
    with _client(where) as client:
        image.provide(client.client, chosen, database, progress)
        deadline = time.monotonic() + request.timeout
        site = site_for(request, directory, database.port)
        progress(f"Starting {chosen}")
        owned = keeper.labels(lease.home, instance["id"])
        plan = _Plan(client, request, where, chosen, site, owned, lease.home)
        # Interrupted halfway, a request would leave a container that nobody knows of.
        with ThreadPoolExecutor(1) as pool:
            made = pool.submit(plan.carry_out)
            lease.call("spawn", id=instance["id"], command=keeper.command())
            port, container = made.result()
    watch = Watch(lease, instance["id"], directory, database, site.password)
    endpoint = database.endpoint("127.0.0.1", port, site.password)
    progress("Waiting for its first answer")
    wait = ready.Wait(database.title, deadline, watch.check)
    product, version = _introduce(database, endpoint, wait)
    wait.until(lambda: keeper.check_present(directory))
    return {
        "database": database.name,
        "product": product,
        "version": version or image.split(chosen)[1],
        "endpoint": asdict(endpoint),
        **_reached(where, container, database, site.password),
        "port": port,
        "engine": str(where),
        "container": container,
        "image": chosen,
    }


@contextmanager
def _client(where: Path) -> Iterator[Any]:
    """Open testcontainers' client; what the engine refuses is raised in the kit's words."""
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.docker_client import DockerClient

    # The supervisor removes what is left; Ryuk would need one image more, and the socket.
    testcontainers_config.ryuk_disabled = True
    environment = {"DOCKER_HOST": f"unix://{where}"}
    with engine.told(where):
        opened = DockerClient(
            environment=environment, version=engine.version(where), timeout=engine.PATIENCE
        )
        try:
            yield opened
        finally:
            opened.client.close()


def _reached(where: Path, container: str, database: Database, secret: str) -> Message:
    """Return at which address other containers reach this one, and it this machine's programs."""
    _, found = engine.call(where, "GET", f"/containers/{container}/json")
    networks = found["NetworkSettings"]["Networks"].values()
    inside, outside = (
        next((str(one[fact]) for one in networks if one[fact]), "127.0.0.1")
        for fact in ("IPAddress", "Gateway")
    )
    return {
        "peer": asdict(database.endpoint(inside, database.port, secret)),
        # Docker Desktop runs containers on a machine of their own.
        "notebook": outside if sys.platform == "linux" else "host.docker.internal",
    }


def _introduce(database: Database, endpoint: Endpoint, wait: ready.Wait) -> tuple[str, str]:
    wait.until(lambda: _hold(endpoint.port))
    wait.until(lambda: database.admit_container(endpoint))
    return wait.until(lambda: database.introduce(endpoint))


@dataclass(frozen=True)
class _Plan:
    """One container to be; `client` is testcontainers'."""

    client: Any
    request: Request
    engine: Path
    image: str
    site: Site
    labels: dict[str, str]
    home: Path

    def carry_out(self) -> tuple[int, str]:
        """Create and start the container; return the port on this machine and its id."""
        for _ in range(_ATTEMPTS):
            # An engine's own choice would change with every restart.
            port = ports.choose(self.request.port)
            try:
                return port, self._create(port)
            except PortTaken:
                if self.request.port:
                    break
        raise ports.taken(port)

    def _create(self, port: int) -> str:
        called = network.name(self.labels[keeper.HOME], self.request.group)
        keeper.note(self.site.directory, self.engine, "", called)
        # Said here already, since a port that is taken is not the end: another is tried.
        with engine.told(self.engine):
            made = self._start(port, called)
        keeper.note(self.site.directory, self.engine, made, called)
        return made

    def _start(self, port: int, called: str) -> str:
        made = None
        try:
            made = self.client.create(self.image, **self._options(port, self._place(called)))
            if texts := self._container.files:
                # An older engine (Docker 20.10) takes 50 ms for each archive, however small.
                made.put_archive("/", files.pack(texts, mode=0o444))
            self.client.start(made)
        except BaseException:
            if made:
                made.remove(force=True, v=True)
            keeper.withdraw(self.site.directory)
            raise
        return str(made.id)

    def _place(self, called: str) -> dict[str, Any]:
        if not called:
            return {}
        owned = {keeper.HOME: self.labels[keeper.HOME]}
        with keeper.networks(self.home):
            subnet = network.provide(self.client.client, called, owned)
        return network.place(called, subnet, self.request.seat)

    @cached_property
    def _container(self) -> Container:
        return self.request.database.container(self.site)

    def _options(self, port: int, place: dict[str, Any]) -> dict[str, Any]:
        plan = self._container
        return {
            "name": f"kit-{self.request.name}-{self.site.directory.name}",
            "command": list(plan.command) or None,
            "environment": dict(plan.env),
            "ports": {f"{self.request.database.port}/tcp": ("127.0.0.1", port)},
            "tmpfs": dict.fromkeys(plan.tmpfs, ""),
            "labels": self.labels,
            "shm_size": _SHARED_MEMORY,
            **place,
        }


def _hold(port: int) -> None:
    """Raise OSError unless somebody behind the port accepts a connection and keeps it open."""
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.settimeout(_HOLDS)
        with suppress(TimeoutError):
            if not connection.recv(1):
                raise ConnectionError("the port is published, and nobody is behind it yet")


if __name__ == "__main__":
    keeper.remove_noted(Path("servers", sys.argv[2]))

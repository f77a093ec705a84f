"""Containers: the kit's start beside `docker run`, testcontainers' own waiting, and a process."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kit import databases
from kit.databases.base import Database, Site
from kit.launch import ports, ready
from kit.launch.site import password
from kit.launch.start import start
from tests.containers import daemon, images, root

Seconds = dict[str, list[float]]


@contextmanager
def engine() -> Iterator[Path | None]:
    """Give an engine's socket, None where there is no engine."""
    try:
        with daemon.at_hand() as socket:
            os.environ["DOCKER_HOST"] = f"unix://{socket}"
            # Where these tests run in a container themselves, it would ask at the wrong address.
            os.environ["TESTCONTAINERS_CONNECTION_MODE"] = "docker_host"
            yield socket
    except daemon.NoEngine:
        yield None


def measure(name: str, socket: Path, rounds: int) -> Seconds | None:
    """Return the seconds to the first answered query, by way of starting; None without an image."""
    from kit.launch import engine as engines

    database = databases.get(name)
    with engines.client(socket) as client:
        try:
            image = images.provide(client, name, daemon.folder())
        except root.Unavailable:
            return None
    os.environ[f"KIT_{name.upper()}_IMAGE"] = image
    ways: dict[str, Callable[[], float]] = {
        "kit": lambda: _kit(name, "container"),
        "process": lambda: _kit(name, "process"),
    }
    if shutil.which("docker"):  # from Debian 13 on, a package apart from the engine: docker-cli
        ways["docker run"] = lambda: _docker_run(database, image)
    if name in (*_MODULES, *_SAID, *_ASKED):
        ways["testcontainers"] = lambda: _testcontainers(database, image)
    seconds: Seconds = {way: [] for way in ways}
    for turn in range(rounds + 1):
        for way, work in ways.items():
            took = work()
            # The first of each kind finds nothing in the caches.
            seconds[way] += [took] if turn else []
    return seconds


def _kit(name: str, backend: str) -> float:
    began = time.perf_counter()
    server = start(name, backend=backend, timeout=120)
    took = time.perf_counter() - began
    server.stop()
    return took


def _docker_run(database: Database, image: str) -> float:
    """Run the image as a person would, with the same options, and ask until it answers."""
    site = Site(directory=Path("/"), port=ports.choose(0), password=password())
    plan = database.container(site)
    options = [f"--env={key}={value}" for key, value in plan.env.items()]
    options += [f"--publish=127.0.0.1:{site.port}:{database.port}"]
    with _files(plan.files) as mounts:
        began = time.perf_counter()
        command = ["docker", "run", "--detach", "--rm", *options, *mounts, image, *plan.command]
        identity = subprocess.run(
            command, check=True, capture_output=True, text=True
        ).stdout.strip()
        try:
            endpoint = database.endpoint("127.0.0.1", site.port, site.password)
            wait = ready.Wait(database.title, time.monotonic() + 120, lambda: None)
            wait.until(lambda: database.admit_container(endpoint))
            wait.until(lambda: database.introduce(endpoint))
            return time.perf_counter() - began
        finally:
            subprocess.run(["docker", "rm", "-fv", identity], check=True, capture_output=True)


@contextmanager
def _files(texts: Any) -> Iterator[list[str]]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        mounts = []
        Path(folder).chmod(0o755)
        for number, (path, text) in enumerate(texts.items()):
            place = Path(folder, str(number))
            place.write_text(text)
            mounts.append(f"--volume={place}:{path}:ro")
        yield mounts


def _testcontainers(database: Database, image: str) -> float:
    """Start by testcontainers, with its own idea of ready: its module's, or its nearest way."""
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.container import DockerContainer

    testcontainers_config.ryuk_disabled = True
    if database.name in _MODULES:
        made = _MODULES[database.name](image)
    else:
        plan = database.container(Site(directory=Path("/"), port=0, password=password()))
        made = DockerContainer(image).waiting_for(_readiness(database))
        made.env = dict(plan.env)
        made.ports = {f"{database.port}/tcp": ("127.0.0.1", None)}
        for path, text in plan.files.items():
            made.with_copy_into_container(text.encode(), path, mode=0o444)
        if plan.command:
            made.with_command(list(plan.command))
    began = time.perf_counter()
    try:
        made.start()
        return time.perf_counter() - began
    finally:
        made.stop()


def _readiness(database: Database) -> Any:
    from testcontainers.core import wait_strategies as wait

    if database.name in _SAID:
        # What the server says that an image sets itself up with comes by the other stream.
        twice = database.name == "postgresql"
        return wait.LogMessageWaitStrategy(_SAID[database.name], predicate_streams_and=twice)
    asked = wait.HttpWaitStrategy(database.port, _ASKED[database.name])
    return asked.for_status_code_matching(lambda status: status < 500)


def _redis(image: str) -> Any:
    from testcontainers.community.redis import RedisContainer

    return RedisContainer(image, password=password())


def _memcached(image: str) -> Any:
    from testcontainers.community.memcached import MemcachedContainer

    return MemcachedContainer(image)


_MODULES = {"redis": _redis, "memcached": _memcached}
# Its other modules look for what only the official images print, or ask by a client in the image.
_SAID = {"postgresql": "ready to accept connections"}
_ASKED = {"influxdb": "/ping", "prometheus": "/-/ready"}

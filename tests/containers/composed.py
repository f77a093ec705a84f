"""The rendered platform, brought up by compose with stand-ins for the images."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from kit import compose, databases
from kit.databases.companions import COMPANIONS
from kit.launch import engine
from tests.containers import daemon, images, root

PROJECT = "kit-test-compose"
ROOT = Path(__file__).resolve().parents[2]
NOBODY = {"httpProxy": "http://127.0.0.1:9", "httpsProxy": "http://127.0.0.1:9"}
# What the stand-ins lack to be asked by: `prepare` asks every server a real query all the same.
WITHOUT_CLIENT = [
    "postgresql",
    "mysql",
    "mongodb",
    "dynamodb",
    "influxdb",
    "prometheus",
    *COMPANIONS,
]


def plugin() -> Path:
    """Return the folder of Docker's own settings with compose in it, or skip."""
    settings = daemon.folder() / "docker"
    target = settings / "cli-plugins" / "docker-compose"
    if not target.exists():
        try:
            archives = root.Suite(daemon.folder() / "trixie", "trixie").download(["docker-compose"])
        except root.Unavailable as reason:
            pytest.skip(f"compose is not to be had: {reason}")
        (archive,) = [one for one in archives if one.name.startswith("docker-compose_")]
        unpacked = daemon.folder() / "unpacked"
        subprocess.run(["dpkg-deb", "-x", archive, unpacked], check=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(next(unpacked.rglob("cli-plugins/docker-compose")), target)
        shutil.rmtree(unpacked)
    return settings


def overrides(image: str) -> dict[str, Any]:
    """Return what differs here: no fixed ports, and this checkout instead of a built image."""
    ours = {
        "image": image,
        "user": "0",
        "entrypoint": [],
        "working_dir": str(ROOT),
        "volumes": [
            f"{path}:{path}:ro" for path in sorted({str(ROOT), sys.base_prefix, "/etc/ssl"})
        ],
    }
    asleep = {"command": ["sleep", "infinity"]}
    services: dict[str, Any] = {name: {"ports": []} for name in everyone()}
    for name in WITHOUT_CLIENT:
        services[name]["healthcheck"] = {"disable": True}
    prepare = {**ours, "command": [sys.executable, "-m", "kit.compose", "prepare"]}
    return {"services": services | {"prepare": prepare, "notebooks": ours | asleep}}


def everyone() -> list[str]:
    return [*databases.names(), *COMPANIONS]


class Compose:
    """Run compose on the rendered file, as the tests' own project."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder, self._environment = folder, environment

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            ["docker", "compose", "-p", PROJECT, *arguments],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@contextmanager
def brought_up(socket: Path, folder: Path) -> Iterator[Compose]:
    """Bring the platform up, behind a proxy that serves nobody; skip where Docker is not here."""
    if not shutil.which("docker"):
        pytest.skip("the command docker is not here")
    settings = plugin()
    # Compose tells every container of it; whoever used it would reach nobody.
    (settings / "config.json").write_text(json.dumps({"proxies": {"default": NOBODY}}))
    environment = dict(os.environ) | {
        "DOCKER_HOST": f"unix://{socket}",
        "DOCKER_CONFIG": str(settings),
    }
    with engine.client(socket) as client:
        for name in everyone():
            chosen = images.provide(client, name, daemon.folder())
            environment[f"KIT_{name.upper()}_IMAGE"] = chosen
        base = images.RECIPES["redis"].base.tag
    (folder / "docker-compose.yml").write_text(without_ports())
    (folder / "docker-compose.override.yml").write_text(yaml.safe_dump(overrides(base)))
    assert compose.write_environment(folder / ".env")
    run = Compose(folder, environment)
    try:
        run("up", "--detach", "--no-build")
        yield run
    finally:
        run("down", "--volumes", "--timeout", "5")


def without_ports() -> str:
    """Return the rendered file without the fixed ports, which this machine may use otherwise."""
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    for service in document["services"].values():
        service.pop("ports", None)
        service.pop("build", None)
    document["services"]["notebooks"].pop("volumes")
    return yaml.safe_dump(document, sort_keys=False)

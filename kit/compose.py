"""The whole platform as one compose file: rendered from the databases' modules by `make sync`.

    python -m kit.compose              print the file
    python -m kit.compose secrets      write `.env` with fresh passwords, unless it is there
    python -m kit.compose prepare      wait until every server answers, and finish setting it up

The notebooks in it use the servers as external ones, each learner in a room of their own: who
learns is in KIT_LEARNER. `prepare` runs inside the platform.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from kit import databases
from kit.databases.base import Container, Database, Site
from kit.databases.companions import COMPANIONS
from kit.databases.endpoint import Endpoint
from kit.launch import ready
from kit.launch.image import variable
from kit.launch.sharing import LEARNER

NAME = "mlops-databases"
_HEAD = """\
# Rendered by `make sync` from the modules in kit/databases: edit those.
# make classroom   starts the platform and prints the notebooks' address
"""
_STAND_IN, _HASHED = "PASSWORD-OF-THE-SERVER", "HASH-OF-THE-PASSWORD"
_PREPARE_TAKES = 180.0
_HASH = re.compile(r"\$2[aby]\$[^\"\n]{56}")
_DOCKERFILE = """\
FROM python:3.12-slim-bookworm
WORKDIR /kit
COPY binder binder
RUN apt-get update \\
    && xargs -a binder/apt.txt apt-get install -y --no-install-recommends \\
    && rm -rf /var/lib/apt/lists/*
COPY pyproject.toml requirements.lock README.md LICENSE ./
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY kit kit
RUN pip install --no-cache-dir --no-deps --no-build-isolation -e . && useradd -m learner
COPY --chown=learner notebooks notebooks
USER learner
"""


def render() -> str:
    """Return the compose file; every secret in it is the name of a variable in `.env`."""
    import yaml

    services = {one.name: _service(one) for one in _everyone()}
    document = {
        "name": NAME,
        "services": services | {"prepare": _prepare(), "notebooks": _notebooks()},
        "volumes": {one.name: {} for one in _everyone() if one.volume} | {"work": {}},
        "configs": {name: one for each in _everyone() for name, one in _configs(each).items()},
    }
    text: str = yaml.safe_dump(document, sort_keys=False, width=100, allow_unicode=True)
    return _HEAD + text


def environment() -> str:
    """Return what belongs into `.env`: a fresh password for each server that knows passwords."""
    import bcrypt

    lines = [f"JUPYTER_TOKEN={secrets.token_hex(16)}"]
    for one in _everyone():
        if one.has_password:
            secret = secrets.token_hex(16)
            lines.append(f"{_variable(one)}={secret}")
            if any(_HASH.search(text) for text in _container(one).files.values()):
                digest = bcrypt.hashpw(secret.encode(), bcrypt.gensalt(rounds=4)).decode()
                lines.append(f"{_variable(one)}_HASH='{digest}'")
    return "\n".join(lines) + "\n"


def write_environment(path: Path) -> bool:
    """Write `.env` so that its owner alone can read it; a file that is there stays as it is."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w") as file:
        file.write(environment())
    return True


def prepare(urls: Mapping[str, str], *, timeout: float = _PREPARE_TAKES) -> None:
    """Wait until each server answers a real query, and do what its image could not.

    `urls` holds a URL by the name of its database. Raise StartTimeout.
    """
    deadline = time.monotonic() + timeout
    for name, url in urls.items():
        database = databases.get(name)
        endpoint = database.parse(url)
        wait = ready.Wait(f"{database.title} at {endpoint.host}", deadline, lambda: None)
        wait.until(partial(database.admit_container, endpoint))
        product, version = wait.until(partial(database.introduce, endpoint))
        print(f"{database.title} is ready: {product} {version}".rstrip(), flush=True)


def urls() -> dict[str, str]:
    """Return where the notebooks find each server; passwords are left to the environment."""
    return {one.name: _url(one) for one in _everyone()}


def _everyone() -> list[Database]:
    return [*databases.everything(), *COMPANIONS.values()]


def _service(one: Database) -> dict[str, Any]:
    plan = _container(one)
    image = f"${{{variable(one)}:-{one.image}}}"
    service: dict[str, Any] = {"image": image, "restart": "unless-stopped"}
    environment = {key: _escape(value) for key, value in plan.env.items()}
    service["environment"] = environment | _past_proxies()
    if plan.command:
        service["command"] = [_escape(part) for part in plan.command]
    if files := _files(one):
        service["configs"] = [{"source": _config_name(one, path), "target": path} for path in files]
    if one.volume:
        service["volumes"] = [f"{one.name}:{one.volume}"]
    if plan.tmpfs:
        service["tmpfs"] = list(plan.tmpfs)
    service["ports"] = [f"127.0.0.1:{one.port}:{one.port}"]
    if one.health:
        service["healthcheck"] = {
            "test": ["CMD-SHELL", _escape(one.health)],
            "interval": "2s",
            "timeout": "5s",
            "retries": 60,
        }
    return service | {"shm_size": "256m", "mem_limit": "1g"}


def _prepare() -> dict[str, Any]:
    return {
        "build": {"context": ".", "dockerfile_inline": _escape(_DOCKERFILE)},
        "image": "mlops-database-kit",
        "command": ["python", "-m", "kit.compose", "prepare"],
        "environment": _addresses() | _past_proxies(),
        "depends_on": [one.name for one in _everyone()],
    }


def _notebooks() -> dict[str, Any]:
    lab = "jupyter lab --ip=0.0.0.0 --port=8888 --no-browser --notebook-dir=notebooks"
    return {
        "image": "mlops-database-kit",
        "command": [*lab.split(), "--LabApp.default_url=/lab/tree/00_start_here.ipynb"],
        "environment": {
            "JUPYTER_TOKEN": "${JUPYTER_TOKEN}",
            # A container made anew has another name, and would not find its room again.
            LEARNER: f"${{{LEARNER}:-learner}}",
            **_addresses(),
            **_past_proxies(),
        },
        "volumes": ["work:/kit/notebooks"],
        "ports": ["127.0.0.1:8888:8888"],
        "depends_on": {"prepare": {"condition": "service_completed_successfully"}},
        "restart": "unless-stopped",
        "mem_limit": "4g",
    }


def _addresses() -> dict[str, str]:
    return {f"KIT_{name.upper()}_URL": url for name, url in urls().items()}


def _past_proxies() -> dict[str, str]:
    """Reach the other services directly: the engine tells each container of its user's proxy."""
    near = ",".join(["127.0.0.1", "localhost", *(one.name for one in _everyone())])
    return {"no_proxy": near, "NO_PROXY": near}


def _configs(one: Database) -> dict[str, dict[str, str]]:
    return {_config_name(one, path): {"content": text} for path, text in _files(one).items()}


def _files(one: Database) -> dict[str, str]:
    """Return the files that a service needs, and those by which it finds its companions."""
    files = {path: _content(one, text) for path, text in _container(one).files.items()}
    for other in COMPANIONS.values():
        if other.lesson == one.lesson and one.name not in COMPANIONS:
            files[f"{one.folder}/{other.name}.json"] = (
                f'[{{"targets": ["{other.name}:{other.port}"]}}]'
            )
            files[f"{one.folder}/{other.name}.password"] = f"${{{_variable(other)}}}"
    return files


def _content(one: Database, text: str) -> str:
    hidden = _escape(_HASH.sub(_HASHED, text))
    return _named(one, hidden).replace(_HASHED, f"${{{_variable(one)}_HASH}}")


def _container(one: Database) -> Container:
    site = Site(
        directory=Path("/"),
        port=one.port,
        password=_STAND_IN,
        durable=True,
        settings=one.shared_settings,
    )
    return one.container(site)


def _url(one: Database) -> str:
    secret = _STAND_IN if one.has_password else ""
    # An address without a database gives each learner a room.
    endpoint = Endpoint(host=one.name, port=one.port, user=one.user, password=secret, named=False)
    return _named(one, one.url(endpoint))


def _named(one: Database, text: str) -> str:
    return text.replace(_STAND_IN, f"${{{_variable(one)}}}")


def _escape(text: str) -> str:
    """Keep compose from taking a dollar sign for one of its own variables."""
    return text.replace("$", "$$")


def _variable(one: Database) -> str:
    return f"{one.name.upper()}_PASSWORD"


def _config_name(one: Database, path: str) -> str:
    return f"{one.name}-{path.rpartition('/')[2]}".replace(".", "-")


def main(arguments: list[str]) -> int:
    """Do what the command line asks; return an exit status."""
    if arguments == ["prepare"]:
        found = {one.name: os.environ.get(f"KIT_{one.name.upper()}_URL", "") for one in _everyone()}
        prepare({name: url for name, url in found.items() if url})
    elif arguments == ["secrets"]:
        made = write_environment(Path(".env"))
        print("Wrote .env with fresh passwords." if made else ".env is there, and kept.")
    else:
        print(render(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The programs that work beside Prometheus: Alertmanager, the push gateway, the node exporter.

They are started, shared and reaped as databases are, by `kit.start("alertmanager")`, and have no
lesson of their own: `databases.names()` leaves them out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from kit.databases import programs
from kit.databases.base import Command, Container, Database, Program, Site
from kit.databases.endpoint import Endpoint

_ALERTMANAGER = """route: {receiver: nobody, group_wait: 1s, group_interval: 1s}
receivers: [{name: nobody}]
"""


class Companion(Database):
    """A program with a web interface of Prometheus's own kind, closed by a password."""

    lesson = "08_prometheus"
    accent = "#e6522c"
    scheme = "http"
    schemes = ("https",)
    user = "kit"
    binary: ClassVar[str]
    ready: ClassVar[str] = "/-/ready"

    @property
    def health(self) -> str:  # type: ignore[override]
        """Return the command that asks the program, inside its container, whether it is ready."""
        return ask(self.folder, self.port, self.ready)

    def programs(self) -> list[Program]:
        names = (f"prometheus-{self.binary.replace('_', '-')}", self.binary)
        return [found for name in names for found in programs.search(name, product=self.title)]

    def command(self, program: Program, site: Site) -> Command:
        flags = {
            "web.config.file": str(site.directory / "web.yml"),
            "web.listen-address": f"127.0.0.1:{site.port}",
            **self.flags(str(site.directory), str(site.data)),
            **site.settings,
        }
        return Command(argv=[str(program.path), *spell(flags)], files=self._files(site))

    def container(self, site: Site) -> Container:
        folder = self.folder
        flags = {
            "web.config.file": f"{folder}/web.yml",
            **self.flags(folder, self.volume),
            **site.settings,
        }
        files = {f"{folder}/{name}": text for name, text in self._files(site).items()}
        return Container(command=spell(flags), files=files)

    def connect(self, endpoint: Endpoint, **options: Any) -> Any:
        """Return a `requests.Session` that knows the password, and the address as its `url`."""
        import requests

        session: Any = requests.Session()
        session.auth = (endpoint.user, endpoint.password) if endpoint.password else None
        session.url = f"{self._scheme(endpoint)}://{endpoint.host}:{endpoint.port}"
        for name, value in options.items():
            setattr(session, name, value)
        return session

    def ping(self, client: Any) -> None:
        client.get(f"{client.url}{self.ready}", timeout=10).raise_for_status()

    def identify(self, client: Any) -> tuple[str, str]:
        metric = f"{self.binary}_build_info"
        lines = client.get(f"{client.url}/metrics", timeout=10).text.splitlines()
        line = next((one for one in lines if one.startswith(metric)), "")
        return self.title, line.partition(',version="')[2].partition('"')[0].split("+")[0]

    def flags(self, folder: str, data: str) -> Mapping[str, str]:
        """Return the program's flags: its configuration lies in `folder`, its data in `data`."""
        return {}

    def files(self) -> Mapping[str, str]:
        """Return the program's own configuration."""
        return {}

    def _files(self, site: Site) -> Mapping[str, str]:
        return {**web_files(self.user, site.password), **self.files()}

    def _scheme(self, endpoint: Endpoint) -> str:
        return "https" if endpoint.tls else "http"


class Alertmanager(Companion):
    """Alertmanager, which tells nobody until its `alertmanager.yml` names a receiver."""

    name = "alertmanager"
    title = "Alertmanager"
    summary = "groups, silences and delivers Prometheus's alerts"
    port = 9093
    image = "prom/alertmanager:v0.28.1"
    folder = "/etc/alertmanager"
    volume = "/alertmanager"
    binary = "alertmanager"
    install: ClassVar[Mapping[str, str]] = {
        "apt": "prometheus-alertmanager",
        "brew": "alertmanager",
    }

    def flags(self, folder: str, data: str) -> Mapping[str, str]:
        return {
            "config.file": f"{folder}/alertmanager.yml",
            "storage.path": data,
            # Alone, it needs no second port for a cluster.
            "cluster.listen-address=": "",
            "log.level": "warn",
        }

    def files(self) -> Mapping[str, str]:
        return {"alertmanager.yml": _ALERTMANAGER}

    def remember(self, client: Any) -> str:
        silence = {
            "matchers": [{"name": "kit", "value": "kept", "isRegex": False}],
            "startsAt": "2000-01-01T00:00:00Z",
            "endsAt": "2100-01-01T00:00:00Z",
            "createdBy": "kit",
            "comment": "one fact",
        }
        answer = client.post(f"{client.url}/api/v2/silences", json=silence, timeout=10)
        return str(answer.json()["silenceID"])

    def recall(self, client: Any, token: str) -> bool:
        return bool(client.get(f"{client.url}/api/v2/silence/{token}", timeout=10).ok)


class PushGateway(Companion):
    """The push gateway, which keeps the last word of jobs that are gone before anybody asks."""

    name = "pushgateway"
    title = "Pushgateway"
    summary = "keeps the metrics of short-lived jobs until they are scraped"
    port = 9091
    image = "prom/pushgateway:v1.11.1"
    folder = "/etc/pushgateway"
    binary = "pushgateway"
    install: ClassVar[Mapping[str, str]] = {"apt": "prometheus-pushgateway"}

    def flags(self, folder: str, data: str) -> Mapping[str, str]:
        return {"log.level": "warn"}

    def remember(self, client: Any) -> str:
        at = f"{client.url}/metrics/job/kit"
        client.put(at, data="kit_fact 1\n", timeout=10).raise_for_status()
        return "kit_fact"

    def recall(self, client: Any, token: str) -> bool:
        return f"\n{token}{{" in client.get(f"{client.url}/metrics", timeout=10).text


class NodeExporter(Companion):
    """The node exporter, which tells how this machine is doing."""

    name = "node_exporter"
    title = "Node exporter"
    summary = "this machine's processors, memory, disks and network as metrics"
    port = 9100
    image = "prom/node-exporter:v1.9.1"
    folder = "/etc/node-exporter"
    binary = "node_exporter"
    ready = "/"
    install: ClassVar[Mapping[str, str]] = {
        "apt": "prometheus-node-exporter",
        "brew": "node_exporter",
    }

    def flags(self, folder: str, data: str) -> Mapping[str, str]:
        return {"log.level": "warn", "no-collector.systemd": ""}

    def remember(self, client: Any) -> str:
        return self._booted(client)

    def recall(self, client: Any, token: str) -> bool:
        return self._booted(client) == token

    def _booted(self, client: Any) -> str:
        text: str = client.get(f"{client.url}/metrics", timeout=10).text
        return text.partition("\nnode_boot_time_seconds ")[2].partition("\n")[0]


def web_files(user: str, password: str) -> dict[str, str]:
    """Return the files that close a web interface: the password, and its digest as a rule."""
    import bcrypt

    # The password is 128 random bits; a costlier hash would only slow each scrape's log-in.
    digest = bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4)).decode()
    return {
        "password": password,
        "web.yml": json.dumps({"basic_auth_users": {user: digest}}),
    }


def ask(folder: str, port: int, path: str) -> str:
    """Return the command that asks a program that is closed by the password in `folder`."""
    known = f"$(printf 'kit:%s' \"$(cat {folder}/password)\" | base64 | tr -d '\\n')"
    return f'wget -q -O /dev/null --header "Authorization: Basic {known}" http://127.0.0.1:{port}{path}'


def spell(flags: Mapping[str, str]) -> list[str]:
    """Write flags as Go's programs take them; one without a value stands alone."""
    return [f"--{key}={value}" if value else f"--{key}" for key, value in flags.items()]


COMPANIONS: Mapping[str, Database] = {
    found.name: found for found in (Alertmanager(), PushGateway(), NodeExporter())
}

"""Prometheus: monitoring by asking."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kit.databases import programs
from kit.databases.base import Command, Container, Database, Endpoint, Program, Site

_CONFIG = """global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: [rules/*.yml]
scrape_configs:
  - job_name: prometheus
    basic_auth: {{username: {user}, password_file: {password_file}}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - job_name: lesson
    file_sd_configs: [{{files: [targets/*.json], refresh_interval: 1s}}]
"""


class Prometheus(Database):
    """Prometheus, which scrapes itself every second and whatever `targets/*.json` names."""

    name = "prometheus"
    title = "Prometheus"
    summary = "monitoring and alerts by scraping what runs"
    lesson = "08_prometheus"
    accent = "#e6522c"
    scheme = "http"
    schemes = ("https",)
    port = 9090
    image = "prom/prometheus:v3.5.0"
    install = {
        "apt": "prometheus prometheus-alertmanager",
        "conda": "prometheus",
        "brew": "prometheus",
    }
    user = "kit"

    def programs(self) -> list[Program]:
        return programs.search("prometheus", product=self.title)

    def command(self, program: Program, site: Site) -> Command:
        flags = {
            "config.file": str(site.directory / "prometheus.yml"),
            "web.config.file": str(site.directory / "web.yml"),
            "web.listen-address": f"127.0.0.1:{site.port}",
            "storage.tsdb.path": str(site.data),
            **_WEB,
            **site.settings,
        }
        return Command(
            argv=[str(program.path), *_flags(flags)],
            files=self._files(site, site.port, str(site.directory)),
        )

    def container(self, site: Site) -> Container:
        folder = "/etc/prometheus"
        flags = {
            "config.file": f"{folder}/prometheus.yml",
            "web.config.file": f"{folder}/web.yml",
            "storage.tsdb.path": "/prometheus",
            **_WEB,
            **site.settings,
        }
        files = self._files(site, self.port, folder)
        return Container(
            files={f"{folder}/{name}": text for name, text in files.items()},
            command=_flags(flags),
        )

    def connect(self, endpoint: Endpoint, **options: Any) -> Any:
        from prometheus_api_client import PrometheusConnect
        from urllib3.util import Retry

        address = f"{self._scheme(endpoint)}://{endpoint.host}:{endpoint.port}"
        auth = (endpoint.user, endpoint.password) if endpoint.password else None
        defaults: dict[str, Any] = {
            "url": address,
            "auth": auth,
            "disable_ssl": not endpoint.tls,
            "timeout": 10,
            # The client's own patience would turn a refusal, or a start, into a wait of seconds.
            "retry": Retry(0),
        }
        return PrometheusConnect(**(defaults | options))

    def close(self, client: Any) -> None:
        client._session.close()

    def ping(self, client: Any) -> None:
        client.custom_query("vector(1)")

    def identify(self, client: Any) -> tuple[str, str]:
        found = client.custom_query("prometheus_build_info")
        version = found[0]["metric"].get("version", "") if found else _build_info(client)
        return self.title, version.split("+")[0]

    def remember(self, client: Any) -> str:
        found = _until_scraped(client)
        return str(found["value"][0])

    def recall(self, client: Any, token: str) -> bool:
        found = client.custom_query("up", params={"time": token})
        return bool(found)

    def features(self, product: str) -> frozenset[str]:
        return frozenset({"persistence", "alerting"})

    def _scheme(self, endpoint: Endpoint) -> str:
        return "https" if endpoint.tls else "http"

    def _files(self, site: Site, port: int, folder: str) -> Mapping[str, str]:
        import bcrypt

        # The password is 128 random bits; a costlier hash would only slow each scrape's log-in.
        digest = bcrypt.hashpw(site.password.encode(), bcrypt.gensalt(rounds=4)).decode()
        config = _CONFIG.format(user=self.user, password_file=f"{folder}/password", port=port)
        return {
            "password": site.password,
            "web.yml": json.dumps({"basic_auth_users": {self.user: digest}}),
            "prometheus.yml": config,
        }


_WEB = {"web.enable-lifecycle": "", "log.level": "warn"}


def _flags(flags: Mapping[str, str]) -> list[str]:
    return [f"--{key}={value}" if value else f"--{key}" for key, value in flags.items()]


def _build_info(client: Any) -> str:
    answer = client._session.get(
        f"{client.url}/api/v1/status/buildinfo", auth=client.auth, timeout=10
    )
    return str(answer.json()["data"]["version"])


def _until_scraped(client: Any) -> Any:
    import time

    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := client.custom_query("up"):
            return found[0]
        time.sleep(0.1)
    raise TimeoutError("Prometheus has not scraped itself within 30 s")


DATABASE = Prometheus()

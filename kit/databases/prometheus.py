"""Prometheus: monitoring by asking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kit.databases import programs
from kit.databases.base import Command, Container, Database, Program, Site
from kit.databases.companions import ask, spell, web_files
from kit.databases.endpoint import Endpoint

_CONFIG = """global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: [rules/*.yml]
alerting:
  alertmanagers:
  - basic_auth: {{username: {user}, password_file: alertmanager.password}}
    file_sd_configs: [{{files: [alertmanager.json], refresh_interval: 1s}}]
scrape_configs:
  - job_name: prometheus
    basic_auth: {{username: {user}, password_file: password}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - job_name: lesson
    file_sd_configs: [{{files: [targets/*.json], refresh_interval: 1s}}]
  - job_name: pushgateway
    honor_labels: true
    basic_auth: {{username: {user}, password_file: pushgateway.password}}
    file_sd_configs: [{{files: [pushgateway.json], refresh_interval: 1s}}]
  - job_name: node
    basic_auth: {{username: {user}, password_file: node_exporter.password}}
    file_sd_configs: [{{files: [node_exporter.json], refresh_interval: 1s}}]
"""


class Prometheus(Database):
    """Prometheus, which scrapes itself every second and whatever `targets/*.json` names.

    A companion is found when `<its name>.json` names its address and `<its name>.password` holds
    its password.
    """

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
    folder = "/etc/prometheus"
    volume = "/prometheus"
    health = ask(folder, port, "/-/ready")

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
            argv=[str(program.path), *spell(flags)],
            files=self._files(site, site.port),
        )

    def container(self, site: Site) -> Container:
        folder = self.folder
        flags = {
            "config.file": f"{folder}/prometheus.yml",
            "web.config.file": f"{folder}/web.yml",
            "storage.tsdb.path": "/prometheus",
            **_WEB,
            **site.settings,
        }
        files = self._files(site, self.port)
        return Container(
            files={f"{folder}/{name}": text for name, text in files.items()},
            command=spell(flags),
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

    def room(self, endpoint: Endpoint) -> str:
        return (
            "You may ask this Prometheus anything. What it scrapes and when it rings is written in "
            "its configuration, by those who run it."
        )

    def features(self, product: str, version: str) -> frozenset[str]:
        # Since 3.0 it tells how it parses a query (HTTP API, "Parsing a PromQL expression into an
        # abstract syntax tree", experimental).
        major = version.partition(".")[0]
        tells = {"parser"} if major.isdecimal() and int(major) >= 3 else set()
        return frozenset({"persistence", "alerting"} | tells)

    def _scheme(self, endpoint: Endpoint) -> str:
        return "https" if endpoint.tls else "http"

    def _files(self, site: Site, port: int) -> Mapping[str, str]:
        config = _CONFIG.format(user=self.user, port=port)
        return {
            **web_files(self.user, site.password),
            "prometheus.yml": config,
            # A folder that is there from the start can be watched.
            "targets/none.json": "[]",
        }


# An alert that fires while Alertmanager is not yet known waits for the next sending.
_WEB = {"web.enable-lifecycle": "", "log.level": "warn", "rules.alert.resend-delay": "2s"}


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

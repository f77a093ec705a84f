"""Expressions that are taken apart, and a Prometheus that has requests of its own to count."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.labs.prometheus.api import Api
from kit.labs.prometheus.evaluation import Node
from kit.launch.server import Server
from kit.launch.start import start
from tests.traces import await_true

REQUESTS = "prometheus_http_requests_total"
SECONDS = "prometheus_http_request_duration_seconds"
EXPRESSIONS = [
    "up",
    f"{REQUESTS}",
    f'{REQUESTS}{{code="200", handler!~"/api/.*"}}',
    f"{REQUESTS}[10s]",
    f"{REQUESTS}[10s:1s]",
    f"rate({REQUESTS}[10s])",
    f"irate({REQUESTS}[10s] offset 1s)",
    f"sum({REQUESTS})",
    f"sum by (code) ({REQUESTS})",
    f"sum without (handler, instance) (rate({REQUESTS}[10s]))",
    f"avg by (job, code) ({REQUESTS})",
    f"count_values('v', {REQUESTS})",
    f"topk(2, {REQUESTS})",
    f"bottomk by (job) (1, {REQUESTS})",
    f"quantile(0.5, {REQUESTS})",
    f"group by (handler) ({REQUESTS})",
    f"histogram_quantile(0.9, sum by (le) (rate({SECONDS}_bucket[10s])))",
    f"histogram_quantile(0.5, rate({SECONDS}_bucket[10s]))",
    f"rate({SECONDS}_sum[10s]) / rate({SECONDS}_count[10s])",
    f"{REQUESTS} / on (instance, job) group_left () up",
    f"prometheus_build_info * on (job, instance) group_right (version) {REQUESTS}",
    f"{REQUESTS} / ignoring (handler, code) group_left sum without (handler, code) ({REQUESTS})",
    f"{REQUESTS} > 0",
    f"{REQUESTS} > bool 3",
    f"-{REQUESTS} + 2 * 3",
    f"{REQUESTS} and on (handler) {SECONDS}_count",
    f"up or {REQUESTS}",
    f"{REQUESTS} unless on (handler) {SECONDS}_count",
    f"{REQUESTS} / {SECONDS}_count",
    "absent(up)",
    'absent(nothing{job="here"})',
    f"absent_over_time({REQUESTS}[5s])",
    f"max_over_time(sum by (code) (rate({REQUESTS}[5s]))[10s:1s])",
    f"max_over_time((rate({REQUESTS}[5s]))[6s:2s] offset 3s)",
    "max_over_time(max_over_time(up[3s:1s] offset 2s)[4s:1s] @ end())",
    f"sort_desc({REQUESTS})",
    'label_replace(up, "host", "$1", "instance", "(.*):.*")',
    "scalar(up) + time()",
    "vector(1) / vector(0)",
    f"predict_linear({REQUESTS}[10s], 60)",
]


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("prometheus", name="tree", backend="process") as running:
        api = Api(running)
        await_true(lambda: api.instant(f"rate({REQUESTS}[5s])").series, "two scrapes")
        await_true(lambda: api.instant(f"rate({SECONDS}_bucket[5s])").series, "its own queries")
        yield running


@pytest.fixture(scope="module")
def api(server: Server) -> Api:
    return Api(server)


def counted(api: Api, node: Node, at: float) -> float:
    """Have the server itself count the series that a step gives."""
    text = node.step.text
    inner = f"count_over_time({text})" if node.kind == "range vector" else text
    found = api.instant(f"count({inner})", at=node.step.moment(at)).series
    return found[0].value if found else 0


def now(api: Api) -> float:
    """Return the moment of the last whole scrape: one that is under way would still add to it."""
    return api.instant("min(timestamp(up))").series[0].value

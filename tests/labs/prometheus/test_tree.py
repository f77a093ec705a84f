"""The query tree on a real Prometheus: every step's figures are the server's own."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit import databases
from kit.errors import PromQLError, ServerGone, ServerMissing, UsageError
from kit.labs import prometheus as lab
from kit.labs.prometheus import evaluation, expression, findings, parsing
from kit.labs.prometheus.api import Api, Found
from kit.labs.prometheus.evaluation import Node
from kit.labs.prometheus.expression import Step
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

# What Prometheus 3.5.3 answered when it was asked /api/v1/parse_query for each.
TOLD = json.loads(Path(__file__).with_name("recorded").joinpath("parse_query.json").read_text())


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


def finite(found: Found) -> float:
    """Return a value that equals itself."""
    return -1e300 if math.isnan(found.value) else found.value


def now(api: Api) -> float:
    return api.instant("time()").series[0].value


@pytest.mark.parametrize("promql", EXPRESSIONS)
def test_the_number_of_series_at_every_step_is_what_the_server_counts(
    api: Api, promql: str
) -> None:
    at = now(api)
    root = evaluation.evaluate(api, promql, at=at, times=1)
    assert root.refusal is None
    steps = [node for node in root.all() if node.count is not None]
    assert [node.count for node in steps] == [counted(api, node, at) for node in steps]
    assert len(root.series) == len(api.instant(promql, at=at).series)


@pytest.mark.parametrize("promql", EXPRESSIONS)
def test_the_last_step_gives_what_the_whole_expression_gives(api: Api, promql: str) -> None:
    at = now(api)
    root = evaluation.evaluate(api, promql, at=at, times=1)
    whole = api.instant(promql, at=at)
    assert root.answer.kind == whole.kind
    assert {one.name for one in root.series} == {one.name for one in whole.series}
    assert sorted(map(finite, root.series)) == sorted(map(finite, whole.series))


def test_each_step_carries_the_servers_own_time_and_samples(api: Api) -> None:
    root = evaluation.evaluate(api, f"sum(rate({REQUESTS}[10s]))", times=5)
    nodes = list(root.all())
    assert [len(node.times) for node in nodes] == [5, 5, 5]
    assert all(node.seconds and node.seconds > 0 for node in nodes)
    assert (
        root.answer.samples
        == nodes[-1].answer.samples
        == sum(len(one.points) for one in nodes[-1].series)
    )


def test_a_step_inside_a_subquery_is_evaluated_when_the_subquery_last_did() -> None:
    root = read("max_over_time(max_over_time(up[10s:2s] offset 3s)[1m:5s] offset 7s)")
    inner = list(expression.everything(root))[-1]
    assert inner.text == "up"
    assert inner.moment(1000.0) == 990.0
    assert read("up").moment(12.5) == 12.5


# The parsers


def read(promql: str) -> Step:
    return expression.read(parsing.by_library(promql))


@pytest.fixture(scope="module")
def modern(home: Path) -> Iterator[Api]:
    """Return a server that tells how it parses, where there is one."""
    try:
        started = start("prometheus", name="modern", backend="process", version="3")
    except ServerMissing:
        pytest.skip("no Prometheus 3 on this machine: the recorded answers are compared")
    with started as running:
        api = Api(running)
        await_true(lambda: api.instant(f"rate({REQUESTS}[5s])").series, "two scrapes")
        yield api


@pytest.mark.parametrize("promql", TOLD)
def test_the_library_parses_an_expression_into_the_tree_that_prometheus_told(promql: str) -> None:
    told = expression.read(TOLD[promql])
    assert told == read(promql)
    assert told == read(told.text)


def test_each_recorded_answer_is_what_the_server_tells(modern: Api) -> None:
    for promql, told in TOLD.items():
        found = expression.read(parsing.parse(modern, promql))
        assert found == expression.read(told)
        assert found == expression.read(parsing.parse(modern, found.text))


@pytest.mark.parametrize("promql", EXPRESSIONS)
def test_a_server_that_tells_how_it_parses_counts_the_same_series(modern: Api, promql: str) -> None:
    at = now(modern)
    root = evaluation.evaluate(modern, promql, at=at, times=1)
    steps = [node for node in root.all() if node.count is not None]
    assert [node.count for node in steps] == [counted(modern, node, at) for node in steps]


def test_it_is_said_whose_parser_it_was(server: Server, modern: Api) -> None:
    for one in (server, modern.server):
        panel = lab.tree(one, "sum(up)")
        assert ("promql-parser" in panel.static_text()) is not one.supports(parsing.FEATURE)
        panel.close()


@pytest.mark.parametrize("told", [{"type": "novel"}, {"unheard": "of"}, None])
def test_a_form_that_a_later_server_tells_is_evaluated_as_a_whole(
    api: Api, monkeypatch: pytest.MonkeyPatch, told: Any
) -> None:
    monkeypatch.setattr(parsing, "parse", lambda *_: told)
    root = evaluation.evaluate(api, "sum(up)", times=1)
    assert (root.step.text, root.children, root.count) == ("sum(up)", (), 1)


@pytest.mark.parametrize(
    "extra", [{"anchored": True}, {"matching": {"fillValues": {"lhs": 0, "rhs": None}}}]
)
def test_what_cannot_be_written_out_again_is_not_taken_apart(extra: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not known"):
        expression.read({**TOLD["up"], **extra})


@pytest.mark.parametrize(
    ("version", "tells"), [("2.42.0", False), ("3.0.0", True), ("12.1", True), ("", False)]
)
def test_a_prometheus_tells_how_it_parses_since_its_third(version: str, tells: bool) -> None:
    found = databases.get("prometheus").features("Prometheus", version)
    assert (parsing.FEATURE in found) is tells


def titles(api: Api, promql: str) -> list[str]:
    return [one.title for one in findings.look(api, evaluation.evaluate(api, promql, times=1))]


@pytest.mark.parametrize(
    ("promql", "title", "word"),
    [
        ("upp", "No such metric", "Did you mean up?"),
        ('up{job="nobody"}', "No such label", "The values of job are prometheus"),
        (f"up / {REQUESTS}", "No partners", "Only one side carries code, handler"),
        (f"rate({REQUESTS}[1s])", "Window too short", "rate needs two values"),
        ("rate(go_goroutines[10s])", "A gauge is no counter", "go_goroutines is a gauge"),
        (f"rate(sum({REQUESTS})[5s:1s])", "rate comes before sum", "then add"),
        (f"histogram_quantile(0.9, sum({SECONDS}_bucket))", "The buckets are gone", "label le"),
        ("vector(0) / 0", "Not a number", "1 of 1 value are NaN"),
        (f"up + on (job) {REQUESTS}", "Refused here", "many-to-many"),
    ],
)
def test_what_went_wrong_is_said_at_its_step(api: Api, promql: str, title: str, word: str) -> None:
    found = findings.look(api, evaluation.evaluate(api, promql, times=1))
    assert [one.title for one in found] == [title]
    assert word in found[0].words


@pytest.mark.parametrize("promql", ["absent(nothing)", f"sum(rate({REQUESTS}[10s]))", "up > 0"])
def test_nothing_is_said_where_nothing_is_wrong(api: Api, promql: str) -> None:
    # A busy machine scrapes late, and then a short window is too short.
    await_true(lambda: titles(api, promql) == [], "nothing is found")


def test_a_refused_step_is_found_below_the_steps_that_fail_with_it(api: Api) -> None:
    root = evaluation.evaluate(api, f"sum(up + on (job) {REQUESTS}) > 0", times=1)
    refused = evaluation.culprit(root)
    assert refused is not None
    assert refused.step.label == "+ on (job)"
    assert [child.count for child in refused.children if child.count] != []


def test_a_panel_shows_steps_and_what_ran_and_a_bad_query_does_not_end_it(server: Server) -> None:
    panel = lab.tree(server, f"sum(rate({REQUESTS}[10s])) > 0")
    assert panel.status.state == "done"
    assert [step.label for step in panel.tree.steps] == [
        ">",
        "sum",
        "rate",
        f"{REQUESTS}[10s]",
        "0",
    ]
    assert panel.strip is not None
    assert panel.strip.text.splitlines()[0] == f"{REQUESTS}[10s]"
    assert panel.run("sum(") is None
    assert panel.status.state == "failed"
    assert "unclosed left parenthesis" in panel.notice.value
    assert panel.run("up") is not None
    assert panel.status.state == "done"
    assert panel.run("") is None
    assert panel.status.state == "empty"
    panel.close()


def test_a_saved_tree_keeps_series_and_leaves_out_what_varies(server: Server) -> None:
    panel = lab.tree(server, f"sum(rate({REQUESTS}[10s]))")
    for picture in (panel.static_html(), panel.static_text()):
        assert "instant vector" in picture
        assert "µs" not in picture
        assert str(server.port) not in picture
    panel.close()


def test_hostile_labels_are_shown_and_never_run(server: Server) -> None:
    label = "<img src=x onerror=alert(1)>"
    panel = lab.tree(server, f'label_replace(up, "a", "{label}", "job", ".*")')
    assert label not in panel.static_html()
    assert panel.root is not None
    assert panel.root.series[0].labels["a"] == label
    panel.close()


def test_a_lost_server_is_one_clear_message_and_the_panel_goes_on(own_home: Path) -> None:
    with start("prometheus", backend="process") as server:
        panel = lab.tree(server, "vector(1)")
        server.kill()
        await_true(lambda: server.state == "exited", "it is seen to have ended")
        assert panel.run("vector(1)") is None
        assert "restart()" in panel.notice.value
        server.restart()
        assert panel.run("vector(1)") is not None
        assert panel.status.state == "done"
        panel.close()


def test_a_cancelled_run_says_so(api: Api) -> None:
    stop = threading.Event()
    stop.set()
    root = evaluation.evaluate(api, "sum(up)", stop=stop)
    assert all(node.count is None for node in root.all())


def test_only_a_prometheus_is_taken(own_home: Path) -> None:
    with start("redis", backend="process") as redis, pytest.raises(UsageError, match="Prometheus"):
        lab.tree(redis)


def test_a_refusal_is_the_servers_own_sentence(api: Api) -> None:
    with pytest.raises(PromQLError, match="parse error"):
        api.instant("sum(")
    with pytest.raises(PromQLError, match="parse error"):
        api.range("sum(", 0, 10, 1)


def test_a_stopped_server_is_said_to_be_gone(own_home: Path) -> None:
    server = start("prometheus", backend="process")
    api = Api(server)
    server.stop()
    with pytest.raises(ServerGone):
        api.instant("up")

"""The query tree on a real Prometheus: every step's figures are the server's own."""

from __future__ import annotations

import math
import threading
from pathlib import Path

import pytest

from kit.errors import PromQLError, ServerGone, UsageError
from kit.labs import prometheus as lab
from kit.labs.prometheus import evaluation, findings
from kit.labs.prometheus.api import Api, Found
from kit.launch.server import Server
from kit.launch.start import start
from tests.labs.prometheus.expressions import EXPRESSIONS, REQUESTS, SECONDS, counted, now
from tests.labs.prometheus.expressions import api as api
from tests.labs.prometheus.expressions import server as server
from tests.traces import await_true


def finite(found: Found) -> float:
    """Return a value that equals itself."""
    return -1e300 if math.isnan(found.value) else found.value


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

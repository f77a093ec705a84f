"""The Prometheus labs on real servers: what is shown is what the server told."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kit.errors import PromQLError, StartTimeout, UnknownName, UsageError
from kit.labs import prometheus as lab
from kit.labs.prometheus import alerting, configuration, lines, trouble
from kit.labs.prometheus.api import Api, Found
from kit.labs.prometheus.completion import vocabulary
from kit.labs.prometheus.observation import VIEWS, shares
from kit.labs.prometheus.serving import BUCKETS
from kit.labs.prometheus.web import Reply, Web
from kit.launch.server import Server
from kit.launch.start import start
from tests.traces import await_true

HOSTILE = '<img src=x onerror=alert(1)> "quoted"'


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("prometheus", name="labs", backend="process") as running:
        yield running


@pytest.fixture(scope="module")
def model(server: Server) -> Iterator[lab.ModelServer]:
    service = lab.ModelServer(server)
    lab.scrape(server, "model", service.address, labels={"service": "digits"})
    lab.until(server, 'up{service="digits"} == 1')
    yield service
    lab.scrape(server, "model")
    service.close()


@pytest.fixture
def traffic(model: lab.ModelServer) -> Iterator[lab.Traffic]:
    with lab.Traffic(model, rate=40, errors=0.25) as people:
        yield people


@pytest.fixture
def api(server: Server) -> Api:
    return Api(server)


def total(api: Api, expression: str) -> float:
    found = api.instant(expression).series
    return found[0].value if found else 0.0


def plain(markup: str) -> str:
    return re.sub("<[^>]+>", "", markup)


# The console


def test_an_answer_is_a_table_now_and_a_chart_over_time(server: Server) -> None:
    lab.until(server, "count_over_time(up[1m]) > 2")
    panel = lab.console(server, "sum by (job) (up)")
    assert panel.status.state == "done"
    assert panel.answer is not None
    assert panel.table.grids[0].columns == ["job", "value"]
    assert [row[0] for row in panel.table.grids[0].rows] == [
        one.labels["job"] for one in panel.answer.series
    ]
    panel.view.value = "chart"
    assert len(panel.chart.lines) >= 1
    assert panel.strip is not None
    assert panel.strip.text == "sum by (job) (up)"
    panel.close()


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("sum(", "unclosed left parenthesis"),
        ("rate(up)", "expected type range vector"),
        ("up +", "unexpected end of input"),
    ],
)
def test_a_bad_query_is_the_servers_own_message_and_the_panel_goes_on(
    server: Server, expression: str, said: str
) -> None:
    panel = lab.console(server, expression)
    assert panel.status.state == "failed"
    assert said in panel.notice.value
    assert panel.run("vector(1)") is not None
    assert panel.status.state == "done"
    panel.close()


def test_an_empty_result_says_that_it_is_empty(server: Server) -> None:
    panel = lab.console(server, 'up{job="nobody"}')
    assert panel.status.state == "empty"
    assert "no series fits it" in panel.notice.value
    panel.close()


def test_nan_and_infinity_are_shown_as_what_they_are(server: Server) -> None:
    panel = lab.console(server, "vector(0) / 0 or label_replace(vector(1) / 0, 'a', 'b', '', '')")
    assert {str(row[-1]) for row in panel.table.grids[0].rows} == {"NaN", "∞"}
    assert panel.chart.lines == []
    panel.close()


def test_a_window_of_values_and_a_text_are_shown_too(server: Server) -> None:
    panel = lab.console(server, "up[5s]")
    assert panel.table.grids[0].columns[-1] == "values"
    panel.run('"text"')
    assert panel.table.grids[0].message == "text"
    panel.close()


def test_hostile_labels_are_escaped(server: Server) -> None:
    panel = lab.console(server, f"label_replace(vector(1), 'a', '{HOSTILE}', '', '')")
    assert "<img" not in panel.table.html
    assert "<img" not in panel.static_html()
    assert panel.answer is not None
    assert panel.answer.series[0].labels["a"] == HOSTILE
    panel.close()


def test_too_many_points_are_refused_with_what_to_do(api: Api) -> None:
    with pytest.raises(PromQLError, match="11,000 points"):
        api.range("vector(1)", 0, 20_000, 1)
    found = api.range("time()", time.time() - 10_000, time.time(), 1)
    assert len(found.series[0].points) == 10_001


def test_a_million_points_are_thinned_and_the_chart_says_so(server: Server, api: Api) -> None:
    end = time.time()
    wave = "sin(vector(time()) / 9) + (vector(time()) % 997 == bool 0) * 50"
    found = api.range(wave, end - 10_000, end, 1)
    points = [point for n in range(100) for point in shifted(found.series[0], n * 10_001)]
    assert len(points) > 1_000_000
    panel = lab.console(server, "vector(1)")
    panel.chart.show(lines.lines([Found({"a": "b"}, points)], 1.0))
    drawn = [value for line in panel.chart.lines for _, value in line.points]
    assert len(drawn) < 5000
    assert max(drawn) == max(value for _, value in points)
    assert min(drawn) == min(value for _, value in points)
    assert "1,000,100" in panel.chart.note
    panel.close()


def shifted(found: Found, seconds: float) -> list[tuple[float, float]]:
    return [(at + seconds, value) for at, value in found.points]


def test_a_gap_is_drawn_as_a_gap() -> None:
    made = lines.gapped([(0, 1.0), (1, 1.0), (5, 2.0), (6, 2.0)], 1.0)
    assert [at for at, _ in made] == [0, 1, 2, 5, 6]
    assert math.isnan(made[2][1])


def test_lines_are_named_by_the_labels_that_tell_them_apart() -> None:
    found = [Found({"code": code, "job": "a"}, [(0, 1.0)]) for code in ("200", "500")]
    assert lines.short_names(found) == ["200", "500"]
    assert lines.short_names(found[:1]) == [""]


def test_metrics_functions_labels_and_values_are_offered(api: Api) -> None:
    words = vocabulary(api)
    offered = dict(words["outside"])
    assert offered["prometheus_http_requests_total"] == "counter"
    assert offered["go_goroutines"] == "gauge"
    assert offered["rate"] == "function"
    assert '"prometheus"' in words["within"]["job"]


def test_a_lost_server_offers_promqls_own_words_and_says_what_to_do(own_home: Path) -> None:
    with start("prometheus", backend="process") as server:
        server.kill()
        await_true(lambda: server.state == "exited", "it is seen to have ended")
        panel = lab.console(server, "up")
        assert panel.status.state == "failed"
        assert "restart()" in panel.notice.value
        assert "rate" in dict(panel.editor.words["outside"])
        server.restart()
        panel.run("vector(1)")
        assert panel.status.state == "done"
        panel.close()


# The model server


def test_every_request_is_counted_by_its_outcome(
    api: Api, model: lab.ModelServer, server: Server
) -> None:
    model.restart()
    with lab.Traffic(model, rate=50, errors=0.3) as people:
        await_true(lambda: people.sent >= 40, "forty requests were answered")
    lab.until(server, f"sum(model_requests_total) == {people.sent}")
    assert total(api, 'sum(model_requests_total{code="500"})') == people.failed > 0
    assert total(api, "sum(model_request_seconds_count)") == people.sent
    assert total(api, "sum(model_predictions_total)") == people.sent - people.failed
    assert total(api, "sum(model_confidence_count)") == people.sent - people.failed


def test_the_model_is_real_and_its_refusals_are_its_own(model: lab.ModelServer) -> None:
    import requests

    from kit import data

    digits = data.digits()
    right = 0
    for pixels, label in zip(digits.test[:40].tolist(), digits.test_labels[:40], strict=True):
        said = requests.post(f"{model.here}/predict", json={"pixels": pixels}, timeout=10).json()
        right += said["digit"] == label
    assert right > 32
    short = requests.post(f"{model.here}/predict", json={"pixels": [0] * 3}, timeout=10)
    assert short.status_code == 500
    assert "64" in short.json()["error"]
    assert requests.post(f"{model.here}/predict", data="x", timeout=10).status_code == 400
    assert requests.get(f"{model.here}/nowhere", timeout=10).status_code == 404


def test_slowness_shows_in_the_quantiles(
    server: Server, model: lab.ModelServer, traffic: lab.Traffic
) -> None:
    model.delay = 0.2
    try:
        lab.until(
            server,
            "histogram_quantile(0.5, sum by (le) (rate(model_request_seconds_bucket[5s]))) > 0.1",
        )
    finally:
        model.delay = 0.0


def test_a_restart_is_a_reset_that_rate_survives(
    server: Server, api: Api, model: lab.ModelServer, traffic: lab.Traffic
) -> None:
    lab.until(server, "sum(model_requests_total) > 40")
    model.restart()
    lab.until(server, "sum(resets(model_requests_total[30s])) > 0")
    assert total(api, "min(rate(model_requests_total[15s]))") >= 0


def test_restarted_with_other_buckets_it_has_those(
    server: Server, api: Api, model: lab.ModelServer, traffic: lab.Traffic
) -> None:
    model.restart(buckets=(0.1, 1.0))
    try:
        lab.until(server, "count(sum by (le) (model_request_seconds_bucket)) == 3")
    finally:
        model.restart(buckets=BUCKETS)


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_draws_what_its_queries_give(
    server: Server, model: lab.ModelServer, traffic: lab.Traffic, view: str
) -> None:
    lab.until(server, "sum(rate(model_requests_total[5s])) > 0")
    panel = lab.observe(server, model, traffic, view=view, watch=False)
    assert panel.status.state == "done"
    assert all(answer.series for answer in panel.answers.values())
    assert panel.bars.bars if view == "Buckets" else panel.chart.lines
    assert panel.strip is not None
    assert next(iter(VIEWS[view].queries.values())) in panel.strip.text
    panel.close()


def test_the_controls_steer_the_load(
    server: Server, model: lab.ModelServer, traffic: lab.Traffic
) -> None:
    panel = lab.observe(server, model, traffic, watch=False)
    panel.rate.value, panel.errors.value, panel.delay.value = 12, 50, 30
    assert (traffic.rate, traffic.errors, model.delay) == (12, 0.5, 0.03)
    panel.delay.value = 0
    panel.close()


def test_a_watching_panel_stops_when_it_is_closed(
    server: Server, model: lab.ModelServer, traffic: lab.Traffic
) -> None:
    panel = lab.observe(server, model, traffic)
    assert panel.watch.running
    panel.close()
    assert not panel.watch.running


def test_an_unknown_view_is_refused_with_the_nearest(
    server: Server, model: lab.ModelServer, traffic: lab.Traffic
) -> None:
    with pytest.raises(UnknownName, match="Errors"):
        lab.observe(server, model, traffic, view="Error")


def test_each_bucket_counts_only_what_fell_into_it(api: Api) -> None:
    answer = api.instant(
        "label_replace(vector(3), 'le', '0.1', '', '') or "
        "label_replace(vector(5), 'le', '1', '', '') or "
        "label_replace(vector(6), 'le', '+Inf', '', '')"
    )
    assert [(bar.label, bar.value) for bar in shares(answer)] == [
        ("0 to 0.1", 3.0),
        ("0.1 to 1", 2.0),
        ("above 1", 1.0),
    ]


# Targets


def test_a_target_that_answers_garbage_is_down_and_says_why(server: Server) -> None:
    web = Web(lambda *_: Reply(200, "text/plain", b"<html>404</html>\n"))
    lab.scrape(server, "garbage", web.address, labels={"service": "garbage"})
    lab.until(server, 'up{service="garbage"} == 0')
    panel = lab.targets(server, watch=False)
    found = next(one for one in panel.found if one.labels.get("service") == "garbage")
    assert found.health == "down"
    assert found.error
    assert "✗" in panel.table.html
    assert web.address not in panel.static_html()
    panel.close()
    lab.scrape(server, "garbage")
    web.close()


def test_a_target_that_goes_down_and_comes_back_leaves_a_gap(server: Server) -> None:
    web = Web(lambda *_: Reply(200, "text/plain", b"steady 1\n"))
    lab.scrape(server, "steady", web.address, labels={"service": "steady"})
    panel = lab.targets(server, watch=False)

    def health() -> str:
        panel.refresh()
        return next(one.health for one in panel.found if one.labels.get("service") == "steady")

    lab.until(server, "count_over_time(steady[1m]) > 2")
    assert health() == "up"
    web.close()
    lab.until(server, 'count_over_time((up{service="steady"} == 0)[1m:1s]) > 3')
    assert health() == "down"
    web = Web(lambda *_: Reply(200, "text/plain", b"steady 1\n"), port=web.port)
    lab.until(server, "count_over_time(steady[4s]) > 2")
    assert health() == "up"
    console = lab.console(server, "steady", table=False)
    (line,) = console.chart.lines
    known = [not math.isnan(value) for _, value in line.points]
    assert known[0]
    assert known[-1]
    assert not all(known)
    for part in (console, panel, web):
        part.close()
    lab.scrape(server, "steady")


def test_a_bad_configuration_keeps_the_old_one(server: Server) -> None:
    panel = lab.targets(server, watch=False)
    before, force = server.read("prometheus.yml"), configuration.in_force(server)
    assert not panel.put(before + "\n  - nonsense: 1\n")
    assert "nonsense" in panel.notice.value
    assert str(server.port) not in panel.notice.value
    assert server.read("prometheus.yml") == before
    assert configuration.in_force(server) == force
    assert panel.put(before)
    assert panel.status.state == "done"
    panel.close()


def test_an_edited_configuration_is_taken(server: Server) -> None:
    before = server.read("prometheus.yml")
    extra = "  - job_name: extra\n    static_configs: [{targets: ['127.0.0.1:1']}]\n"
    configuration.put_config(server, before + extra)
    lab.until(server, 'up{job="extra"} == 0')
    configuration.put_config(server, before)
    jobs = [job["job_name"] for job in configuration.in_force(server)["scrape_configs"]]
    assert "extra" not in jobs


RULES = r"""
- {source_labels: [__meta_stage], regex: canary, action: drop}
- {source_labels: [__address__], regex: '(.+):\d+', target_label: host}
- {regex: team, action: labeldrop}
"""


def test_relabelling_is_shown_rule_by_rule_as_prometheus_does_it(server: Server) -> None:
    found = {"__address__": "10.0.0.7:8000", "__meta_stage": "prod", "team": "vision", "job": "svc"}
    panel = lab.relabel(server, found, RULES)
    after = [step.labels for step in panel.steps]
    assert all(labels is not None for labels in after)
    assert [labels.get("host") for labels in after if labels] == [None, "10.0.0.7", "10.0.0.7"]
    assert [labels.get("team") for labels in after if labels] == ["vision", "vision", None]
    panel.close()
    dropped = lab.relabel(server, found | {"__meta_stage": "canary"}, RULES)
    assert [step.labels for step in dropped.steps] == [None, None, None]
    dropped.close()


def test_a_bad_relabelling_rule_is_refused_in_prometheuss_words(server: Server) -> None:
    panel = lab.relabel(server, {"__address__": "a:1"}, "[{action: nope}]")
    assert "unknown relabel action" in panel.notice.value
    assert panel.put("- {") == []
    assert panel.put("just words") == []
    assert "Rules are a list" in panel.notice.value
    assert len(panel.put("[{target_label: a, replacement: b}]")) == 1
    assert panel.status.state == "done"
    panel.close()
    with pytest.raises(UsageError, match="address"):
        configuration.relabel({}, [])


# Label explosion and pipelines


def test_each_user_is_one_series_more(server: Server) -> None:
    panel = lab.explode(server, [10, 2000])
    few, many = panel.counts
    assert many.series - few.series >= 1990
    assert few.memory > 0
    assert panel.status.state == "done"
    assert "µs" not in panel.static_text()
    panel.close()


@pytest.fixture(scope="module")
def gateway(server: Server) -> Iterator[Server]:
    with start("pushgateway", name="labs-gateway", backend="process") as running:
        lab.join(server, running)
        yield running


def test_a_steps_end_is_pushed_whether_it_went_well_or_not(
    server: Server, api: Api, gateway: Server
) -> None:
    with lab.step(gateway, "load"):
        pass
    with pytest.raises(ZeroDivisionError), lab.step(gateway, "train"):
        _ = 1 / 0
    lab.until(server, "count(pipeline_success) == 2")
    assert total(api, 'pipeline_success{step="load"}') == 1
    assert total(api, 'pipeline_success{step="train"}') == 0
    assert not api.instant('pipeline_last_success_timestamp_seconds{step="train"}').series
    panel = lab.pipeline(server, late=600, watch=False)
    rows = [[str(cell) for cell in row[:4]] for row in panel.table.grids[0].rows]
    assert rows[0][:3] == ["load", "✓ fresh", "✓ succeeded"]
    assert rows[1] == ["train", "✗ late", "✗ failed", "never"]
    panel.close()


def test_stale_data_raises_an_alert(server: Server, gateway: Server) -> None:
    with lab.step(gateway, "load"):
        pass
    lab.until(server, 'pipeline_success{step="load"}')
    lab.put_rules(
        server,
        lab.rule(
            "StaleData",
            'time() - pipeline_last_success_timestamp_seconds{step="load"} > 2',
            hold="1s",
        ),
    )
    lab.until(server, 'ALERTS{alertname="StaleData", alertstate="firing"}')
    lab.put_rules(server, "groups: []\n")


# Alerts

ON = "vector(1) > 0"


@pytest.fixture(scope="module")
def alertmanager(server: Server) -> Iterator[Server]:
    with start("alertmanager", name="labs-alertmanager", backend="process") as running:
        lab.join(server, running)
        api = Api(server)
        await_true(lambda: api.get("alertmanagers")["activeAlertmanagers"], "it was discovered")
        yield running


@pytest.fixture
def receiver(alertmanager: Server) -> Iterator[lab.Receiver]:
    made = lab.Receiver(alertmanager)
    lab.deliver(alertmanager, made.url)
    yield made
    made.close()


Switch = Callable[[bool], None]


@pytest.fixture
def switch(server: Server) -> Iterator[Switch]:
    """Turn what the rules look at on and off."""
    state = {"on": False}
    web = Web(lambda *_: Reply(200, "text/plain", f"wrong {int(state['on'])}\n".encode()))
    lab.scrape(server, "switch", web.address, labels={"service": "switch"})
    lab.until(server, "wrong == 0")

    def turn(on: bool) -> None:
        state["on"] = on

    yield turn
    lab.scrape(server, "switch")
    lab.put_rules(server, "groups: []\n")
    web.close()


def test_an_alert_goes_pending_firing_resolved_and_each_is_told_once(
    server: Server, alertmanager: Server, receiver: lab.Receiver, switch: Switch
) -> None:
    rules = lab.rule("Wrong", "wrong == 1", hold="2s")
    panel = lab.alerts(server, alertmanager, receiver, rules, watch=False)
    switch(True)
    lab.until(server, 'ALERTS{alertname="Wrong", alertstate="pending"}')
    assert receiver.count("firing", "Wrong") == 0
    lab.until(server, 'ALERTS{alertname="Wrong", alertstate="firing"}')
    assert receiver.until("firing", "Wrong").group == {"alertname": "Wrong"}
    panel.refresh()
    assert "firing" in plain(panel.status.value)
    assert [row[2] for row in panel.table.grids[0].rows] == ["delivered"]
    switch(False)
    receiver.until("resolved", "Wrong")
    assert (receiver.count("firing", "Wrong"), receiver.count("resolved", "Wrong")) == (1, 1)
    panel.refresh()
    lane, told = panel.line.lanes
    assert [span.kind for span in lane.spans] == ["pending", "firing"]
    assert [mark.kind for mark in told.marks] == ["told firing", "told resolved"]
    panel.close()


def test_what_does_not_hold_for_long_enough_is_never_delivered(
    server: Server, receiver: lab.Receiver, switch: Switch
) -> None:
    lab.put_rules(server, lab.rule("Brief", "wrong == 1", hold="1m"))
    for _ in range(2):
        switch(True)
        lab.until(server, 'ALERTS{alertname="Brief", alertstate="pending"}')
        switch(False)
        lab.until(server, 'absent(ALERTS{alertname="Brief"})')
    assert receiver.count("firing", "Brief") == 0


def test_alerts_of_one_group_come_in_one_notification(
    server: Server, alertmanager: Server, receiver: lab.Receiver
) -> None:
    lab.deliver(alertmanager, receiver.url, group_by=["team"])
    each = " or ".join(
        f"label_replace(vector(1), 'zone', '{zone}', '', '')" for zone in ("a", "b", "c")
    )
    lab.put_rules(server, lab.rule("Zone", each, hold="0s", team="vision"))
    told = receiver.until("firing", "Zone")
    assert told.group == {"team": "vision"}
    assert sorted(one["labels"]["zone"] for one in told.alerts) == ["a", "b", "c"]
    lab.put_rules(server, "groups: []\n")


def test_a_silence_keeps_an_alert_back_until_it_ends(
    server: Server, alertmanager: Server, receiver: lab.Receiver
) -> None:
    quiet = lab.silence(alertmanager, 60, alertname="Hushed")
    lab.put_rules(server, lab.rule("Hushed", ON, hold="0s"))
    await_true(
        lambda: any(one["status"]["silencedBy"] == [quiet] for one in lab.held(alertmanager)),
        "it is held and silenced",
    )
    assert receiver.count("firing", "Hushed") == 0
    lab.unsilence(alertmanager, quiet)
    receiver.until("firing", "Hushed")
    lab.put_rules(server, "groups: []\n")
    with pytest.raises(UsageError, match="which alerts"):
        lab.silence(alertmanager)


def test_an_inhibited_alert_is_kept_back_by_the_greater_one(
    server: Server, alertmanager: Server, receiver: lab.Receiver
) -> None:
    lab.deliver(alertmanager, receiver.url, inhibit={"Down": "Slow"})
    lab.put_rules(server, lab.rule("Down", ON, hold="0s"))
    receiver.until("firing", "Down")
    lab.put_rules(server, lab.rule("Down", ON, hold="0s"), lab.rule("Slow", ON, hold="0s"))
    await_true(
        lambda: any(one["status"]["inhibitedBy"] for one in lab.held(alertmanager)),
        "one is inhibited",
    )
    assert receiver.count("firing", "Slow") == 0
    lab.put_rules(server, "groups: []\n")


def states(panel: lab.AlertLab) -> dict[str, tuple[str, str]]:
    """Return what the panel's table says of each alert: its state, and what keeps it back."""
    panel.refresh()
    return {
        str(row[0]): (str(row[2]), str(row[3])) for grid in panel.table.grids for row in grid.rows
    }


def test_the_panel_silences_inhibits_and_lets_all_through(
    server: Server, alertmanager: Server, receiver: lab.Receiver
) -> None:
    panel = lab.alerts(server, alertmanager, receiver, watch=False)
    assert panel.put(lab.rule("Machine", ON, hold="0s"))
    panel.holding.go.click()
    panel.refresh()
    assert "wants two alerts" in panel.notice.value
    lab.put_rules(server, lab.rule("Machine", ON, hold="0s"), lab.rule("Model", ON, hold="0s"))
    await_true(lambda: states(panel).keys() == {"Machine", "Model"}, "both are held, and no other")
    assert (panel.holding.source.value, panel.holding.target.value) == ("Machine", "Model")
    panel.holding.go.click()
    assert panel.strip is not None
    assert 'alertname = "Model"' in panel.strip.text
    inhibited = {"Machine": ("delivered", ""), "Model": ("kept back", "inhibition")}
    await_true(lambda: states(panel) == inhibited, "one is inhibited")
    panel.holding.mute.click()
    assert "silenced: Machine, Model" in plain(panel.status.value)
    await_true(lambda: states(panel)["Machine"] == ("kept back", "silence"), "it is silenced")
    panel.holding.free.click()
    through = dict.fromkeys(inhibited, ("delivered", ""))
    await_true(lambda: states(panel) == through, "nothing is kept back")
    panel.close()
    lab.put_rules(server, "groups: []\n")


def test_no_alert_inhibits_itself(server: Server, alertmanager: Server) -> None:
    with pytest.raises(UsageError, match="name two"):
        lab.inhibit(alertmanager, "Down", "Down")
    with pytest.raises(UsageError, match="Alertmanager"):
        lab.inhibit(server, "Down", "Slow")


def test_trouble_lasts_flaps_and_ends_with_the_panel(
    server: Server, alertmanager: Server, receiver: lab.Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trouble, "LASTS", 0.01)
    monkeypatch.setattr(trouble, "RESTS", 0.01)
    model = lab.ModelServer(server)
    traffic = lab.Traffic(model, errors=0.1)
    panel = lab.alerts(server, alertmanager, receiver, traffic=traffic, watch=False)
    assert panel.trouble is not None
    panel.trouble.choice.value = "lasting"
    assert traffic.errors == trouble.BROKEN
    panel.trouble.choice.value = "none"
    assert traffic.errors == 0.1
    panel.trouble.choice.value = "flapping"
    for share in (trouble.BROKEN, 0.1, trouble.BROKEN):
        await_true(lambda share=share: traffic.errors == share, "it comes and goes")  # type: ignore[misc]
    panel.trouble.watch.interrupt()
    assert (traffic.errors, panel.trouble.choice.value) == (0.1, "none")
    panel.trouble.choice.value = "lasting"
    panel.close()
    assert (traffic.errors, panel.trouble.watch.running) == (0.1, False)
    model.close()


def test_rules_that_cannot_be_read_name_no_alert() -> None:
    assert alerting.names("groups: {") == alerting.names("a") == alerting.names("groups: [1]") == []


def test_bad_rules_are_refused_and_the_old_ones_stay(
    server: Server, alertmanager: Server, receiver: lab.Receiver
) -> None:
    panel = lab.alerts(server, alertmanager, receiver, lab.rule("Fine", "vector(0) > 1"))
    assert not panel.put(lab.rule("Broken", "sum("))
    panel.refresh()
    assert panel.status.state == "failed"
    assert "unclosed left parenthesis" in panel.notice.value
    groups = Api(server).get("rules")["groups"]
    assert [rule["name"] for group in groups for rule in group["rules"]] == ["Fine"]
    panel.close()


def test_a_lost_alertmanager_is_one_message_and_the_panel_goes_on(
    server: Server, alertmanager: Server, receiver: lab.Receiver
) -> None:
    panel = lab.alerts(server, alertmanager, receiver, watch=False)
    alertmanager.kill()
    await_true(lambda: alertmanager.state == "exited", "it is seen to have ended")
    panel.refresh()
    assert panel.status.state == "failed"
    assert "restart()" in panel.notice.value
    alertmanager.restart()
    lab.put_rules(server, lab.rule("Again", ON, hold="0s"))
    await_true(lambda: lab.held(alertmanager), "it holds an alert again")
    panel.refresh()
    assert panel.status.state == "done"
    panel.close()
    lab.put_rules(server, "groups: []\n")


TESTS = """
rule_files: [rules.yml]
evaluation_interval: 1s
tests:
- interval: 1s
  input_series: [{series: wrong, values: '0 1 1 1 1'}]
  alert_rule_test:
  - {eval_time: 2s, alertname: Wrong, exp_alerts: []}
  - {eval_time: 4s, alertname: Wrong, exp_alerts: [{exp_labels: {}}]}
"""


def test_promtool_tests_rules_against_invented_series() -> None:
    rules = lab.rule("Wrong", "wrong == 1", hold="2s")
    assert lab.check_rules(rules)
    assert lab.test_rules(rules, TESTS)
    late = lab.test_rules(lab.rule("Wrong", "wrong == 1", hold="1m"), TESTS)
    assert not late
    assert "FAILED" in late.said
    assert "kit-promtool" not in late.said


def test_waiting_for_what_never_comes_ends_with_a_hint(
    server: Server, receiver: lab.Receiver
) -> None:
    with pytest.raises(StartTimeout, match="targets are up"):
        lab.until(server, 'up{job="nobody"}', patience=0.2)
    with pytest.raises(StartTimeout, match="ALERTS"):
        receiver.until("firing", "Nothing", patience=0.2)


def test_a_window_below_zero_and_a_strangers_companion_are_refused(server: Server) -> None:
    with pytest.raises(UsageError, match="window="):
        lab.console(server, window=0)
    with pytest.raises(UsageError, match="companions"):
        lab.join(server, server)

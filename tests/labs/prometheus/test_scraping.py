"""What Prometheus scrapes: targets that fail and return, are relabelled, or push to a gateway."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from kit.errors import UsageError
from kit.labs import prometheus as lab
from kit.labs.prometheus import configuration
from kit.labs.prometheus.api import Api
from kit.labs.prometheus.web import Reply, Web
from kit.launch.server import Server
from kit.launch.start import start
from tests.labs.prometheus.reading import total

RULES = r"""
- {source_labels: [__meta_stage], regex: canary, action: drop}
- {source_labels: [__address__], regex: '(.+):\d+', target_label: host}
- {regex: team, action: labeldrop}
"""


@pytest.fixture(scope="module")
def gateway(server: Server) -> Iterator[Server]:
    with start("pushgateway", name="labs-gateway", backend="process") as running:
        lab.join(server, running)
        yield running


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


def test_each_user_is_one_series_more(server: Server) -> None:
    panel = lab.explode(server, [10, 2000])
    few, many = panel.counts
    assert many.series - few.series >= 1990
    assert few.memory > 0
    assert panel.status.state == "done"
    assert "µs" not in panel.static_text()
    panel.close()


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

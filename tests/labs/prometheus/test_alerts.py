"""Alerts on real servers: each is told once, when its rule says so, and not before."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from kit.errors import StartTimeout
from kit.labs import prometheus as lab
from kit.labs.prometheus import alerting, trouble
from kit.labs.prometheus.api import Api
from kit.labs.prometheus.web import Reply, Web
from kit.launch.server import Server
from tests.labs.prometheus.reading import plain
from tests.traces import await_true

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

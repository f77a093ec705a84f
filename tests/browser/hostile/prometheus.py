"""Prometheus: values of labels, names of alerts and of steps, errors."""

from __future__ import annotations

import json
from typing import Any

from kit.labs import prometheus as lab
from kit.widgets.panel import Panel
from tests.browser.hostile.content import IMAGE, QUOTED, SCRIPT, VALUES, Case, start

RULES = r"""
- {source_labels: [hostile], target_label: copied}
- {source_labels: [hostile], regex: '(.*)', target_label: more, replacement: '<script>$1'}
"""


def begin() -> Any:
    """Start a server with a gateway and an alert manager, and targets with hostile labels."""
    server, gateway, manager = map(start, ("prometheus", "pushgateway", "alertmanager"))
    for companion in (gateway, manager):
        lab.join(server, companion)
    for name in (SCRIPT, IMAGE):
        with lab.step(gateway, name):
            pass
    groups = [
        {"targets": [f"127.0.0.1:{n + 1}"], "labels": {"hostile": value}}
        for n, value in enumerate(VALUES)
    ]
    server.write("targets/hostile.json", json.dumps(groups))
    lab.until(server, f'count(up{{hostile!=""}}) == {len(VALUES)}')
    lab.until(server, "count(pipeline_success) == 2")
    return server, manager


def _console(at: Any) -> Panel:
    return lab.console(at[0], 'up{hostile!=""}')


def _tree(at: Any) -> Panel:
    return lab.tree(at[0], 'sum by (hostile) (up{hostile!=""}) + on () group_left () up', times=1)


def _relabel(at: Any) -> Panel:
    found = {"__address__": "10.0.0.7:80", "hostile": IMAGE, "job": QUOTED, "turned": VALUES[-2]}
    return lab.relabel(at[0], found, RULES)


def _alerts(at: Any) -> Panel:
    server, manager = at
    receiver = lab.Receiver(manager)
    lab.deliver(manager, receiver.url)
    rules = lab.rule(SCRIPT, 'up{hostile!=""} == 0', hold="0s", severity=IMAGE)
    panel = lab.alerts(server, manager, receiver, rules, watch=False)
    lab.until(server, 'ALERTS{alertstate="firing"}')
    receiver.until("firing", SCRIPT)
    panel.refresh()
    return panel


CASES = [
    Case(lab.Console, _console),
    Case(lab.QueryTree, _tree),
    Case(lab.Targets, lambda at: lab.targets(at[0], watch=False)),
    Case(lab.Relabelling, _relabel),
    Case(lab.AlertLab, _alerts),
    Case(lab.Pipeline, lambda at: lab.pipeline(at[0], watch=False)),
]

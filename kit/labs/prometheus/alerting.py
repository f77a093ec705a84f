"""Rules put to Prometheus, routes put to Alertmanager, and what became of the alerts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import yaml

from kit.errors import PromQLError, UsageError
from kit.labs.prometheus.api import Answer
from kit.labs.prometheus.configuration import put
from kit.labs.prometheus.promtool import check_rules
from kit.labs.prometheus.receiver import Notification
from kit.widgets.timeline import Lane, Mark, Span

if TYPE_CHECKING:
    from kit.launch.server import Server

STATES = "ALERTS"
"""Prometheus's own record of its alerts: one series for each that is pending or firing."""

GONE = "Bring it back with its restart()."
"""What to do where Alertmanager does not answer."""

_FILE = "rules/lesson.yml"
_CONFIG = "alertmanager.yml"
_STEP = 1.0
_EDGE = 1.5


def put_rules(server: Server, *rules: str) -> None:
    """Check rule files, give them to Prometheus as one and have it read; PromQLError if it is bad.

    What was there before stays where the new rules are refused.
    """
    whole = rules[0] if len(rules) == 1 else _joined(rules)
    checked = check_rules(whole)
    if not checked:
        raise PromQLError(checked.said)
    put(server, _FILE, whole, empty="groups: []\n")


def names(rules: str) -> list[str]:
    """Return the names of the alerts in a rule file; none where it cannot be read."""
    try:
        groups = yaml.safe_load(rules)["groups"]
        return [
            str(rule["alert"]) for group in groups for rule in group["rules"] if "alert" in rule
        ]
    except (yaml.YAMLError, LookupError, TypeError):
        return []


def rule(name: str, expression: str, *, hold: str = "2s", **labels: str) -> str:
    """Write a rule file with one alert that must hold for `hold`, evaluated every second."""
    alert: dict[str, Any] = {"alert": name, "expr": expression, "for": hold}
    if labels:
        alert["labels"] = labels
    groups = [{"name": "lesson", "interval": "1s", "rules": [alert]}]
    return str(yaml.safe_dump({"groups": groups}, sort_keys=False))


def deliver(
    alertmanager: Server,
    url: str,
    *,
    group_by: Sequence[str] = ("alertname",),
    inhibit: Mapping[str, str] | None = None,
) -> str:
    """Have Alertmanager deliver all alerts to a webhook, and return its configuration.

    Alerts with the same `group_by` labels come together. `inhibit` maps the name of an alert to
    the name of another that is kept back while the first is firing.
    """
    route = {
        "receiver": "notebook",
        "group_by": list(group_by),
        "group_wait": "1s",
        "group_interval": "1s",
        "repeat_interval": "1h",
    }
    config: dict[str, Any] = {
        "route": route,
        "inhibit_rules": [_inhibition(*pair) for pair in (inhibit or {}).items()],
        "receivers": [{"name": "notebook", "webhook_configs": [{"url": url}]}],
    }
    return _configure(alertmanager, config)


def inhibit(alertmanager: Server, source: str, target: str) -> str:
    """Keep the alert `target` back while `source` fires; return the rule that says so.

    It is added to the configuration that is there.
    """
    if source == target:
        raise UsageError("An alert does not inhibit itself: name two.")
    config, rule = _configuration(alertmanager), _inhibition(source, target)
    others = [one for one in config.get("inhibit_rules", []) if one != rule]
    _configure(alertmanager, {**config, "inhibit_rules": [*others, rule]})
    return str(yaml.safe_dump({"inhibit_rules": [rule]}, sort_keys=False))


def uninhibit(alertmanager: Server) -> None:
    """Take all inhibition rules out of the configuration."""
    _configure(alertmanager, {**_configuration(alertmanager), "inhibit_rules": []})


def silence(alertmanager: Server, seconds: float = 60.0, **matching: str) -> str:
    """Keep alerts whose labels match from being delivered; return the id of the silence."""
    if not matching:
        raise UsageError('Say which alerts: silence(alertmanager, alertname="…").')
    now = datetime.now(UTC)
    wish = {
        "matchers": [
            {"name": name, "value": value, "isRegex": False} for name, value in matching.items()
        ],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(seconds=seconds)).isoformat(),
        "createdBy": "notebook",
        "comment": "silenced in the lesson",
    }
    return str(_ask(alertmanager, "POST", "/api/v2/silences", wish)["silenceID"])


def unsilence(alertmanager: Server, identity: str) -> None:
    """End a silence before its time."""
    _ask(alertmanager, "DELETE", f"/api/v2/silence/{identity}")


def held(alertmanager: Server) -> list[dict[str, Any]]:
    """Return the alerts that Alertmanager holds: active, or suppressed, and by what."""
    found: list[dict[str, Any]] = _ask(alertmanager, "GET", "/api/v2/alerts")
    return found


def lanes(states: Answer, came: Sequence[Notification], start: float, end: float) -> list[Lane]:
    """Return what became of each alert, and what was delivered, in seconds since `start`."""
    made: dict[str, list[Span]] = {}
    for one in states.series:
        rest = {k: v for k, v in one.labels.items() if k not in _OWN}
        name = one.labels["alertname"] + (f" {', '.join(rest.values())}" if rest else "")
        times = [time for time, _ in one.points]
        spans = made.setdefault(name, [])
        for begin, last in _stretches(times):
            low, high = max(0.0, begin - start), max(0.0, min(last + _STEP, end) - start)
            spans.append(Span(low, max(low, high), one.labels["alertstate"]))
    shown = [Lane(name, sorted(spans, key=lambda s: s.begin)) for name, spans in made.items()]
    marks = [_mark(one, start) for one in came if one.at >= start]
    return [*shown, *([Lane("notebook", marks=marks)] if marks else [])]


_OWN = {"__name__", "alertname", "alertstate", "instance", "job", "severity"}


def _mark(one: Notification, start: float) -> Mark:
    names = sorted({alert["labels"]["alertname"] for alert in one.alerts})
    return Mark(one.at - start, f"told {one.status}", ", ".join(names))


def _stretches(times: Sequence[float]) -> list[tuple[float, float]]:
    """Return where times follow each other without a gap, as (first, last)."""
    made: list[tuple[float, float]] = []
    for time in times:
        if made and time - made[-1][1] <= _EDGE * _STEP:
            made[-1] = made[-1][0], time
        else:
            made.append((time, time))
    return made


def _joined(rules: Sequence[str]) -> str:
    """Put rule files into one; groups of the same name become one group."""
    groups: dict[str, dict[str, Any]] = {}
    for group in (one for text in rules for one in yaml.safe_load(text)["groups"]):
        known = groups.setdefault(group["name"], {**group, "rules": []})
        known["rules"] += group["rules"]
    return str(yaml.safe_dump({"groups": list(groups.values())}, sort_keys=False))


def _inhibition(source: str, target: str) -> dict[str, list[str]]:
    return {
        "source_matchers": [f"alertname = {json.dumps(source)}"],
        "target_matchers": [f"alertname = {json.dumps(target)}"],
    }


def _configuration(alertmanager: Server) -> dict[str, Any]:
    _require(alertmanager)
    found: dict[str, Any] = yaml.safe_load(alertmanager.read(_CONFIG))
    return found


def _configure(alertmanager: Server, config: Mapping[str, Any]) -> str:
    """Write a configuration and have it read; return its text."""
    _require(alertmanager)
    text = str(yaml.safe_dump(dict(config), sort_keys=False))
    alertmanager.write(_CONFIG, text)
    _ask(alertmanager, "POST", "/-/reload")
    return text


def _require(alertmanager: Server) -> None:
    if alertmanager.database != "alertmanager":
        raise UsageError('This wants an Alertmanager: kit.start("alertmanager").')


def _ask(alertmanager: Server, method: str, path: str, body: Any = None) -> Any:
    _require(alertmanager)
    with alertmanager.connect() as session:
        answer = session.request(method, f"{session.url}{path}", json=body, timeout=10)
        if not answer.ok:
            raise PromQLError(answer.text.strip())
        return (
            answer.json()
            if answer.text.strip() and "json" in answer.headers.get("Content-Type", "")
            else None
        )

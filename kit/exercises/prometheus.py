"""The exercises of `08_prometheus.ipynb`: expressions tried on the server, rules by promtool."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kit.errors import KitError
from kit.exercises.exercise import Exercise, Section

if TYPE_CHECKING:
    from kit.labs.prometheus.api import Found
    from kit.launch.server import Server

_WINDOWS = ("5s", "10s", "15s", "30s", "1m", "2m", "5m")
_ERRORS = (
    'sum(rate(model_requests_total{{code="500"}}[{0}])) / sum(rate(model_requests_total[{0}]))'
)
_SHARES = (
    "sum by (code) (rate(model_requests_total[{0}]))"
    " / ignoring (code) group_left sum(rate(model_requests_total[{0}]))"
)
_P90 = "histogram_quantile(0.9, sum by (le) (rate(model_request_seconds_bucket[{0}])))"

_RULE_TESTS = """
rule_files: [rules.yml]
evaluation_interval: 1s
tests:
- interval: 1s
  input_series:
  - {series: 'model_request_seconds_bucket{le="0.1"}', values: '0+10x120 1200+0x180'}
  - {series: 'model_request_seconds_bucket{le="0.25"}', values: '0+10x120 1200+0x180'}
  - {series: 'model_request_seconds_bucket{le="1.0"}', values: '0+10x300'}
  - {series: 'model_request_seconds_bucket{le="+Inf"}', values: '0+10x300'}
  alert_rule_test:
"""
_MOMENTS = (
    (115, False, "It fires while all requests are fast."),
    (126, False, "It fires at once: it has to be slow for ten seconds first. What does for: do?"),
    (260, True, "It does not fire although all requests have been slow for minutes."),
)
_FOUND = {
    "prod": {"__address__": "10.0.0.7:8000", "__meta_stage": "prod", "__meta_region": "eu-west"},
    "canary": {"__address__": "10.0.0.8:8000", "__meta_stage": "canary", "__meta_region": "us"},
}


def _asked(server: Server, expression: object) -> list[Found] | str:
    """Return what an expression gives on the server, or what is wrong with it."""
    from kit.labs.prometheus.api import Api

    if not isinstance(expression, str):
        return "Give the expression itself, as text."
    try:
        answer = Api(server).instant(expression)
    except KitError as error:
        return f"The server refuses it: {error}"
    if answer.kind != "vector":
        return f"It gives a {answer.kind}; an instant vector is wanted."
    if not answer.series:
        return "It gives no series. Is the load still running? The query tree shows where they end."
    if "model_" not in expression:
        return "It does not ask the model server's own metrics."
    return list(answer.series)


def _among(value: float, right: Sequence[float], slack: float) -> bool:
    """Tell whether a value fits what the right expression gives over some window."""
    known = [one for one in right if math.isfinite(one)]
    return bool(known) and min(known) - slack <= value <= max(known) + slack


def _values(server: Server, template: str) -> list[float]:
    from kit.labs.prometheus.api import Api

    api = Api(server)
    answers = [api.instant(template.format(window)).series for window in _WINDOWS]
    return [found[0].value for found in answers if found]


def _share_of_errors(server: Server, answer: object) -> str | None:
    found = _asked(server, answer)
    if isinstance(found, str):
        return found
    if len(found) != 1:
        return f"It gives {len(found)} series; one number for the whole service is wanted."
    if not 0 <= found[0].value <= 1:
        return "It gives no share between 0 and 1."
    if not _among(found[0].value, _values(server, _ERRORS), 0.03):
        return "It gives another share than the requests with code 500 have of all requests."
    return None


def _shares_by_code(server: Server, answer: object) -> str | None:
    found = _asked(server, answer)
    if isinstance(found, str):
        return found
    if any("code" not in one.labels for one in found):
        return "A series without the label code is among them; there should be one for each code."
    total = sum(one.value for one in found)
    if len(found) < 2:
        return "It gives one series; the service answers with more than one code."
    if not math.isclose(total, 1, abs_tol=1e-6):
        return f"The shares add up to {total:.3f}, not to 1."
    return None


def _ninety_percent(server: Server, answer: object) -> str | None:
    found = _asked(server, answer)
    if isinstance(found, str):
        return found
    if len(found) != 1:
        return f"It gives {len(found)} series; one number for the whole service is wanted."
    right = _values(server, _P90)
    if not _among(found[0].value, right, 0.05 * max(right, default=0)):
        return "It gives another time than the one below which 90 % of the requests stay."
    return None


def _fires_when_slow(_server: Server, answer: object) -> str | None:
    from kit.labs import prometheus as lab

    if not isinstance(answer, str):
        return "Give the rule file as text."
    checked = lab.check_rules(answer)
    if not checked:
        return f"promtool refuses it: {checked.said}"
    if "alert: SlowModel" not in answer.replace('"', "").replace("'", ""):
        return "There is no alert called SlowModel in it."
    for moment, fires, complaint in _MOMENTS:
        if _state_at(answer, moment) != fires:
            return complaint
    return None


def _state_at(rules: str, moment: int) -> bool:
    """Ask promtool whether the alert fires at a moment, in seconds since the tests' beginning."""
    from kit.labs import prometheus as lab

    quiet = f"  - {{eval_time: {moment}s, alertname: SlowModel, exp_alerts: []}}\n"
    return not lab.test_rules(rules, _RULE_TESTS + quiet)


def _keeps_production(_server: Server, answer: object) -> str | None:
    from kit.labs.prometheus import configuration

    if not isinstance(answer, str):
        return "Give the rules as YAML text."
    try:
        rules = configuration.rules(answer)
        after = {
            stage: configuration.relabel(labels, rules)[-1].labels
            for stage, labels in _FOUND.items()
        }
    except KitError as error:
        return f"Prometheus refuses the rules: {error}"
    except IndexError:
        return "There are no rules in it."
    if after["prod"] is None:
        return "The production target is dropped."
    if after["canary"] is not None:
        return "The canary is still scraped."
    if after["prod"].get("region") != "eu-west":
        return "The production target does not carry region=eu-west in the end."
    return None


SECTION = Section(
    notebook="08_prometheus",
    title="Prometheus",
    database="prometheus",
    exercises=(
        Exercise(
            id="pr-1",
            title="The share of errors",
            verify=_share_of_errors,
            hints=(
                "A share is a rate divided by a rate: requests with code 500, and all requests.",
                'sum(rate(model_requests_total{code="500"}[10s])) / … of all of them.',
            ),
        ),
        Exercise(
            id="pr-2",
            title="Nine out of ten",
            verify=_ninety_percent,
            hints=(
                "histogram_quantile(0.9, …) wants the buckets' rates, and the label le must stay.",
                "Inside: sum by (le) (rate(model_request_seconds_bucket[10s])).",
            ),
        ),
        Exercise(
            id="pr-3",
            title="Each code's share",
            verify=_shares_by_code,
            hints=(
                "On the left one series for each code, on the right one for all: the label code "
                "must not be compared, and many share one partner.",
                "sum by (code) (rate(…)) / ignoring (code) group_left sum(rate(…))",
            ),
        ),
        Exercise(
            id="pr-4",
            title="A rule for slowness",
            verify=_fires_when_slow,
            hints=(
                "The expression is exercise 2 with 0.95, and > 0.25 behind it; hold= is the for:.",
                'lab.rule("SlowModel", "histogram_quantile(0.95, …) > 0.25", hold="10s")',
            ),
        ),
        Exercise(
            id="pr-5",
            title="Only production",
            verify=_keeps_production,
            hints=(
                "action: keep lets only targets pass whose source_labels match the regex.",
                "A second rule copies: source_labels: [__meta_region], target_label: region.",
            ),
        ),
    ),
)

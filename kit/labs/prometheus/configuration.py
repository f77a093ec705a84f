"""Prometheus's configuration: edited and read anew, its targets, and relabelling step by step."""

from __future__ import annotations

import concurrent.futures
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from kit.errors import PromQLError, UsageError
from kit.labs.prometheus.api import Api
from kit.labs.prometheus.promtool import run

if TYPE_CHECKING:
    from kit.launch.server import Server

CONFIG = "prometheus.yml"
# The target is found at once; promtool would go on looking for more.
_LOOKS = "200ms"


@dataclass(frozen=True)
class Target:
    """One target as Prometheus sees it; `health` is up, down, unknown or dropped."""

    job: str
    health: str
    labels: Mapping[str, str]
    discovered: Mapping[str, str]
    error: str = ""


@dataclass(frozen=True)
class Relabelled:
    """A target's labels after one more rule; None where the rule dropped it."""

    rule: Mapping[str, Any]
    labels: Mapping[str, str] | None


def put_config(server: Server, config: str) -> None:
    """Write a configuration and have it read; raise PromQLError, with the old one back, if bad."""
    put(server, CONFIG, config)


def put(server: Server, name: str, text: str, *, empty: str = "") -> None:
    """Write one file of the configuration and have all of it read; the old one is back if bad.

    `empty` is what the file held where there was none.
    """
    try:
        before = server.read(name)
    except FileNotFoundError:
        before = empty
    server.write(name, text)
    try:
        Api(server).reload()
    except PromQLError:
        server.write(name, before)
        raise


def in_force(server: Server) -> dict[str, Any]:
    """Return the configuration that Prometheus works by, as it tells it."""
    found: dict[str, Any] = yaml.safe_load(Api(server).get("status/config")["yaml"])
    return found


def targets(server: Server) -> list[Target]:
    """Return all targets, those that relabelling dropped last."""
    told = Api(server).get("targets")
    active = [
        Target(
            one["labels"]["job"],
            one["health"],
            one["labels"],
            one["discoveredLabels"],
            one["lastError"],
        )
        for one in told["activeTargets"]
    ]
    dropped = [
        Target(one["discoveredLabels"].get("job", ""), "dropped", {}, one["discoveredLabels"])
        for one in told["droppedTargets"]
    ]
    return [*sorted(active, key=lambda one: (one.job, str(one.labels))), *dropped]


def rules(text: str) -> list[dict[str, Any]]:
    """Read relabelling rules from YAML; raise PromQLError where they are no list of rules."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PromQLError(str(error)) from None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise PromQLError("Rules are a list: each begins with a dash, as in - {action: drop, …}.")
    return found


def relabel(labels: Mapping[str, str], rules: Sequence[Mapping[str, Any]]) -> list[Relabelled]:
    """Return what a discovered target's labels are after each rule, by Prometheus's own code.

    `labels` are those of the target, `__address__` among them; the labels that begin with two
    underscores are left out of what is kept in the end. Raise PromQLError for a bad rule.
    """
    if "__address__" not in labels:
        raise UsageError('A target has an address: labels={"__address__": "host:port", ...}.')
    counts = range(1, len(rules) + 1)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        after = list(pool.map(lambda count: _relabelled(labels, rules[:count]), counts))
    return [Relabelled(rule, found) for rule, found in zip(rules, after, strict=True)]


def _relabelled(
    labels: Mapping[str, str], rules: Sequence[Mapping[str, Any]]
) -> Mapping[str, str] | None:
    rest = {key: value for key, value in labels.items() if key != "__address__"}
    name = labels.get("job", "job")
    job = {
        "job_name": name,
        "static_configs": [{"targets": [labels["__address__"]], "labels": rest}],
        "relabel_configs": [dict(rule) for rule in rules],
    }
    config = yaml.safe_dump({"scrape_configs": [job]})
    asked = ["check", "service-discovery", f"--timeout={_LOOKS}", CONFIG, name]
    checked = run(asked, {CONFIG: config})
    if not checked:
        raise PromQLError(checked.said)
    found = json.loads(checked.said)[0]["labels"]
    return _own(found) if found else None


def _own(labels: Mapping[str, str]) -> dict[str, str]:
    """Leave out what every target has, and what promtool adds of itself."""
    usual = {"__metrics_path__", "__scheme__", "__scrape_interval__", "__scrape_timeout__"}
    return {key: value for key, value in labels.items() if key not in usual}

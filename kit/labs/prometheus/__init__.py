"""Panels for Prometheus: asked, taken apart, watched, and alarmed."""

from __future__ import annotations

from kit.labs.prometheus.alerting import (
    deliver,
    held,
    inhibit,
    put_rules,
    rule,
    silence,
    uninhibit,
    unsilence,
)
from kit.labs.prometheus.alertlab import AlertLab, alerts
from kit.labs.prometheus.configuration import in_force, put_config
from kit.labs.prometheus.explosion import Explosion, explode
from kit.labs.prometheus.health import Pipeline, pipeline, step
from kit.labs.prometheus.observation import Observation, observe
from kit.labs.prometheus.promql import Console, console
from kit.labs.prometheus.promtool import check_config, check_rules, test_rules
from kit.labs.prometheus.querytree import QueryTree, tree
from kit.labs.prometheus.receiver import Receiver
from kit.labs.prometheus.scraping import Relabelling, Targets, relabel, targets
from kit.labs.prometheus.serving import ModelServer, Traffic
from kit.labs.prometheus.wiring import join, scrape, until

__all__ = [
    "AlertLab",
    "Console",
    "Explosion",
    "ModelServer",
    "Observation",
    "Pipeline",
    "QueryTree",
    "Receiver",
    "Relabelling",
    "Targets",
    "Traffic",
    "alerts",
    "check_config",
    "check_rules",
    "console",
    "deliver",
    "explode",
    "held",
    "in_force",
    "inhibit",
    "join",
    "observe",
    "pipeline",
    "put_config",
    "put_rules",
    "relabel",
    "rule",
    "scrape",
    "silence",
    "step",
    "targets",
    "test_rules",
    "tree",
    "uninhibit",
    "unsilence",
    "until",
]

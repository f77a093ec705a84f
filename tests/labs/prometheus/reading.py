"""Short ways to read what Prometheus answers and what a panel says."""

from __future__ import annotations

import re

from kit.labs.prometheus.api import Api


def total(api: Api, expression: str) -> float:
    found = api.instant(expression).series
    return found[0].value if found else 0.0


def plain(markup: str) -> str:
    return re.sub("<[^>]+>", "", markup)

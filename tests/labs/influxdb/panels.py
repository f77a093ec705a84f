"""The words of a panel's status, and the lines of its chart."""

from __future__ import annotations

import re
from typing import Any


def said(panel: Any) -> str:
    return re.sub("<[^>]+>", "", panel.status.value).strip()


def labels(panel: Any) -> list[str]:
    return [line.label for line in panel.chart.lines]

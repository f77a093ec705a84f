"""The lines of a panel's chart."""

from __future__ import annotations

from typing import Any


def labels(panel: Any) -> list[str]:
    return [line.label for line in panel.chart.lines]

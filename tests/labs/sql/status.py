"""The words of a panel's status."""

from __future__ import annotations

import re

from kit.widgets.panel import Panel


def said(panel: Panel) -> str:
    return re.sub("<[^>]+>", "", panel.status.value).strip()

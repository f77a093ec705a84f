"""What a learner reads in a panel."""

from __future__ import annotations

import html
import re

from kit.widgets.panel import Panel


def said(panel: Panel) -> str:
    """Return the words of a panel's status."""
    return html.unescape(re.sub("<[^>]+>", "", panel.status.value)).strip()

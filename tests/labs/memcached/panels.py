"""How long and with how many keys the Memcached panels are tried, and what they say."""

from __future__ import annotations

import html
import re

from kit.widgets.panel import Panel

SHORT = 0.15
KEYS = 3000


def said(panel: Panel) -> str:
    return html.unescape(re.sub("<[^>]+>", "", panel.status.value)).strip()

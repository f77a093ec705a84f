"""Documents as the tests name them, and a text in them that no panel may run."""

from __future__ import annotations

from typing import Any

HOSTILE = "<img src=x onerror=alert(1)>"

Document = dict[str, Any]

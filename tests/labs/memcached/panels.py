"""How long, and with how many keys, the Memcached panels are tried."""

from __future__ import annotations

SHORT = 0.15
KEYS = 3000

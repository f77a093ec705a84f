"""The panels of the Memcached lesson, and what they are made of."""

from __future__ import annotations

from kit.labs.memcached.circle import RingPanel, ring
from kit.labs.memcached.counts import Tally, fill, read, stats, tally
from kit.labs.memcached.moving import Change, Moving
from kit.labs.memcached.nodes import connect, join

__all__ = [
    "Change",
    "Moving",
    "RingPanel",
    "Tally",
    "connect",
    "fill",
    "join",
    "read",
    "ring",
    "stats",
    "tally",
]

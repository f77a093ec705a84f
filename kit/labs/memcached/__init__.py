"""The panels of the Memcached lesson, and what they are made of."""

from __future__ import annotations

from kit.labs.memcached.circle import RingPanel, ring
from kit.labs.memcached.commands import Answer, Desk, desk
from kit.labs.memcached.counts import Tally, fill, read, stats, tally
from kit.labs.memcached.crowd import Burden, batches, single
from kit.labs.memcached.eviction import Memory, memory
from kit.labs.memcached.filling import Fill, Slab, overfill, slabs
from kit.labs.memcached.meeting import Meeting, play
from kit.labs.memcached.moving import Change, Moving
from kit.labs.memcached.nodes import connect, join
from kit.labs.memcached.survival import Survival, Volatile, survive, volatile
from kit.labs.memcached.workers import Concurrency, concurrency
from kit.labs.memcached.writers import Writers, two_writers

__all__ = [
    "Answer",
    "Burden",
    "Change",
    "Concurrency",
    "Desk",
    "Fill",
    "Meeting",
    "Memory",
    "Moving",
    "RingPanel",
    "Slab",
    "Survival",
    "Tally",
    "Volatile",
    "Writers",
    "batches",
    "concurrency",
    "connect",
    "desk",
    "fill",
    "join",
    "memory",
    "overfill",
    "play",
    "read",
    "ring",
    "single",
    "slabs",
    "stats",
    "survive",
    "tally",
    "two_writers",
    "volatile",
]

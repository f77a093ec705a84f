"""Who waits for whom, by the names that sessions have in a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    """One session waits for another: "" is somebody else's."""

    waiter: str
    holder: str
    lock: str = ""


def circular(links: Sequence[Link]) -> bool:
    """Tell whether some wait for each other: they are left when all others are taken away."""
    held = {link.waiter for link in links}
    while held:
        stuck = {link.waiter for link in links if {link.waiter, link.holder} <= held}
        if stuck == held:
            return True
        held = stuck
    return False

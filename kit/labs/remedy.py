"""What to do when nothing answers."""

from __future__ import annotations

GONE = "Nothing answers there. Bring the server back with its restart(), then try again."


def remedy(given: object) -> str:
    """Say how to get an answer again: from a server of the kit's, or at an address."""
    if hasattr(given, "restart"):
        return "Nothing answers there. Bring the server back with its restart(), then run again."
    return "Nothing answers there. Make sure that the server runs and the address is right."

"""A proxy that the environment names is for other machines, never for servers on this one."""

from __future__ import annotations

import os

_NAMES = ("http_proxy", "https_proxy", "all_proxy")
_OURS = ("127.0.0.1", "localhost")


def bypass() -> None:
    """Have every client of this process reach its own machine without a proxy.

    Drivers and the learner's own requests read `no_proxy`, some of them as `NO_PROXY`.
    """
    listed = [host.strip() for host in _read("no_proxy").split(",") if host.strip()]
    missing = [host for host in _OURS if host not in listed]
    # A star stands for every machine, but only alone.
    if missing and listed != ["*"] and any(_read(name) for name in _NAMES):
        os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(listed + missing)


def _read(name: str) -> str:
    return os.environ.get(name) or os.environ.get(name.upper()) or ""

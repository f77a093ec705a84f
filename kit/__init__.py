"""Learn the databases behind machine learning, on real servers, inside a notebook."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kit.doctor import doctor
    from kit.errors import KitError
    from kit.exercises import check, progress
    from kit.launch.server import Server
    from kit.launch.topology import Topology
    from kit.magics import connect as sql
    from kit.magics import load_ipython_extension
    from kit.notebook import start, topology

__all__ = [
    "KitError",
    "Server",
    "Topology",
    "check",
    "doctor",
    "load_ipython_extension",
    "progress",
    "sql",
    "start",
    "topology",
]

_HOMES = {
    "KitError": ("kit.errors", "KitError"),
    "Server": ("kit.launch.server", "Server"),
    "Topology": ("kit.launch.topology", "Topology"),
    "check": ("kit.exercises", "check"),
    "doctor": ("kit.doctor", "doctor"),
    "load_ipython_extension": ("kit.magics", "load_ipython_extension"),
    "progress": ("kit.exercises", "progress"),
    "sql": ("kit.magics", "connect"),
    "start": ("kit.notebook", "start"),
    "topology": ("kit.notebook", "topology"),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import kit` stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'kit' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

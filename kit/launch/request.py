"""What a caller asked for, checked before anything is started."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kit import databases
from kit.databases.base import Database
from kit.errors import Conflict, UnknownName, UsageError
from kit.launch.instance import Message

BACKENDS = ("auto", "process", "container", "external")
_OPTIONS = {
    *("backend", "durable", "keep", "name", "own", "port", "progress"),
    *("settings", "timeout", "url", "version"),
}
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}", re.IGNORECASE)
Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Request:
    """One call of `start`, complete and checked."""

    database: Database
    name: str
    backend: str = "auto"
    version: str | None = None
    durable: bool = False
    keep: bool = False
    own: bool = False
    timeout: float = 60.0
    port: int = 0
    url: str | None = field(default=None, repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)
    # The servers of a topology are told apart by their role, and know each other's password.
    role: str = ""
    group: str = ""
    seat: int = 0
    secret: str = field(default="", repr=False)

    def asked(self) -> Message:
        """Return what a second caller under the same name must not contradict."""
        return {
            "database": self.database.name,
            "version": self.version,
            "durable": self.durable,
            "settings": dict(self.settings),
            "port": self.port,
        }

    def agree(self, running: Message) -> None:
        """Raise Conflict if the running server is not what this request asks for."""
        for what, mine, theirs in self._differences(running):
            raise Conflict(
                f"A server called {self.name!r} is running, with {what} {theirs}, not {mine}. "
                f"Stop it first (kit down {self.name}) or give yours a name of its own: "
                f'kit.start("{self.database.name}", name="{self.name}-2", ...)'
            )

    def _differences(self, running: Message) -> list[tuple[str, str, str]]:
        asked, facts = running["asked"], running["facts"]
        version = facts.get("version") or asked["version"] or ""
        backend = running["backend"]
        pairs = [
            ("database", self.database.name, asked["database"], True),
            ("version", self.version, version, not matches(version, self.version)),
            ("durable", self.durable, asked["durable"], self.durable),
            ("settings", dict(self.settings), asked["settings"], bool(self.settings)),
            ("port", self.port, facts.get("port", asked["port"]), bool(self.port)),
            ("backend", self.backend, backend, self.backend != "auto"),
        ]
        return [(w, str(m), str(t)) for w, m, t, matters in pairs if matters and m != t]


def read(database: str, options: Mapping[str, Any]) -> Request:
    """Check the options of `start`; raise UsageError naming what to write instead."""
    for option in options:
        if option not in _OPTIONS:
            raise UnknownName.among("option of kit.start", option, _OPTIONS)
    found = databases.get(str(database))
    given = {key: value for key, value in options.items() if value is not None}
    usual = "external" if given.get("url") else os.environ.get("KIT_BACKEND") or "auto"
    if given.get("own") and usual == "external" and not given.get("url"):
        usual = "auto"
    backend = str(given.pop("backend", usual))
    if backend not in BACKENDS:
        raise UnknownName.among("backend", backend, BACKENDS)
    name = str(given.pop("name", found.name))
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a server: use up to 40 letters, digits, dots or dashes."
        )
    settings = _settings(given.pop("settings", {}))
    if "version" in given:
        given["version"] = str(given["version"])
    request = Request(database=found, name=name, backend=backend, settings=settings, **given)
    _check_values(request)
    return request


def matches(version: str, wanted: str | None) -> bool:
    """Tell whether `version` is `wanted` or a release of it: 15.8 matches 15, 150 does not."""
    return wanted is None or version == wanted or version.startswith(f"{wanted}.")


def _settings(given: object) -> dict[str, str]:
    if not isinstance(given, Mapping):
        raise UsageError('settings= maps names to values, for example settings={"port": 5}.')
    return {str(key): _spell(value) for key, value in sorted(given.items())}


def _check_values(request: Request) -> None:
    if request.url and request.backend not in {"auto", "external"}:
        raise UsageError(
            f'url= names a server that runs already, and backend="{request.backend}" starts one. '
            "Leave one of the two out."
        )
    if request.own and (request.url or request.backend == "external"):
        raise UsageError(
            "own=True starts a server of yours, and an external one is that of others. "
            "Leave one of the two out."
        )
    if not isinstance(request.timeout, (int, float)) or request.timeout <= 0:
        raise UsageError("timeout= is a number of seconds above zero, for example timeout=120.")
    if not isinstance(request.port, int) or not 0 <= request.port <= 65535:
        raise UsageError("port= is a whole number from 1 to 65535; leave it out for a free one.")


def _spell(value: object) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)

"""Where Alertmanager delivers to: a webhook inside the notebook that keeps what comes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kit.errors import StartTimeout
from kit.labs.prometheus.web import Reply, Web

if TYPE_CHECKING:
    from kit.launch.server import Server


@dataclass(frozen=True)
class Notification:
    """One delivery: when it came (Unix time), what it says, and the alerts in it by state."""

    at: float
    status: str
    group: Mapping[str, str]
    alerts: Sequence[Mapping[str, Any]]

    def names(self, status: str) -> list[str]:
        """Return the names of the alerts that are firing, or resolved."""
        return [one["labels"]["alertname"] for one in self.alerts if one["status"] == status]


class Receiver:
    """Listen at `url` for Alertmanager's notifications until it is closed."""

    def __init__(self, server: Server | None = None) -> None:
        self.notifications: list[Notification] = []
        self._came = threading.Condition()
        self._web = Web(self._answer, host=server.notebook if server else "127.0.0.1")

    @property
    def url(self) -> str:
        """Return the address for Alertmanager's configuration."""
        return f"http://{self._web.address}/alerts"

    def count(self, status: str, name: str = "") -> int:
        """Count the notifications in which an alert is firing, or resolved."""
        found = (one.names(status) for one in list(self.notifications))
        return sum(name in names if name else bool(names) for names in found)

    def until(self, status: str, name: str, *, patience: float = 30.0) -> Notification:
        """Wait for the first notification that an alert is firing, or resolved; return it.

        Raise StartTimeout after `patience` seconds.
        """
        found = self._await(lambda one: name in one.names(status), patience)
        if found is None:
            raise StartTimeout(
                f"No notification that {name} is {status} came within {patience:.0f} s. "
                "See whether the rule fires: the query ALERTS tells."
            )
        return found

    def close(self) -> None:
        """Stop listening; what came is kept."""
        self._web.close()

    def _await(self, fits: Callable[[Notification], bool], patience: float) -> Notification | None:
        def first() -> Notification | None:
            return next((one for one in self.notifications if fits(one)), None)

        with self._came:
            self._came.wait_for(lambda: first() is not None, timeout=patience)
            return first()

    def _answer(self, method: str, path: str, body: bytes) -> Reply:
        try:
            said = json.loads(body)
            made = Notification(time.time(), said["status"], said["groupLabels"], said["alerts"])
        except (ValueError, LookupError, TypeError):
            return Reply(400, "text/plain", b"That is no notification of Alertmanager.\n")
        with self._came:
            self.notifications.append(made)
            self._came.notify_all()
        return Reply(200, "text/plain", b"")

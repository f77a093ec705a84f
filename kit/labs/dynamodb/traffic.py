"""Hearing every call that goes through a boto3 client, as it went over the wire."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kit.errors import UsageError


@dataclass
class Call:
    """One request and its answer, both as they travelled; `before` is for who listens."""

    operation: str
    request: dict[str, Any]
    answer: dict[str, Any] = field(default_factory=dict)
    status: int = 0
    before: Any = None

    @property
    def error(self) -> str:
        """Return the name of the server's error, empty where there was none."""
        return str(self.answer.get("__type", "")).rpartition("#")[2] if self.status >= 300 else ""


Listener = Callable[[Call], None]


class Tap:
    """Tell of each call of one boto3 resource, before it goes out and after it was answered."""

    def __init__(self, resource: Any, *, going: Listener | None = None, gone: Listener) -> None:
        self._events = client(resource).meta.events
        self._going, self._gone = going, gone
        self._mine = threading.local()
        self._name = f"kit-tap-{id(self)}"

    def open(self) -> None:
        """Begin to listen."""
        self._events.register("before-call.dynamodb", self._before, unique_id=self._name)
        self._events.register("after-call.dynamodb", self._after, unique_id=f"{self._name}-after")

    def close(self) -> None:
        """Listen no more."""
        self._events.unregister("before-call.dynamodb", unique_id=self._name)
        self._events.unregister("after-call.dynamodb", unique_id=f"{self._name}-after")

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Leave out the calls that this thread makes meanwhile."""
        self._mine.quiet = True
        try:
            yield
        finally:
            self._mine.quiet = False

    def _before(
        self, model: Any, params: dict[str, Any], context: dict[str, Any], **_: Any
    ) -> None:
        if not getattr(self._mine, "quiet", False):
            call = Call(model.name, json.loads(params["body"]))
            context[self._name] = call
            if self._going is not None:
                self._going(call)

    def _after(self, http_response: Any, context: dict[str, Any], **_: Any) -> None:
        call = context.pop(self._name, None)
        if call is not None:
            call.status = http_response.status_code
            call.answer = _read(http_response.content)
            self._gone(call)


def client(resource: Any) -> Any:
    """Return the client beneath a boto3 resource or a table of one; raise UsageError otherwise."""
    found = getattr(getattr(resource, "meta", None), "client", None)
    if found is None or found.meta.service_model.service_name != "dynamodb":
        raise UsageError(
            "This wants a boto3 resource for DynamoDB, as server.connect() returns it, or one of "
            'its tables: db = server.connect(), then db or db.Table("runs").'
        )
    return found


def _read(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

"""Room on a shared DynamoDB: a prefix before every table's name, put there by the client itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from kit.databases.rooms import spelled
from kit.errors import Unsupported

_NAMES = ("TableName", "TableArn")
_PARTIQL = ("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction")
# Where a listing goes on may be a table of somebody else's, whose name stays as it is.
_ELSEWHERE = ".."
Rename = Callable[[str], str]


def prefix(learner: str) -> str:
    """Return what stands before each table's name of a learner; no other's begins with it."""
    return f"kit_{spelled(learner)}."


def vacate(client: Any, room: str) -> None:
    """Delete every table whose name begins with `room`; the client must add no prefix itself."""
    pages = client.get_paginator("list_tables").paginate()
    for name in [name for page in pages for name in page["TableNames"] if name.startswith(room)]:
        try:
            client.delete_table(TableName=name)
        except client.exceptions.ResourceNotFoundException:
            # Another notebook of the same learner stops at the same moment.
            continue


def confine(client: Any, room: str) -> None:
    """Have a client put `room` before the names of tables, and take it off the answers.

    Whoever else listens to the client hears the names as they were written.
    """
    names = _Names(room)
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register_last(f"before-call.{service}", names.going)
    client.meta.events.register_first(f"after-call.{service}", names.coming)


class _Names:
    def __init__(self, room: str) -> None:
        self._room = room

    def going(self, model: Any, params: dict[str, Any], **_: Any) -> None:
        if model.name in _PARTIQL:
            raise Unsupported(
                "On a shared server the kit puts a prefix before the names of your tables, and "
                "does not look for them in PartiQL. Use get_item, query, scan and put_item."
            )
        body = renamed(json.loads(params["body"]), model.input_shape, self._outward)
        params["body"] = json.dumps(body).encode()

    def coming(self, model: Any, parsed: dict[str, Any], http_response: Any, **_: Any) -> None:
        translated = self._inward_all(model, parsed)
        parsed.clear()
        parsed.update(translated)
        try:
            body = json.loads(http_response.content)
        except ValueError:
            return
        # Botocore keeps an answer as it came here, for those who look at the wire.
        http_response._content = json.dumps(self._inward_all(model, body)).encode()

    def _inward_all(self, model: Any, answer: Any) -> Any:
        if model.name == "ListTables" and "TableNames" in answer:
            mine = [name for name in answer["TableNames"] if name.startswith(self._room)]
            answer = answer | {"TableNames": mine}
            last = answer.get("LastEvaluatedTableName", self._room)
            if not last.startswith(self._room):
                answer["LastEvaluatedTableName"] = _ELSEWHERE + last
        return renamed(answer, model.output_shape, self._inward)

    def _outward(self, name: str) -> str:
        if name.startswith("arn:"):
            return name
        return name[2:] if name.startswith(_ELSEWHERE) else self._room + name

    def _inward(self, name: str) -> str:
        return name.removeprefix(self._room)


def renamed(value: Any, shape: Any, rename: Rename) -> Any:
    """Return a request or an answer with each table's name changed, found by the service's model.

    Values that a learner stores are never looked into.
    """
    if shape is None:
        return value
    if shape.name in _NAMES and isinstance(value, str):
        return rename(value)
    if shape.type_name == "structure" and isinstance(value, dict):
        known = shape.members
        return {
            name: renamed(one, known[name], rename) if name in known else one
            for name, one in value.items()
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [renamed(one, shape.member, rename) for one in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {
            renamed(name, shape.key, rename): renamed(one, shape.value, rename)
            for name, one in value.items()
        }
    return value

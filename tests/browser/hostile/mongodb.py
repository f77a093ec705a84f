"""MongoDB: fields and values of documents, errors of validation and of pipelines, changes."""

from __future__ import annotations

from typing import Any

from kit.labs import mongodb
from kit.widgets.panel import Panel
from tests.browser.hostile.content import IMAGE, NAMES, NUL, SCRIPT, VALUES, Case, start

# A dollar sign begins no name, and a dot parts it.
FIELDS = [name.replace(".", "·") for name in NAMES]
DOCUMENTS = [
    {"_id": value, "batch": SCRIPT, "nul": NUL, **dict.fromkeys(FIELDS, value)} for value in VALUES
]


def begin() -> Any:
    """Start a server, and insert documents of which every field and value is hostile."""
    server = start("mongodb")
    runs = server.connect().mlops_db.experiments
    runs.insert_many(DOCUMENTS)
    runs.create_index(FIELDS[0])
    return server


def _pipeline(server: Any) -> Panel:
    stages = [{"$match": {FIELDS[0]: {"$exists": True}}}, {"$group": {"_id": f"${FIELDS[1]}"}}]
    return mongodb.pipeline(server, [*stages, {"$set": {"x": {SCRIPT: 1}}}, {f"${IMAGE}": 1}])


def _feed(server: Any) -> Panel:
    shown = mongodb.feed(server, "live")
    server.connect().mlops_db.live.insert_many(DOCUMENTS)
    shown.wait_for(len(DOCUMENTS))
    shown.stop()
    return shown


def _validation(server: Any) -> Panel:
    rules = {"$jsonSchema": {"properties": {field: {"bsonType": "int"} for field in FIELDS}}}
    return mongodb.validate(server, rules, DOCUMENTS)


def _shards(server: Any) -> Panel:
    asked = [{FIELDS[1]: IMAGE}]
    return mongodb.shards([server], DOCUMENTS, [FIELDS[0], SCRIPT], questions=asked)


CASES = [
    Case(mongodb.Explorer, lambda at: mongodb.documents(at, batch="batch")),
    Case(mongodb.Builder, _pipeline),
    Case(mongodb.Explain, lambda at: mongodb.indexes(at, {FIELDS[0]: IMAGE})),
    Case(mongodb.Feed, _feed),
    Case(mongodb.Validation, _validation),
    Case(mongodb.Search, lambda at: mongodb.search(at, "window script", field=FIELDS[0])),
    Case(mongodb.Shards, _shards),
]

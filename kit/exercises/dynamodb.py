"""The exercises of `04_dynamodb.ipynb`; what is right is asked of the server, each time anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from kit.exercises.exercise import Exercise, Section

if TYPE_CHECKING:
    from kit.labs.dynamodb.traffic import Call
    from kit.launch.server import Server

_SCRATCH = "kit_exercise"


def _latest(server: Server) -> list[Any]:
    from boto3.dynamodb.conditions import Key

    found = (
        server.connect()
        .Table("epochs")
        .query(
            KeyConditionExpression=Key("run").eq("rate 0.01 seed 1"),
            ScanIndexForward=False,
            Limit=3,
        )
    )
    return [item["accuracy"] for item in found["Items"]]


def _units(server: Server) -> list[tuple[float, int]]:
    from kit.labs.dynamodb.capacity import read_units, write_units
    from kit.labs.dynamodb.weight import size

    key = {"run": "model 3", "epoch": 0}
    weight = size(server.connect().Table("epochs").get_item(Key=key)["Item"])
    return [(read_units(weight, "strong"), write_units(weight, transactional=True))]


def _serves_seeds(server: Server, answer: object) -> str | None:
    """Ask the question by the index that the answer names, and see what it had to read."""
    from kit.labs.dynamodb.design import Design, described
    from kit.labs.dynamodb.layout import ask, pages
    from kit.labs.dynamodb.patterns import Pattern

    table = server.connect().Table("epochs")
    found = described(table.meta.client.describe_table(TableName=table.name)["Table"])
    named = tuple(one for one in found.indexes if one.name == answer)
    if not named:
        return f"The table epochs has no index called {answer!r}."
    design = Design(partition=found.partition, sort=found.sort, indexes=named)
    question = Pattern("", {"seed": 0}, order="accuracy", descending=True, limit=3)
    given = ask(table, design, question)
    if given.plan.verdict != "served":
        return f"By that index it takes a {given.plan.words[0].lower()}{given.plan.words[1:]}."
    known = [item for item in pages(table, "scan") if item.get("seed") == 0]
    right = sorted((item["accuracy"] for item in known), reverse=True)[:3]
    if [item.get("accuracy") for item in given.items] != right:
        return "The query on that index does not give the three best: is it filled yet?"
    return None


def _crowns(server: Server, answer: object) -> str | None:
    """Call the function again and again, and watch what it sends."""
    from kit.labs.dynamodb.traffic import Tap

    if not callable(answer):
        return "Give the function itself, without calling it."
    sent: list[Call] = []
    with _scratch(server, "task") as table:
        tap = Tap(table, gone=sent.append)
        tap.open()
        trials = [
            ("a", "0.9", True),
            ("b", "0.8", False),
            ("c", "0.95", True),
            ("d", "0.95", False),
        ]
        for run, accuracy, better in trials:
            said = answer(table, run, Decimal(accuracy))
            if bool(said) is not better:
                return (
                    f"It returned {said!r} where the accuracy was {'' if better else 'not '}better."
                )
        tap.close()
        item = table.get_item(Key={"task": "digits"}).get("Item", {})
    if item.get("run") != "c":
        return "After four tries the item in the table is not the best one."
    writes = [call for call in sent if call.operation in {"PutItem", "UpdateItem"}]
    if len(writes) < len(trials) or not all("ConditionExpression" in one.request for one in writes):
        return "It decides before it writes: a writer in between would be overwritten."
    return None


def _stores(server: Server, answer: object) -> str | None:
    """Give the function a client that hands a part of every batch back."""
    from kit.labs.dynamodb.layout import pages
    from kit.labs.dynamodb.unprocessed import busy

    if not callable(answer):
        return "Give the function itself, without calling it."
    sizes: list[int] = []

    def heard(params: dict[str, Any], **_: Any) -> None:
        sizes.extend(map(len, params["RequestItems"].values()))

    with _scratch(server, "id") as table, busy(table, takes=7):
        client = table.meta.client
        client.meta.events.register("before-parameter-build.dynamodb.BatchWriteItem", heard)
        answer(client, table.name, [{"id": f"item {n}"} for n in range(60)])
        stored = len(list(pages(table, "scan")))
    if max(sizes, default=0) > 25:
        return f"A batch holds 25 items at most, and one of yours held {max(sizes)}."
    if stored < 60:
        return f"Of 60 items {stored} arrived. The others came back, and nobody sent them again."
    return None


@contextmanager
def _scratch(server: Server, key: str) -> Iterator[Any]:
    """Lend a table with a text key, and remove it."""
    from kit.labs.dynamodb.design import Design
    from kit.labs.dynamodb.layout import create, drop

    db = server.connect()
    drop(db, _SCRATCH)
    table = create(db, _SCRATCH, Design(partition=key).definition([{key: ""}]))
    try:
        yield table
    finally:
        drop(db, _SCRATCH)
        db.meta.client.close()


SECTION = Section(
    notebook="04_dynamodb",
    title="DynamoDB",
    database="dynamodb",
    exercises=(
        Exercise(
            id="dy-1",
            title="From the end",
            expected=_latest,
            ordered=True,
            hints=(
                "The sort key is the epoch: read the partition backwards, and stop early.",
                "query(KeyConditionExpression=…, ScanIndexForward=False, Limit=3), then take "
                '"accuracy" out of each of its Items.',
            ),
        ),
        Exercise(
            id="dy-2",
            title="By the rules",
            expected=_units,
            hints=(
                "Round the item's size up: to 4 KB for the read, to 1 KB for the write. KB are "
                "1,024 bytes.",
                "Strongly consistent is one unit for each 4 KB begun; a transaction takes two for "
                "each 1 KB begun. dynamodb.size(item) weighs it.",
            ),
        ),
        Exercise(
            id="dy-3",
            title="Serve the question",
            verify=_serves_seeds,
            hints=(
                "The partition key is what the question knows, the sort key what it sorts by.",
                "update_table with GlobalSecondaryIndexUpdates=[{'Create': …}], partition key "
                "seed, sort key accuracy, projection ALL.",
            ),
        ),
        Exercise(
            id="dy-4",
            title="Only if it is better",
            verify=_crowns,
            hints=(
                "Let the server compare: a put with a ConditionExpression, nothing read before.",
                "Attr('task').not_exists() | Attr('accuracy').lt(accuracy); catch "
                "ConditionalCheckFailedException and return False.",
            ),
        ),
        Exercise(
            id="dy-5",
            title="What comes back",
            verify=_stores,
            hints=(
                "Look at answer['UnprocessedItems']: it has the same form as RequestItems.",
                "Keep a list of what waits; take up to 25 off it, and put back what came back.",
            ),
        ),
    ),
)

"""Two writers and one item: what is lost without a condition, and what a condition saves."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from kit.labs.dynamodb.layout import drop
from kit.labs.dynamodb.story import Names, Step, Story, Theatre

if TYPE_CHECKING:
    from kit.launch.server import Server

TABLE = "kit_writers"

_CARD = {"model": "digits", "trainings": Decimal(10), "version": Decimal(1)}
_STAGES = ({"model": "old", "stage": "champion"}, {"model": "first"}, {"model": "second"})

_READ = 'seen = table.get_item(Key=key, ConsistentRead=True)["Item"]'
_MORE = 'more = {**seen, "trainings": seen["trainings"] + 1, "version": seen["version"] + 1}'
_PUT = "table.put_item(Item=more)"
_GUARDED = 'table.put_item(Item=more, ConditionExpression=Attr("version").eq(seen["version"]))'
_ADD = (
    'table.update_item(Key=key, UpdateExpression="ADD trainings :n", '
    'ExpressionAttributeValues={":n": 1})'
)
_COUNT = "seen['trainings']"


def _counted(lanes: Sequence[Names]) -> tuple[bool, str]:
    count = _items(lanes)["digits"]["trainings"]
    right = count == 12
    tail = "nothing was lost" if right else "one of the two was lost, and nobody was told"
    return right, f"Ten trainings, and one more by each writer: the table says {count}; {tail}."


def _one_champion(lanes: Sequence[Names]) -> tuple[bool, str]:
    found = [name for name, item in _items(lanes).items() if item.get("stage") == "champion"]
    names = " and ".join(sorted(found)) or "nobody"
    return len(found) == 1, f"Champion: {names}. Of the cancelled transaction nothing was written."


def _items(lanes: Sequence[Names]) -> dict[str, dict[str, Any]]:
    found = lanes[0]["table"].scan(ConsistentRead=True)["Items"]
    return {item["model"]: item for item in found}


def _promotion(name: str) -> str:
    return f'client.transact_write_items(TransactItems=promotion("old", "{name}"))'


STORIES = (
    Story(
        name="two writers, no condition",
        lead="Each reads the count of trainings and writes back one more.",
        steps=[
            Step(0, _READ, _COUNT),
            Step(1, _READ, _COUNT),
            Step(0, _MORE, "more['trainings']"),
            Step(0, _PUT),
            Step(1, _MORE, "more['trainings']"),
            Step(1, _PUT),
        ],
        judge=_counted,
    ),
    Story(
        name="optimistic locking",
        lead="The same, but a write counts only if the version is still the one that was read.",
        steps=[
            Step(0, _READ, "seen['version']"),
            Step(1, _READ, "seen['version']"),
            Step(0, _MORE, "more['version']"),
            Step(0, _GUARDED),
            Step(1, _MORE, "more['version']"),
            Step(1, _GUARDED),
            Step(1, _READ, "seen['version']"),
            Step(1, _MORE, "more['version']"),
            Step(1, _GUARDED),
        ],
        judge=_counted,
    ),
    Story(
        name="let the server add",
        lead="Nobody reads: the server adds one, whatever the count is by then.",
        steps=[Step(0, _ADD), Step(1, _ADD)],
        judge=_counted,
    ),
    Story(
        name="two transactions",
        lead="Each takes the title from old and gives it to another model, all or nothing.",
        steps=[Step(0, _promotion("first")), Step(1, _promotion("second"))],
        judge=_one_champion,
    ),
)


def promotion(old: str, new: str) -> list[dict[str, Any]]:
    """Write a transaction that takes the title from a model, if it still has it, for another."""
    return [
        {
            "Update": {
                "TableName": TABLE,
                "Key": {"model": old},
                "UpdateExpression": "SET stage = :retired",
                "ConditionExpression": "stage = :champion",
                "ExpressionAttributeValues": {":retired": "retired", ":champion": "champion"},
            }
        },
        {
            "Update": {
                "TableName": TABLE,
                "Key": {"model": new},
                "UpdateExpression": "SET stage = :champion",
                "ExpressionAttributeValues": {":champion": "champion"},
            }
        },
    ]


def writers(server: Server, story: str = STORIES[0].name) -> Writers:
    """Open the stories of two writers, each with a client of its own; `story` comes first.

    Raise UnknownName where there is no story of that name.
    """
    return Writers(server, story)


class Writers(Theatre):
    """Two real clients on one real table, called kit_writers."""

    def __init__(self, server: Server, first: str) -> None:
        self.server = server
        self._clients: list[Any] = []
        super().__init__(
            "Two writers",
            note=f"{server.product} · {server.name} · each with a client of its own",
            lanes=["writer A", "writer B"],
            stories=STORIES,
            first=first,
            set_up=self._scene,
            scene=("Code that ran", _CODE),
        )

    def close(self) -> None:
        """Close both clients, and remove the panel."""
        self._part()
        super().close()

    def _scene(self) -> list[Names]:
        self._part()
        self._clients = [self.server.connect() for _ in range(2)]
        drop(self._clients[0], TABLE)
        fill(self._clients[0])
        return [
            {
                "table": db.Table(TABLE),
                "client": db.meta.client,
                "key": {"model": "digits"},
                "Attr": Attr,
                "promotion": promotion,
            }
            for db in self._clients
        ]

    def _part(self) -> None:
        for db in self._clients:
            db.meta.client.close()
        self._clients = []


def fill(db: Any) -> None:
    """Create the table, with a model's card and three models for one title."""
    table = db.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "model", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "model", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table.wait_until_exists()
    for item in (_CARD, *_STAGES):
        table.put_item(Item=item)


_CODE = f"""\
TABLE = {TABLE!r}
db = server.connect()  # one for each writer
table, client, key = db.Table(TABLE), db.meta.client, {{"model": "digits"}}
table.put_item(Item={{"model": "digits", "trainings": 10, "version": 1}})
table.put_item(Item={{"model": "old", "stage": "champion"}})


{inspect.getsource(promotion)}"""

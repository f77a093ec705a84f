"""DynamoDB: attributes, keys and values of items, and errors."""

from __future__ import annotations

from typing import Any

from kit.labs import dynamodb
from kit.labs.dynamodb.designing import Designer
from kit.labs.dynamodb.heat import HotKeys
from kit.labs.dynamodb.meters import Meter
from kit.widgets.panel import Panel
from tests.browser.hostile.content import IMAGE, NAMES, NUL, VALUES, Case, start

# boto3 takes dots and brackets in a name for a path to what lies within.
FIELDS = [name.translate(str.maketrans(".[]", "·()")) for name in NAMES]
KEY, ORDER, *OTHERS = FIELDS
ITEMS = [
    {KEY: value, ORDER: n, "nul": NUL, **dict.fromkeys(OTHERS, value)}
    for n, value in enumerate(VALUES)
]


def begin() -> Any:
    """Start a server, and put items of which every name and value is hostile."""
    server = start("dynamodb")
    table = server.connect().create_table(
        TableName="hostile",
        KeySchema=[{"AttributeName": KEY, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": KEY, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table.wait_until_exists()
    for item in ITEMS:
        table.put_item(Item=item)
    return server


def _designer(server: Any) -> Panel:
    asked = [dynamodb.Pattern(f"one of {IMAGE}", {KEY: IMAGE}, order=ORDER)]
    return dynamodb.designer(server, ITEMS, asked, partition=KEY, sort=ORDER)


def _hot(server: Any) -> Panel:
    events = [{"id": f"{n} {value}", "kind": value} for n, value in enumerate(VALUES * 4)]
    choices = [dynamodb.KeyChoice(("kind",)), dynamodb.KeyChoice(("id",))]
    return dynamodb.hotkeys(server, events, choices)


CASES = [
    Case(Designer, _designer),
    Case(HotKeys, _hot),
    Case(Meter, lambda at: dynamodb.meter(at, "hostile")),
]

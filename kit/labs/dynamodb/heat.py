"""The map of hot keys: the same events under several partition keys."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kit import databases
from kit.errors import UsageError
from kit.labs.dynamodb import refusals
from kit.labs.dynamodb.keys import PARTITION_WRITES, KeyChoice, Traffic, send
from kit.widgets import controls, units
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.shelves import Box, Shelf, Shelves
from kit.widgets.table import Grid, Table
from kit.widgets.values import Shown

if TYPE_CHECKING:
    from kit.launch.server import Server

_SHARDS = (4, 16)


def hotkeys(
    server: Server,
    events: Sequence[Mapping[str, Any]],
    choices: Sequence[KeyChoice],
) -> HotKeys:
    """Write the same events under each choice of a partition key, and map which keys are hot.

    The events go to the table kit_traffic, through four clients.
    """
    if not events or not choices:
        raise UsageError("The map wants events to write, and at least one KeyChoice.")
    return HotKeys(server, events, choices)


class HotKeys(Panel):
    """Choose a partition key, send the traffic, and see where it lands."""

    def __init__(
        self, server: Server, events: Sequence[Mapping[str, Any]], choices: Sequence[KeyChoice]
    ) -> None:
        self.server, self.events = server, list(events)
        self.traffic: list[Traffic] = []
        self._turn = threading.Lock()
        names = list(dict.fromkeys(name for event in events for name in event))
        self.attribute = controls.choice("Partition key", names)
        shards = [("as it is", 0), *((f"spread over {n}", n) for n in _SHARDS)]
        self.shards = controls.choice("Each value", shards)
        self.go = controls.button(
            "Send the traffic", "Write all events under this key", primary=True
        )
        self.go.on_click(lambda _button: self.background(self._again))
        self.map = Shelves("Requests by partition key")
        self.table = Table("Partition keys")
        super().__init__(
            "Map of hot keys",
            note=f"{server.product} · {server.name} · real writes, counted on the wire",
            accent=databases.get("dynamodb").accent,
            controls=[self.attribute, self.shards, self.go],
            body=[self.map, self.table],
            strip=Code("Code that ran", language="python"),
        )
        self.run(choices)

    def run(self, choices: Sequence[KeyChoice]) -> list[Traffic]:
        """Send the traffic under each choice, and add what was counted to the map."""
        with self._turn:
            self.go.disabled = True
            begun = time.perf_counter()
            try:
                for choice in choices:
                    self.start(f"writing under {choice.name}")
                    self._keep(send(self.server, self.events, choice))
            except Exception as error:
                self.fail(*refusals.told(error))
            else:
                sent = units.plural(len(choices) * len(self.events), "write")
                self.done(sent, seconds=time.perf_counter() - begun)
            finally:
                self.go.disabled = False
        return self.traffic

    def _again(self) -> None:
        self.run([KeyChoice((self.attribute.value,), self.shards.value)])

    def _keep(self, found: Traffic) -> None:
        self.traffic = [one for one in self.traffic if one.choice != found.choice] + [found]
        self.map.show(
            [_shelf(one) for one in self.traffic],
            caption="One line for each partition key, a box for each value it took, with the "
            "requests that went there; the darker, the larger its share.",
        )
        self.table.show(_grid(self.traffic))
        if self.strip is not None:
            self.strip.show(_code(found.choice))


def _shelf(found: Traffic) -> Shelf:
    total = found.counts.total()
    boxes = [
        Box(f"{key} ×{count}", f"{key}: {count / total:.1%} of all requests", heat=count / total)
        for key, count in found.counts.most_common()
    ]
    return Shelf(label=found.choice.name, boxes=boxes, note=units.plural(len(boxes), "key"))


def _grid(traffic: Sequence[Traffic]) -> Grid:
    return Grid(
        columns=["partition key", "keys", "hottest", "its share, %", "full at, writes/s"],
        rows=[
            [
                one.choice.name,
                len(one.counts),
                one.hottest[0],
                round(100 * one.hottest[1], 1),
                Shown(f"{one.ceiling:,.0f}", one.ceiling),
            ]
            for one in traffic
        ],
        note=f"full: when the hottest key alone asks for the {PARTITION_WRITES:,} write units per "
        "second that AWS documents for one partition; this server has no such limit",
    )


def _code(choice: KeyChoice) -> str:
    shard = "from zlib import crc32\n\n" if choice.shards else ""
    return (
        f"{shard}for event in events:\n    key = {choice.code}\n"
        '    table.put_item(Item={**event, "partition": key})'
    )

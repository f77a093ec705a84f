"""Pages of a scan, one worker or several, each over a segment of the table."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kit import databases
from kit.errors import UsageError
from kit.labs.dynamodb import refusals
from kit.labs.dynamodb.weight import size
from kit.widgets import controls, units
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.shelves import Box, Shelf, Shelves

if TYPE_CHECKING:
    from kit.launch.server import Server

SEGMENTS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Page:
    """One answer: how many items, their bytes, and whether the server said that there are more."""

    items: int
    size: int
    more: bool


def segment(
    server: Server, table: str, number: int, segments: int, limit: int | None, end: threading.Event
) -> Iterator[Page]:
    """Scan one segment of a table page by page, by a client of its own, until `end` is set."""
    db = server.connect()
    options: dict[str, Any] = {"Limit": limit} if limit else {}
    if segments > 1:
        options |= {"Segment": number, "TotalSegments": segments}
    try:
        while not end.is_set():
            answer = db.Table(table).scan(**options)
            found = answer["Items"]
            more = "LastEvaluatedKey" in answer
            yield Page(len(found), sum(map(size, found)), more)
            if not more:
                return
            options["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    finally:
        db.meta.client.close()


def scan(
    server: Server,
    table: str,
    *,
    segments: int = 1,
    limit: int | None = None,
    end: threading.Event | None = None,
) -> list[list[Page]]:
    """Scan a table by as many workers as there are segments; return each one's pages.

    `limit` is the number of items of a page at most; without it the server's 1 MB is the limit.
    Set `end` to stop early.
    """
    if segments < 1 or (limit is not None and limit < 1):
        raise UsageError("A scan wants one segment at least, and pages of one item at least.")
    stop = end or threading.Event()
    with ThreadPoolExecutor(segments) as crew:
        work = [
            crew.submit(list, segment(server, table, number, segments, limit, stop))
            for number in range(segments)
        ]
        return [one.result() for one in work]


def pager(server: Server, table: str, *, segments: int = 1, limit: int | None = None) -> Pager:
    """Show how a table is read page by page, by one worker or by several at once."""
    return Pager(server, table, segments, limit)


class Pager(Panel):
    """Choose segments and a limit, scan, and see every page that came."""

    def __init__(self, server: Server, table: str, segments: int, limit: int | None) -> None:
        self.server, self.name = server, table
        self.pages: list[list[Page]] = []
        self._turn = threading.Lock()
        self._end = threading.Event()
        choices = sorted({*SEGMENTS, segments})
        self.segments = controls.choice("Segments", choices, segments)
        self.limit = controls.number(
            "Items a page (0: up to 1 MB)", limit or 0, most=100_000, whole=True, width=""
        )
        self.go = controls.button("Scan", "Read the whole table", primary=True)
        self.go.on_click(lambda _button: self.background(self.run))
        self.shelves = Shelves("Pages by segment")
        super().__init__(
            "Pages of a scan",
            note=f"{server.product} · {table}",
            accent=databases.get("dynamodb").accent,
            controls=[self.segments, self.limit, self.go],
            body=[self.shelves],
            strip=Code("Code that ran", language="python"),
        )
        self.run()

    def run(self) -> list[list[Page]]:
        """Scan the table, show the pages and return them."""
        with self._turn:
            self.go.disabled = True
            self._end.clear()
            self.start("scanning", cancel=self._end.set)
            begun = time.perf_counter()
            segments, limit = int(self.segments.value), int(self.limit.value) or None
            try:
                self.pages = scan(
                    self.server, self.name, segments=segments, limit=limit, end=self._end
                )
            except Exception as error:
                self.fail(*refusals.told(error))
            else:
                self._show(time.perf_counter() - begun)
            finally:
                self.go.disabled = False
        return self.pages

    def close(self) -> None:
        """Stop a scan that runs, and remove the panel."""
        self._end.set()
        super().close()

    def _show(self, seconds: float) -> None:
        self.shelves.show(
            [_shelf(number, found) for number, found in enumerate(self.pages)],
            caption="One line for each worker, a box for each page: how many items came, and → "
            "where the server said that there are more.",
        )
        items = sum(page.items for found in self.pages for page in found)
        count = sum(map(len, self.pages))
        stopped = "cancelled after " if self._end.is_set() else ""
        said = f"{units.plural(items, 'item')} on {units.plural(count, 'page')}"
        self.done(f"{stopped}{said}", seconds=seconds)
        if self.strip is not None:
            self.strip.show(_code(len(self.pages), int(self.limit.value)))


def _shelf(number: int, found: Sequence[Page]) -> Shelf:
    boxes = [
        Box(f"{page.items}{' →' if page.more else ''}", units.size(page.size)) for page in found
    ]
    items = sum(page.items for page in found)
    return Shelf(
        label=f"segment {number}",
        boxes=boxes,
        note=f"{units.plural(items, 'item')}, {units.size(sum(page.size for page in found))}",
    )


def _code(segments: int, limit: int) -> str:
    parts = [f"Limit={limit}"] if limit else []
    parts += [f"Segment=number, TotalSegments={segments}"] if segments > 1 else []
    options = ", ".join(parts)
    head = (
        f"for number in range({segments}):  # each in a thread of its own\n" if segments > 1 else ""
    )
    pad = "    " if head else ""
    lines = (
        f"options = dict({options})",
        "while True:",
        "    answer = table.scan(**options)",
        '    items += answer["Items"]',
        '    if "LastEvaluatedKey" not in answer:',
        "        break",
        '    options["ExclusiveStartKey"] = answer["LastEvaluatedKey"]',
    )
    return "items = []\n" + head + "\n".join(pad + line for line in lines)

"""Counting the capacity units of every call that goes through a client, the learner's own too."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from kit import databases
from kit.labs.dynamodb import account
from kit.labs.dynamodb.account import Line
from kit.labs.dynamodb.scales import Scales
from kit.labs.dynamodb.traffic import Call, Tap, client
from kit.widgets import controls, units
from kit.widgets.panel import Panel
from kit.widgets.table import Grid, Table
from kit.widgets.values import Shown

COMPUTED = "computed from item sizes by AWS's published rules"
_ALSO = "; beside it what the server metered"


class Bill:
    """What a stretch of code used, call by call; `metered` tells whether the server meters."""

    def __init__(self, *, metered: bool = False) -> None:
        self.metered = metered
        self.lines: list[Line] = []
        self._panel: Receipt | None = None

    def __repr__(self) -> str:
        calls = units.plural(len(self.lines), "line")
        return f"<Bill of {calls}: {self.read:g} read units, {self.write:g} write units>"

    @property
    def read(self) -> float:
        """Return all read units."""
        return sum(line.units or 0 for line in self.lines if line.kind == "read")

    @property
    def write(self) -> float:
        """Return all write units."""
        return sum(line.units or 0 for line in self.lines if line.kind == "write")

    def panel(self) -> Receipt:
        """Return the bill as a panel, the same one each time."""
        if self._panel is None:
            self._panel = Receipt(metered=self.metered)
        self._panel.show(self.lines)
        return self._panel

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.panel()._repr_mimebundle_(**options)


class Receipt(Panel):
    """Show lines of a bill, each for itself or added up, and what they come to."""

    def __init__(self, *, metered: bool) -> None:
        self.metered = metered
        self.lines: Sequence[Line] = ()
        self.table = Table("Capacity units")
        self.kind = controls.choice("Show", ["each call", "added up by call and table"])
        super().__init__(
            "Capacity units",
            note=COMPUTED + (_ALSO if metered else ""),
            accent=databases.get("dynamodb").accent,
            controls=[self.kind],
            body=[self.table],
        )
        self.kind.observe(lambda _change: self.show(self.lines), "value")

    def show(self, lines: Sequence[Line]) -> None:
        """Replace what is shown."""
        self.lines = lines
        if not lines:
            self.empty(
                "No call was made that uses capacity units.",
                "Make some inside the `with` block, through the resource that it names.",
            )
            return
        shown = lines if self.kind.index == 0 else added(lines)
        self.table.show(grid(shown, metered=self.metered))
        self.done(total(lines))


def added(lines: Sequence[Line]) -> list[Line]:
    """Add lines of the same call, on the same table or index, up."""
    sums: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        sums.setdefault((line.call, line.where), []).append(line)
    return [
        replace(
            same[0],
            items=sum(line.items for line in same),
            size=sum(line.size for line in same),
            units=_sum(line.units for line in same),
            said=_sum(line.said for line in same),
            why=f"{units.plural(len(same), 'call')}, each rounded for itself",
        )
        for same in sums.values()
    ]


def _sum(numbers: Iterable[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


@contextmanager
def metering(resource: Any) -> Iterator[Bill]:
    """Count what each call through a boto3 resource, or a table of one, uses within the block.

    Whole items are read besides, to weigh them; those reads are not counted. Raise UsageError for
    anything but a resource of boto3 or one of its tables.
    """
    known = client(resource)
    bill = Bill(metered=is_metered(resource))
    turn = threading.Lock()

    def going(call: Call) -> None:
        try:
            account.prepare(call, scales)
        except (ClientError, BotoCoreError) as error:
            call.before = error

    def gone(call: Call) -> None:
        found = _weighed(call, scales)
        with turn:
            bill.lines += account.compared(found, call) if bill.metered else found

    tap = Tap(resource, going=going, gone=gone)
    scales = Scales(known, tap.quiet)
    ask = _ask if bill.metered else _nothing
    known.meta.events.register("before-parameter-build.dynamodb", ask)
    tap.open()
    try:
        yield bill
    finally:
        tap.close()
        known.meta.events.unregister("before-parameter-build.dynamodb", ask)


def _weighed(call: Call, scales: Scales) -> list[Line]:
    """Weigh a call; that the items cannot be read must not make the call itself fail."""
    try:
        if isinstance(call.before, Exception) and not call.error:
            raise call.before
        return account.lines(call, scales)
    except (ClientError, BotoCoreError) as error:
        said = type(error).__name__
        if isinstance(error, ClientError):
            said = error.response["Error"]["Code"]
        return [Line(call=call.operation, where="", why=f"could not be weighed: {said}")]


def is_metered(resource: Any) -> bool:
    """Tell whether what answers a resource really meters: moto's figure is made up."""
    kind = databases.get("dynamodb")
    return "metering" in kind.features(*kind.identify(resource))


def grid(lines: Sequence[Line], *, metered: bool) -> Grid:
    """Lay lines out as a table."""
    said = ["the server says"] if metered else []
    return Grid(
        columns=["call", "table", "items", "bytes", "units", *said, "why"],
        rows=[
            [
                line.call,
                line.where,
                line.items,
                line.size,
                _units(line),
                *([_said(line)] if metered else []),
                line.why,
            ]
            for line in lines
        ],
    )


def total(lines: Sequence[Line]) -> str:
    """Say how many units lines add up to."""
    kinds = {"read": 0.0, "write": 0.0}
    for line in lines:
        kinds[line.kind] += line.units or 0
    return " · ".join(
        f"{number:g} {kind} {'unit' if number == 1 else 'units'}"
        for kind, number in kinds.items()
        if number
    )


def _units(line: Line) -> Shown | None:
    return None if line.units is None else Shown(f"{line.units:g} {line.kind}", line.units)


def _said(line: Line) -> Shown | None:
    return None if line.said is None else Shown(f"{line.said:g}", line.said)


def _ask(params: dict[str, Any], model: Any, **_: Any) -> None:
    shape = model.input_shape
    if shape is not None and "ReturnConsumedCapacity" in shape.members:
        params.setdefault("ReturnConsumedCapacity", "TOTAL")


def _nothing(**_: Any) -> None:
    return None

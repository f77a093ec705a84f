"""The builder: one control for each clause of a query that it can write and read back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from kit.labs.influxdb import catalog
from kit.labs.influxdb.catalog import Measurement
from kit.labs.influxdb.controls import dropdown, offer
from kit.labs.influxdb.influxql import AGGREGATES, FILLS, KEYWORDS, Query
from kit.labs.influxdb.session import Session

EVERY = ("10s", "1m", "5m", "10m", "1h", "1d")
SINCE = ("1m", "5m", "15m", "1h", "6h", "1d", "7d", "30d")
_ALL = "all of it"
_RAW = "the points"
_ANY = "any"


class Builder(ipywidgets.VBox):  # type: ignore[misc]
    """Controls that write a query, and that follow one written by hand as far as they can."""

    def __init__(self, session: Session, changed: Callable[[], None]) -> None:
        self.session = session
        self.known = Measurement()
        self._changed = changed
        self._quiet = False
        self._build()
        parts = [
            self.measurement,
            self.policy,
            _titled("Fields", self.fields),
            self.aggregate,
            self.every,
            self.fill,
            _titled("Group by", self.by),
            self.tag,
            self.value,
            self.since,
        ]
        super().__init__(parts)
        self.add_class("kit-builder")
        for control in self.controls:
            control.observe(self._moved, "value")

    @property
    def controls(self) -> list[Any]:
        """Return every control that is part of the query."""
        first = [self.measurement, self.policy, self.fields, self.aggregate, self.every]
        return [*first, self.fill, self.by, self.tag, self.value, self.since]

    def look(self) -> None:
        """Read anew what there is to ask for; what was chosen stays where it is still there."""
        names = catalog.measurements(self.session)
        policies = catalog.policies(self.session)
        self._quiet = True
        try:
            offer(self.measurement, names, _kept(self.measurement.value, names))
            offer(self.policy, policies, _kept(self.policy.value, policies))
            self._choose(self.measurement.value)
        finally:
            self._quiet = False

    def words(self) -> list[tuple[str, str]]:
        """Return what a query about the measurement may hold, each with a note on what it is."""
        named = [
            *((name, "measurement") for name in self.measurement.options),
            *((name, f"field, {kind}") for name, kind in self.known.fields.items()),
            *((name, "tag") for name in self.known.tags),
        ]
        # Another name stands in quotes, where nothing is offered.
        plain = [(name, note) for name, note in named if name.isidentifier() and name.isascii()]
        return [*plain, *((name, "function") for name in AGGREGATES), *((w, "") for w in KEYWORDS)]

    def query(self) -> Query | None:
        """Return the query that the controls say, None while there is nothing to ask."""
        if not self.measurement.value:
            return None
        default = self.policy.value == (self.policy.options or [None])[0]
        where = {self.tag.value: self.value.value} if self.tag.value and self.value.value else {}
        return Query(
            measurement=self.measurement.value,
            fields=list(self.fields.value),
            aggregate=self.aggregate.value,
            policy="" if default else self.policy.value,
            where=where,
            since=self.since.value,
            every=self.every.value if self.aggregate.value else "",
            by=list(self.by.value),
            fill=self.fill.value if self.aggregate.value and self.every.value else "",
        )

    def follow(self, query: Query) -> bool:
        """Set the controls to what `query` says; tell whether they can show all of it."""
        self._quiet = True
        try:
            if query.measurement not in self.measurement.options or len(query.where) > 1:
                return False
            self.measurement.value = query.measurement
            self._choose(query.measurement)
            return self._set(query)
        finally:
            self._quiet = False

    def _set(self, query: Query) -> bool:
        tag, value = next(iter(query.where.items()), ("", ""))
        policy = query.policy or (self.policy.options or [""])[0]
        wanted = [
            (self.policy, policy),
            (self.fields, tuple(query.fields)),
            (self.aggregate, query.aggregate),
            (self.every, query.every),
            (self.fill, query.fill if query.every else self.fill.value),
            (self.by, tuple(query.by)),
            (self.tag, tag),
            (self.since, query.since),
        ]
        if not all(_can(control, value) for control, value in wanted):
            return False
        for control, chosen in wanted:
            control.value = chosen
        self._offer_values()
        if not _can(self.value, value):
            return False
        self.value.value = value
        self._enable()
        return True

    def _build(self) -> None:
        self.measurement = dropdown("From", [], None)
        self.policy = dropdown("Policy", [], None)
        self.fields = ipywidgets.SelectMultiple(rows=4)
        self.by = ipywidgets.SelectMultiple(rows=3)
        self.aggregate = dropdown("Show", [(_RAW, ""), *((a, a) for a in AGGREGATES)], "")
        self.every = dropdown("Every", [("one value", ""), *((e, e) for e in EVERY)], "")
        fills = [("as the server does", ""), *((f, f) for f in FILLS)]
        # The server itself gives a row for every empty window up to now, which can be many.
        self.fill = dropdown("Gaps", fills, "none")
        self.tag = dropdown("Where", [(_ANY, "")], "")
        self.value = dropdown("is", [(_ANY, "")], "")
        self.since = dropdown("Last", [(_ALL, ""), *((s, s) for s in SINCE)], "")

    def _moved(self, change: Any) -> None:
        if self._quiet:
            return
        self._quiet = True
        try:
            if change["owner"] is self.measurement:
                self._choose(self.measurement.value)
            if change["owner"] is self.tag:
                self._offer_values()
                # A tag without a value is no condition: the text would not hold it.
                self.value.value = next(iter(self.known.tags.get(self.tag.value, [])), "")
            self._enable()
        finally:
            self._quiet = False
        self._changed()

    def _choose(self, measurement: str | None) -> None:
        self.known = (
            catalog.measurement(self.session, measurement) if measurement else Measurement()
        )
        offer(self.fields, list(self.known.fields), _all_kept(self.fields, self.known.fields))
        tags = list(self.known.tags)
        offer(self.by, tags, _all_kept(self.by, tags))
        offer(
            self.tag, [(_ANY, ""), *((tag, tag) for tag in tags)], _kept(self.tag.value, tags, "")
        )
        self._offer_values()
        self._enable()

    def _offer_values(self) -> None:
        values = list(self.known.tags.get(self.tag.value, []))
        offered = [(_ANY, ""), *((value, value) for value in values)]
        offer(self.value, offered, _kept(self.value.value, values, ""))

    def _enable(self) -> None:
        self.every.disabled = not self.aggregate.value
        self.fill.disabled = not (self.aggregate.value and self.every.value)
        self.value.disabled = not self.tag.value


def _titled(title: str, control: Any) -> Any:
    control.description = title
    control.layout.width = "auto"
    return control


def _kept(chosen: Any, options: Any, default: Any = None) -> Any:
    """Return what was chosen if it is still offered, else the default or the first there is."""
    if chosen in options:
        return chosen
    return default if default is not None else next(iter(options), None)


def _all_kept(control: Any, options: Any) -> tuple[Any, ...]:
    return tuple(value for value in control.value if value in options)


def _can(control: Any, value: Any) -> bool:
    offered = [one[1] if isinstance(one, tuple) else one for one in control.options]
    return all(one in offered for one in value) if isinstance(value, tuple) else value in offered

"""What there is to ask for in one InfluxDB database: measurements, fields, tags, policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kit.labs.influxdb.influxql import identifier
from kit.labs.influxdb.session import Session

VALUES = 200
"""How many values of a tag are offered."""


@dataclass(frozen=True)
class Measurement:
    """A measurement's fields with their types, and its tags with the values seen."""

    fields: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)


def measurements(session: Session) -> list[str]:
    """Name the measurements, in the server's order."""
    found = session.one("SHOW MEASUREMENTS")
    return [str(name) for name in found[0].column("name")] if found else []


def policies(session: Session, database: str = "") -> list[str]:
    """Name the retention policies, the default one first."""
    where = f" ON {identifier(database)}" if database else ""
    (found,) = session.one(f"SHOW RETENTION POLICIES{where}")
    names = dict(zip(found.column("name"), found.column("default"), strict=True))
    return sorted(names, key=lambda name: not names[name])


def measurement(session: Session, name: str) -> Measurement:
    """Read what a measurement holds, `VALUES` values of each tag at most."""
    source = identifier(name)
    fields = session.one(f"SHOW FIELD KEYS FROM {source}")
    tags = session.one(f"SHOW TAG KEYS FROM {source}")
    keys = [str(key) for key in tags[0].column("tagKey")] if tags else []
    values: dict[str, Sequence[str]] = {key: [] for key in keys}
    for key in keys:
        found = session.one(
            f"SHOW TAG VALUES FROM {source} WITH KEY = {identifier(key)} LIMIT {VALUES}"
        )
        values[key] = [str(value) for value in found[0].column("value")] if found else []
    types = {str(key): str(kind) for key, kind in fields[0].rows} if fields else {}
    return Measurement(types, values)

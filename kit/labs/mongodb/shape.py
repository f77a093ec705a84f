"""The shape of documents: which fields they have, of which types; and how it drifts."""

from __future__ import annotations

import datetime
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from kit.labs.mongodb.source import Document
from kit.widgets import values

EXAMPLES = 3
_RARE = 0.2
_LONG = 2**31

Kind = Literal["appeared", "vanished", "another type", "rarer", "more frequent"]


@dataclass(frozen=True)
class Field:
    """A field by its path: `config.layers` is inside `config`, `curve[].loss` in each element.

    `count` is how many documents have it, of `total`; `types` are BSON's, each with how often.
    """

    path: str
    total: int
    count: int
    types: Mapping[str, int]
    examples: Sequence[str] = ()

    @property
    def share(self) -> float:
        """Return the share of the documents that have the field, 0 to 1."""
        return self.count / self.total if self.total else 0.0


@dataclass(frozen=True)
class Drift:
    """What became of a field from one batch to the next."""

    path: str
    kind: Kind
    before: Field | None
    after: Field | None


@dataclass
class _Tally:
    count: int = 0
    types: Counter[str] = field(default_factory=Counter)
    examples: dict[str, None] = field(default_factory=dict)


def fields(documents: Sequence[Document]) -> list[Field]:
    """Return every field of the documents, nested ones below the one that holds them."""
    tallies: dict[str, _Tally] = {}
    for document in documents:
        seen: set[str] = set()
        for path, value in _walk(document, ""):
            tally = tallies.setdefault(path, _Tally())
            tally.count += path not in seen
            seen.add(path)
            tally.types[bson_type(value)] += 1
            if not isinstance(value, dict | list) and len(tally.examples) < EXAMPLES:
                tally.examples[values.text_of(value)] = None
    found = {
        path: Field(path, len(documents), one.count, dict(one.types), list(one.examples))
        for path, one in tallies.items()
    }
    return [found[path] for path in ordered(found)]


def drift(before: Sequence[Field], after: Sequence[Field]) -> list[Drift]:
    """Compare two batches, field by field; a share counts as changed from a fifth on."""
    old, new = ({one.path: one for one in batch} for batch in (before, after))
    found = []
    for path in ordered({**old, **new}):
        kind = _kind(old.get(path), new.get(path))
        if kind is not None:
            found.append(Drift(path, kind, old.get(path), new.get(path)))
    return found


def validator(documents: Sequence[Document]) -> Document:
    """Return a `$jsonSchema` that the documents keep: their types, and what all of them have."""
    return {"$jsonSchema": _schema(documents)}


def ordered(paths: Mapping[str, object]) -> list[str]:
    """Put each field below the one that holds it, otherwise in the order of appearance."""
    places = {path: place for place, path in enumerate(paths)}

    def key(path: str) -> list[int]:
        parts = path.replace("[]", ".[]").split(".")
        above = [".".join(parts[: n + 1]).replace(".[]", "[]") for n in range(len(parts))]
        return [places.get(one, places[path]) for one in above]

    return sorted(paths, key=key)


def bson_type(value: object) -> str:
    """Return the name that BSON has for a value's type, as `$type` and `bsonType` want it."""
    if isinstance(value, int) and not isinstance(value, bool):
        small = type(value).__name__ != "Int64" and -_LONG <= value < _LONG
        return "int" if small else "long"
    for kind, name in _TYPES:
        if isinstance(value, kind):
            return name
    named = type(value).__name__
    return {"Decimal128": "decimal"}.get(named, named[:1].lower() + named[1:])


_TYPES: tuple[tuple[Any, str], ...] = (
    (bool, "bool"),
    (float, "double"),
    (str, "string"),
    (type(None), "null"),
    (Mapping, "object"),
    (list, "array"),
    (datetime.datetime, "date"),
    ((bytes, uuid.UUID), "binData"),
)


def _walk(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            inner = f"{path}.{name}" if path else str(name)
            yield inner, part
            yield from _walk(part, inner)
    elif isinstance(value, list):
        for part in value:
            yield f"{path}[]", part
            yield from _walk(part, f"{path}[]")


def _kind(old: Field | None, new: Field | None) -> Kind | None:
    if old is None or new is None:
        return "appeared" if old is None else "vanished"
    if set(old.types) != set(new.types):
        return "another type"
    if abs(new.share - old.share) < _RARE:
        return None
    return "rarer" if new.share < old.share else "more frequent"


def _schema(documents: Sequence[Document]) -> Document:
    names = list(dict.fromkeys(name for document in documents for name in document))
    required = [name for name in names if all(name in document for document in documents)]
    properties = {
        name: _property([document[name] for document in documents if name in document])
        for name in names
    }
    needed = {"required": required} if required else {}
    return {"bsonType": "object", **needed, "properties": properties}


def _property(found: Sequence[Any]) -> Document:
    if all(isinstance(value, Mapping) for value in found):
        return _schema(list(found))
    types = sorted({bson_type(value) for value in found})
    return {"bsonType": types[0] if len(types) == 1 else types}

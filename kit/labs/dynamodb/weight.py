"""What an item weighs.

The rules are those of "DynamoDB item sizes and formats" in the Amazon DynamoDB Developer Guide. The
guide calls the size of a number approximate, and gives no rule for sets: a set is weighed as the
sum of its elements.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

LARGEST = 400 * 1024
"""Bytes of the largest item, names included ("Quotas in Amazon DynamoDB", Items)."""

Wire = Mapping[str, Mapping[str, Any]]
"""An item as it travels: each value under the letter of its type, such as {"S": "text"}."""

_CONTAINER, _ELEMENT = 3, 1
_NAMES = {
    "S": "string",
    "N": "number",
    "B": "binary",
    "BOOL": "Boolean",
    "NULL": "null",
    "L": "list",
    "M": "map",
    "SS": "string set",
    "NS": "number set",
    "BS": "binary set",
}


@dataclass(frozen=True)
class Part:
    """One attribute's share of an item's size, in bytes."""

    name: str
    kind: str
    of_name: int
    of_value: int
    rule: str

    @property
    def size(self) -> int:
        """Return the bytes of name and value."""
        return self.of_name + self.of_value


def size(item: Mapping[str, Any]) -> int:
    """Return the bytes of an item in Python's types, as boto3 takes them."""
    return wire_size(serialize(item))


def wire_size(item: Wire) -> int:
    """Return the bytes of an item as it travels."""
    return sum(_text(name) + value_size(value) for name, value in item.items())


def parts(item: Mapping[str, Any]) -> list[Part]:
    """Return each attribute's share of an item's size, and the rule by which it is counted."""
    return [
        Part(name, _NAMES[kind], _text(name), value_size({kind: value}), _rule(kind, value))
        for name, typed in serialize(item).items()
        for kind, value in typed.items()
    ]


def serialize(item: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return an item as boto3 sends it; raise TypeError for what DynamoDB has no type for."""
    serializer = _serializer()
    return {name: serializer.serialize(value) for name, value in item.items()}


def value_size(value: Mapping[str, Any]) -> int:
    """Return the bytes of one value, without the name of its attribute."""
    ((kind, content),) = value.items()
    if kind in {"BOOL", "NULL"}:
        return 1
    if kind == "L":
        return _CONTAINER + sum(_ELEMENT + value_size(one) for one in content)
    if kind == "M":
        return _CONTAINER + sum(
            _ELEMENT + _text(name) + value_size(one) for name, one in content.items()
        )
    if kind in {"SS", "NS", "BS"}:
        return sum(value_size({kind[0]: one}) for one in content)
    return {"S": _text, "N": _number, "B": _binary}[kind](content)


def _text(text: str) -> int:
    return len(text.encode())


def _number(text: str) -> int:
    return (significant(text) + 1) // 2 + 1


def _binary(content: Any) -> int:
    # On the wire binary values are base64, but the raw bytes are what counts.
    return len(base64.b64decode(content)) if isinstance(content, str) else len(bytes(content))


def significant(number: str | Decimal) -> int:
    """Count a number's significant digits, leading and trailing zeroes trimmed."""
    digits = "".join(map(str, Decimal(number).as_tuple().digits))
    return len(digits.strip("0"))


def _rule(kind: str, content: Any) -> str:
    if kind == "N":
        return f"{significant(content)} significant digits, two to a byte, and 1 byte"
    if kind in {"L", "M"}:
        return f"3 bytes, and 1 byte beside each of {len(content)} elements"
    return {
        "S": "bytes of UTF-8",
        "B": "raw bytes, before base64",
        "BOOL": "1 byte",
        "NULL": "1 byte",
    }.get(kind, "the sum of its elements")


@cache
def _serializer() -> Any:
    from boto3.dynamodb.types import TypeSerializer

    return TypeSerializer()

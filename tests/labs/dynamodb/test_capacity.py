"""Sizes and capacity units agree with AWS's published rules, above all where they round up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kit.errors import UsageError
from kit.labs.dynamodb import capacity
from kit.labs.dynamodb.capacity import index_units, read_units, write_units
from kit.labs.dynamodb.design import Design, Index, described
from kit.labs.dynamodb.weight import LARGEST, parts, serialize, size

KB = 1024

SIZES: dict[str, tuple[dict[str, Any], int]] = {
    "nothing": ({}, 0),
    "text": ({"a": "abc"}, 1 + 3),
    "empty text": ({"a": ""}, 1),
    "text beyond ASCII": ({"ü": "é漢😀"}, 2 + 2 + 3 + 4),
    "long name": ({"learning_rate": "x"}, 13 + 1),
    "one digit": ({"n": 7}, 1 + 2),
    "two digits": ({"n": 42}, 1 + 2),
    "three digits": ({"n": 123}, 1 + 3),
    "zero": ({"n": 0}, 1 + 1),
    "trailing zeroes": ({"n": Decimal("1200000")}, 1 + 2),
    "leading zeroes": ({"n": Decimal("0.00001")}, 1 + 2),
    "fraction": ({"n": Decimal("0.9467")}, 1 + 3),
    "negative": ({"n": -42}, 1 + 2),
    "38 digits": ({"n": Decimal("1" * 38)}, 1 + 20),
    "true": ({"b": True}, 1 + 1),
    "null": ({"b": None}, 1 + 1),
    "binary": ({"b": b"\x00" * 10}, 1 + 10),
    "empty list": ({"l": []}, 1 + 3),
    "list": ({"l": ["ab", 1]}, 1 + 3 + (1 + 2) + (1 + 2)),
    "empty map": ({"m": {}}, 1 + 3),
    "map": ({"m": {"x": "ab", "yy": True}}, 1 + 3 + (1 + 1 + 2) + (1 + 2 + 1)),
    "nested": ({"m": {"l": [{"k": None}]}}, 1 + 3 + (1 + 1 + 3 + (1 + 3 + (1 + 1 + 1)))),
    "text set": ({"s": {"ab", "c"}}, 1 + 3),
    "number set": ({"s": {1, 123}}, 1 + 2 + 3),
    "binary set": ({"s": {b"abc"}}, 1 + 3),
}


@pytest.mark.parametrize(("item", "expected"), SIZES.values(), ids=SIZES)
def test_an_item_weighs_what_the_rules_for_its_types_say(
    item: dict[str, Any], expected: int
) -> None:
    assert size(item) == expected
    assert sum(part.size for part in parts(item)) == expected


def of(size_wanted: int) -> dict[str, str]:
    """Return an item of exactly so many bytes."""
    return {"p": "x" * (size_wanted - 1)}


READS = [
    (0, 0.5, 1, 2),
    (1, 0.5, 1, 2),
    (1023, 0.5, 1, 2),
    (1024, 0.5, 1, 2),
    (1025, 0.5, 1, 2),
    (4 * KB - 1, 0.5, 1, 2),
    (4 * KB, 0.5, 1, 2),
    (4 * KB + 1, 1, 2, 4),
    (8 * KB, 1, 2, 4),
    (8 * KB + 1, 1.5, 3, 6),
    (LARGEST - 1, 50, 100, 200),
    (LARGEST, 50, 100, 200),
]


@pytest.mark.parametrize(("size_", "eventual", "strong", "transactional"), READS)
def test_reading_one_item_counts_each_4_kb_begun(
    size_: int, eventual: float, strong: float, transactional: float
) -> None:
    found = [read_units(size_, how) for how in ("eventual", "strong", "transactional")]
    assert found == [eventual, strong, transactional]


WRITES = [
    (0, 1, 2),
    (1, 1, 2),
    (1023, 1, 2),
    (1024, 1, 2),
    (1025, 2, 4),
    (2 * KB, 2, 4),
    (2 * KB + 1, 3, 6),
    (4 * KB - 1, 4, 8),
    (4 * KB, 4, 8),
    (4 * KB + 1, 5, 10),
    (LARGEST - 1, 400, 800),
    (LARGEST, 400, 800),
]


@pytest.mark.parametrize(("size_", "plain", "transactional"), WRITES)
def test_writing_one_item_counts_each_1_kb_begun(
    size_: int, plain: int, transactional: int
) -> None:
    assert write_units(size_) == write_units(0, size_) == plain
    assert write_units(size_, transactional=True) == transactional


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [(0, 1, 1), (3 * KB, 1, 3), (1, 3 * KB, 3), (1025, 1024, 2), (300 * KB, 310 * KB, 310)],
)
def test_replacing_an_item_counts_the_larger_of_the_two(
    before: int, after: int, units: int
) -> None:
    assert write_units(before, after) == units


@pytest.mark.parametrize(("existing", "units"), [(0, 1), (1024, 1), (1025, 2), (300 * KB, 300)])
def test_a_write_whose_condition_fails_counts_the_item_that_is_there(
    existing: int, units: int
) -> None:
    assert capacity.refused_units(existing) == units


PAGES = [
    ([], 0.5, 1),
    ([1], 0.5, 1),
    ([1] * 40, 0.5, 1),
    ([100] * 40, 0.5, 1),
    ([1024] * 4, 0.5, 1),
    ([1024] * 4 + [1], 1, 2),
    ([4 * KB, 4 * KB], 1, 2),
    ([4 * KB + 1, 4 * KB - 1], 1, 2),
    ([4 * KB + 1, 4 * KB], 1.5, 3),
    ([KB * KB], 128, 256),
]


@pytest.mark.parametrize(("sizes", "eventual", "strong"), PAGES)
def test_a_page_adds_all_sizes_up_and_rounds_once(
    sizes: list[int], eventual: float, strong: float
) -> None:
    assert capacity.page_units(sizes) == eventual
    assert capacity.page_units(sizes, "strong") == strong


@pytest.mark.parametrize(
    ("sizes", "how", "units"),
    [
        ([1536, 6656], "strong", 3),  # the guide's example: 4 KB + 8 KB
        ([1] * 10, "eventual", 5),
        ([1] * 10, "strong", 10),
        ([4 * KB, 4 * KB + 1], "eventual", 1.5),
        ([1, 1], "transactional", 4),
        ([4 * KB + 1], "transactional", 4),
    ],
)
def test_a_batch_or_a_transaction_rounds_each_item_up_alone(
    sizes: list[int], how: capacity.Consistency, units: float
) -> None:
    assert capacity.batch_units(sizes, how) == units


WHOLE = Index(name="by_model", partition="model", sort="accuracy", base=("id",))
KEYS = Index(name="by_model", partition="model", projects="KEYS_ONLY", base=("id",))
SOME = Index(name="by_model", partition="model", projects=("loss",), base=("id",))

INDEXED: dict[str, tuple[Index, dict[str, Any] | None, dict[str, Any] | None, int]] = {
    "neither has the key": (WHOLE, {"id": "1"}, {"id": "1", "note": "x"}, 0),
    "a new item with the key": (WHOLE, None, {"id": "1", "model": "m", "accuracy": 1}, 1),
    "a new item with half a key": (WHOLE, None, {"id": "1", "model": "m"}, 0),
    "the key appears": (KEYS, {"id": "1"}, {"id": "1", "model": "m"}, 1),
    "the key vanishes": (KEYS, {"id": "1", "model": "m"}, {"id": "1"}, 1),
    "the item is deleted": (KEYS, {"id": "1", "model": "m"}, None, 1),
    "the key changes": (KEYS, {"id": "1", "model": "m"}, {"id": "1", "model": "n"}, 2),
    "the sort key changes": (
        WHOLE,
        {"id": "1", "model": "m", "accuracy": 1},
        {"id": "1", "model": "m", "accuracy": 2},
        2,
    ),
    "a projected attribute changes": (
        SOME,
        {"id": "1", "model": "m", "loss": 1},
        {"id": "1", "model": "m", "loss": 2},
        1,
    ),
    "an attribute outside changes": (
        SOME,
        {"id": "1", "model": "m", "note": "x"},
        {"id": "1", "model": "m", "note": "y"},
        0,
    ),
    "nothing changes": (KEYS, {"id": "1", "model": "m"}, {"id": "1", "model": "m"}, 0),
    "a large entry": (
        SOME,
        None,
        {"id": "1", "model": "m", "loss": "x" * 2000},
        2,
    ),
    "a large item, keys only": (
        KEYS,
        None,
        {"id": "1", "model": "m", "loss": "x" * 9000},
        1,
    ),
    "a large entry whose key changes": (
        SOME,
        {"id": "1", "model": "m", "loss": "x" * 2000},
        {"id": "1", "model": "n", "loss": "x" * 3000},
        2 + 3,
    ),
}


@pytest.mark.parametrize(("index", "before", "after", "units"), INDEXED.values(), ids=INDEXED)
def test_an_index_adds_the_writes_that_its_entry_needs(
    index: Index, before: dict[str, Any] | None, after: dict[str, Any] | None, units: int
) -> None:
    wire = [None if item is None else serialize(item) for item in (before, after)]
    assert index_units(index, *wire) == units


def test_items_for_the_borders_weigh_what_they_should() -> None:
    assert [size(of(n)) for n in (1, 1023, 1024, 1025, LARGEST)] == [1, 1023, 1024, 1025, LARGEST]


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(UsageError):
        read_units(-1)


def test_a_design_is_written_for_create_table_and_read_back() -> None:
    index = Index(
        name="best", partition="model", sort="accuracy", projects=("run",), base=("run", "epoch")
    )
    design = Design(partition="run", sort="epoch", indexes=(index,))
    written = design.definition([{"run": "a", "epoch": 1}, {"model": "m", "accuracy": Decimal(1)}])
    kinds = [
        (one["AttributeName"], one["AttributeType"]) for one in written["AttributeDefinitions"]
    ]
    assert kinds == [("run", "S"), ("epoch", "N"), ("model", "S"), ("accuracy", "N")]
    assert described(written) == design


@pytest.mark.parametrize("name", ["nope", "tags"])
def test_what_cannot_be_a_key_is_refused_by_name(name: str) -> None:
    with pytest.raises(UsageError, match=name):
        Design(partition=name).definition([{"id": "1", "tags": ["a"]}])

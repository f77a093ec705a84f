"""What counts as right: the same values in any form, and what is off is said without the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy
import pandas
import pytest
import sqlalchemy

from kit.exercises.comparison import difference
from tests.exercises.trial import ROWS


@pytest.fixture
def result_set() -> Iterator[Callable[[str], Any]]:
    """Run a query as %sql does and hand over its own result type."""
    from sql.run import ResultSet

    config = SimpleNamespace(autolimit=0, displaylimit=0, style="_DEPRECATED_DEFAULT")
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.connect() as connection:
        yield lambda query: ResultSet(connection.execute(sqlalchemy.text(query)), config)
    engine.dispose()


RIGHT_FORMS = {
    "tuples": [("FAILED", 1), ("FINISHED", 3)],
    "lists": [["FINISHED", 3], ["FAILED", 1]],
    "dicts": [{"status": "FINISHED", "runs": 3}, {"status": "FAILED", "runs": 1}],
    "dicts with the columns turned round": [
        {"runs": 3, "status": "FINISHED"},
        {"runs": 1, "status": "FAILED"},
    ],
    "a mapping": {"FAILED": 1, "FINISHED": 3},
    "a set": {("FAILED", 1), ("FINISHED", 3)},
    "a generator": (row for row in ROWS),
    "an array": numpy.array([["FINISHED", 3], ["FAILED", 1]], dtype=object),
    "a DataFrame": pandas.DataFrame(ROWS, columns=["status", "runs"]),
    "a DataFrame with the columns turned round": pandas.DataFrame(
        {"Runs": [3, 1], "Status": ["FINISHED", "FAILED"]}
    ),
    "a DataFrame with an index of its own": pandas.DataFrame(
        ROWS, columns=["status", "runs"]
    ).set_index("status"),
    "a grouped Series": pandas.Series(["FINISHED"] * 3 + ["FAILED"], name="status")
    .to_frame()
    .groupby("status")
    .size(),
}


@pytest.mark.parametrize("answer", RIGHT_FORMS.values(), ids=RIGHT_FORMS)
def test_a_right_answer_is_right_in_whatever_form_it_comes(answer: object) -> None:
    assert difference(answer, ROWS, columns=("status", "runs")) is None


def test_a_result_of_the_sql_magic_is_read_with_its_column_names(
    result_set: Callable[[str], Any],
) -> None:
    query = "SELECT 3 AS runs, 'FINISHED' AS status UNION SELECT 1, 'FAILED'"
    assert difference(result_set(query), ROWS, columns=("status", "runs")) is None


def test_a_result_of_one_cell_equals_the_single_value(result_set: Callable[[str], Any]) -> None:
    assert difference(result_set("SELECT 0.93 AS best"), 0.93) is None
    assert difference(0.93, result_set("SELECT 0.93 AS best")) is None


def test_one_row_is_right_as_a_row_of_the_database_and_as_a_bare_tuple(
    result_set: Callable[[str], Any],
) -> None:
    right = [("lr-0.1", 0.93)]
    assert difference(("lr-0.1", 0.93), right) is None
    assert difference(result_set("SELECT 'lr-0.1' AS run, 0.93 AS best")[0], right) is None


VALUES: dict[str, tuple[object, object]] = {
    "a float within the tolerance": (0.9300000001, 0.93),
    "a decimal": (Decimal("0.93"), 0.93),
    "a NumPy float": (numpy.float64(0.93), 0.93),
    "NaN and NULL": ([(1, float("nan"))], [(1, None)]),
    "NaT and NULL": ([(1, pandas.NaT)], [(1, None)]),
    "a time stamp": (pandas.Timestamp("2026-01-01", tz="UTC"), datetime(2026, 1, 1, tzinfo=UTC)),
    "bytes": (bytearray(b"x"), memoryview(b"x")),
    "nested values": ([("a", {"lr": [0.1, 0.2]})], [("a", {"lr": [0.1 + 1e-12, 0.2]})]),
    "no rows at all": ([], []),
    "flat values in another order": (["b", "a"], {"a", "b"}),
    "floats that sort differently": (
        [(1.0000001, "b"), (1.0, "a")],
        [(1.0, "b"), (1.0000001, "a")],
    ),
}


@pytest.mark.parametrize(("answer", "right"), VALUES.values(), ids=VALUES)
def test_values_that_mean_the_same_are_the_same(answer: object, right: object) -> None:
    assert difference(answer, right) is None


COMPLAINTS: dict[str, tuple[object, object, str]] = {
    "too few rows": ([("FAILED", 1)], ROWS, "It has 1 row, not 2."),
    "too many columns": ([("FAILED", 1, 2), ("F", 3, 4)], ROWS, "Its rows have 3 columns, not 2."),
    "nothing": ([], ROWS, "There are no rows in it."),
    "a stray row": (
        [("FAILED", 2), ("FINISHED", 3)],
        ROWS,
        "The row ('FAILED', 2) does not belong",
    ),
    "a row twice": ([("FAILED", 1), ("FAILED", 1)], ROWS, "The row ('FAILED', 1) does not belong"),
    "a stray value": (["a", "c"], {"a", "b"}, "The value 'c' does not belong there."),
    "text for a number": ("0.93", 0.93, "'0.93' is text; a number was asked for."),
    "a number for text": (3, "three", "3 is a number; text was asked for."),
    "another case": ("failed ", "FAILED", "differs only in spaces or in upper and lower case"),
    "another number": (0.94, 0.93, "0.94 is not it."),
    "another kind": (object, 0.93, "is not it."),
    "whole numbers close together": (1_700_000_000_001, 1_700_000_000_000, "is not it."),
}


@pytest.mark.parametrize(("answer", "right", "said"), COMPLAINTS.values(), ids=COMPLAINTS)
def test_what_is_off_is_said_in_the_answers_own_terms(
    answer: object, right: object, said: str
) -> None:
    assert said in str(difference(answer, right))


def test_what_is_off_never_gives_the_right_answer_away() -> None:
    for answer in (0, "x", [], ["x"], [("a", 1)], {"a": 1}, [("a", 1), ("b", 2), ("c", 3)]):
        complaint = difference(answer, [("secret", 4711), ("hidden", 4712)])
        assert complaint is not None
        assert not any(word in complaint for word in ("secret", "hidden", "4711", "4712"))


def test_order_counts_only_where_it_was_asked_for() -> None:
    backwards = list(reversed(ROWS))
    assert difference(backwards, ROWS) is None
    assert difference(backwards, ROWS, ordered=True) == "The rows are right, their order is not."


def test_a_wider_tolerance_accepts_a_rounded_answer() -> None:
    assert difference([("a", 0.93)], [("a", 0.9312)]) is not None
    assert difference([("a", 0.93)], [("a", 0.9312)], tolerance=0.01) is None


def test_ten_thousand_rows_in_another_order_are_compared_in_a_moment() -> None:
    rows = [(number % 97, number / 7) for number in range(10_000)]
    assert difference(list(reversed(rows)), rows) is None

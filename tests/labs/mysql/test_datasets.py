"""Data sets in a database: what comes back is what was stored, or is refused."""

from __future__ import annotations

import math
from contextlib import closing
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import text

from kit.errors import UnknownName, UsageError
from kit.labs import datasets
from kit.labs import source as sources
from kit.labs.datasets import catalog, ways
from kit.launch.server import Server
from tests.labs.mysql.questions import ask

HOSTILE = "<script>alert(1)</script> '; DROP TABLE training_sets; -- \" \\ % %s :x ⏎\n,\t漢字"


@pytest.mark.parametrize("name", datasets.NAMES)
def test_a_data_set_comes_back_as_it_was_stored_to_the_last_digit(
    server: Server, name: str
) -> None:
    training = datasets.read(name)
    kept = datasets.store(server, training)
    assert kept.row_count == len(training.rows)
    back = datasets.fetch(server, name)
    assert back == training
    assert back.frame().equals(training.frame())


def test_the_metadata_tell_what_is_in_each_column(server: Server) -> None:
    datasets.store(server, datasets.read("digits"))
    asked = "SELECT kind, low, high, missing FROM training_columns WHERE name = 'digits' "
    assert ask(server, f"{asked} AND column_name = 'target'") == [("whole number", 0, 9, 0)]
    assert len(ask(server, asked)) == 65
    assert datasets.read("iris").columns[0].name == "sepal_length_cm"


def test_the_same_rows_are_kept_once_and_other_rows_are_the_next_version(server: Server) -> None:
    frame = pd.DataFrame({"x": [0.5, 1.5], "y": [0, 1]})
    first = datasets.store(server, _of(frame))
    assert datasets.store(server, _of(frame)) == first
    second = datasets.store(server, _of(frame.iloc[::-1]))
    assert (first.version, second.version) == (1, 2)
    assert first.checksum != second.checksum
    assert datasets.fetch(server, "mine", 1).frame().equals(frame)
    assert [row[0] for row in datasets.fetch(server, "mine").rows] == [1.5, 0.5]
    assert [one.version for one in datasets.stored(server) if one.name == "mine"] == [1, 2]


def test_rows_that_were_changed_behind_its_back_are_noticed(server: Server) -> None:
    frame = pd.DataFrame({"x": [1.25, 2.5, 3.75], "y": [0, 1, 0]})
    kept = datasets.store(server, _of(frame, name="touched"))
    ask_nothing(server, f"UPDATE {kept.table} SET y = 1 WHERE row_no = 2")
    with pytest.raises(UsageError, match="checksum differs"):
        datasets.fetch(server, "touched")


def test_what_was_half_stored_is_not_there_and_is_stored_anew(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame({"x": [1.0, 2.5], "y": [0, 1]})
    training = _of(frame, name="halved")
    broken = [dict(row, x="no number at all") for row in catalog._numbered(training)]
    with monkeypatch.context() as patch:
        patch.setattr("kit.labs.datasets.catalog._numbered", lambda _: broken)
        with pytest.raises(Exception, match="no number"):
            datasets.store(server, training)
    assert [one for one in datasets.stored(server) if one.name == "halved"] == []
    assert datasets.store(server, training).version == 1
    assert datasets.fetch(server, "halved") == training


def test_hostile_text_missing_values_and_odd_names_come_back_by_every_way(server: Server) -> None:
    frame = pd.DataFrame(
        {
            "select": [HOSTILE, None, "NULL", ""],
            '100% `x` "y"': [1.0, math.nan, 1e-300, -1.7976931348623157e308],
            "label": [1, None, 3, -2_147_483_648],
        }
    )
    training = datasets.of(frame, name="hostile", target="label", source=HOSTILE)
    assert training.columns[0].missing == 1
    datasets.store(server, training)
    assert datasets.fetch(server, "hostile") == training
    engine = sources.read(server).engine(**arguments(server))
    target = ways.Target(training, engine.dialect)
    rows = [(n, *row) for n, row in enumerate(training.rows)]
    for way in datasets.WAYS.values():
        target.table.drop(engine, checkfirst=True)
        target.table.create(engine)
        with closing(engine.raw_connection()) as connection:
            way.load(connection, target, rows)
        with engine.connect() as session:
            found = session.execute(target.table.select().order_by(target.table.c.row_no))
            assert [tuple(row) for row in found] == rows, way.label
    target.table.drop(engine)
    engine.dispose()


def test_what_cannot_be_a_training_set_is_refused_with_a_hint(server: Server) -> None:
    frame = pd.DataFrame({"x": [1.0], "y": [0]})
    with pytest.raises(UnknownName, match="'digits'"):
        datasets.read("digit")
    with pytest.raises(UsageError, match="'my_digits'"):
        datasets.of(frame, name="My digits", target="y", source="")
    with pytest.raises(UnknownName, match="column to predict"):
        datasets.of(frame, name="mine", target="label", source="")
    with pytest.raises(UsageError, match="infinity"):
        datasets.of(pd.DataFrame({"x": [math.inf]}), name="mine", target="x", source="")
    with pytest.raises(UsageError, match="same name"):
        datasets.of(pd.DataFrame({"a": [1], "A": [2]}), name="mine", target="a", source="")
    with pytest.raises(UsageError, match="row_no"):
        clash = datasets.of(pd.DataFrame({"row_no": [1]}), name="mine", target="row_no", source="")
        datasets.store(server, clash)
    with pytest.raises(UnknownName, match="training set"):
        datasets.fetch(server, "nothing")
    with pytest.raises(UnknownName, match="way to load"):
        datasets.measure(server, datasets.read("iris"), "fast")


def ask_nothing(server: Server, sql: str) -> None:
    engine = sources.read(server).engine()
    with engine.connect() as connection:
        connection.execute(text(sql))
    engine.dispose()


def arguments(server: Server) -> dict[str, Any]:
    return {"connect_args": {"local_infile": True}} if server.database == "mysql" else {}


def _of(frame: pd.DataFrame, name: str = "mine") -> datasets.TrainingSet:
    return datasets.of(frame, name=name, target="y", source="this test")

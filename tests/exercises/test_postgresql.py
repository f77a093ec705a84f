"""The exercises on PostgreSQL: the running server is asked what is right and what was done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.exercises import check
from kit.launch.server import Server
from kit.launch.start import start
from tests.exercises.trial import ROWS
from tests.traces import kit_home

pytestmark = pytest.mark.usefixtures("progress_path")


@pytest.fixture(scope="module")
def tracked() -> Iterator[Server]:
    """Start PostgreSQL with as much of MLflow's tables as the exercises read."""
    with kit_home() as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIT_HOME", str(home))
        with start("postgresql") as server:
            with server.connect() as connection:
                connection.execute(MLFLOW)
            yield server


MLFLOW = """
    CREATE TABLE runs (run_uuid text PRIMARY KEY, name text, status text);
    CREATE TABLE metrics (run_uuid text, key text, value float, step int);
    CREATE TABLE tags (run_uuid text, key text, value text);
    INSERT INTO runs VALUES
        ('a', 'slow', 'FINISHED'), ('b', 'fast', 'FINISHED'), ('c', 'bad', 'FAILED');
    INSERT INTO metrics VALUES
        ('a', 'accuracy', 0.7, 0), ('b', 'accuracy', 0.9, 0), ('b', 'loss', 3, 0);
    INSERT INTO tags VALUES ('a', 'stage', 'champion');
    CREATE DOMAIN rate AS double precision CHECK (VALUE > 0);
    CREATE DOMAIN lax AS double precision CHECK (VALUE >= 0);
    CREATE DOMAIN strict AS double precision CHECK (VALUE > 1);"""


def test_what_is_right_is_asked_of_the_running_server_each_time(tracked: Server) -> None:
    assert check("pg-1", {"FINISHED": 2, "FAILED": 1})
    with tracked.connect() as connection:
        connection.execute("INSERT INTO runs VALUES ('d', 'late', 'RUNNING')")
    assert check("pg-1", {"FINISHED": 2, "FAILED": 1}).message == "It has 2 rows, not 3."


def test_a_server_can_be_named(tracked: Server) -> None:
    assert check("pg-2", [("fast", 0.9), ("slow", 0.7)], server=tracked)


def test_the_right_name_is_not_enough_where_something_was_to_be_done(tracked: Server) -> None:
    assert "another run" in check("pg-4", "fast").message
    with tracked.connect() as connection:
        connection.execute("INSERT INTO tags VALUES ('b', 'stage', 'champion')")
    assert "2 runs are champion" in check("pg-4", "fast").message
    with tracked.connect() as connection:
        connection.execute("DELETE FROM tags WHERE run_uuid = 'a'")
    assert check("pg-4", "fast")
    assert not check("pg-4", "slow")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (5, "as text"),
        ("nothing", "no type of that name"),
        ("lax", "lets 0 pass"),
        ("strict", "refuses 0.1"),
        ("rate; DROP TABLE runs", "no type of that name"),
    ],
)
def test_a_type_is_judged_by_what_it_refuses(tracked: Server, answer: object, said: str) -> None:
    assert check("pg-6", "rate")
    assert said in check("pg-6", answer).message


def test_without_a_running_server_the_check_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    verdict = check("pg-1", ROWS)
    assert verdict.state == "unchecked"
    assert "Run the notebook from its beginning" in verdict.message

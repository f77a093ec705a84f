"""The exercises of the MySQL lesson: a right answer by any way passes, a wrong one is told why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kit.exercises.exercise import find
from kit.labs import datasets, reads
from kit.launch.server import Server
from kit.launch.start import start


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("mysql", name="exercised") as running:
        reads.prepare(running)
        datasets.store(running, datasets.read("digits"))
        run(running, "CREATE TABLE promoted_myisam (model VARCHAR(20)) ENGINE = MyISAM")
        yield running


def run(server: Server, *statements: str) -> None:
    with closing(server.connect(autocommit=True)) as client, client.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def off(server: Server, exercise: str, answer: object) -> str:
    return find(exercise)[1].complaint(answer, server) or ""


def test_an_index_counts_only_where_the_server_takes_it(server: Server) -> None:
    assert "no index of that name" in off(server, "my-2", "nothing")
    assert "was there before" in off(server, "my-2", "PRIMARY")
    assert "as text" in off(server, "my-2", 3)
    run(server, "CREATE INDEX useless ON kit_predictions (customer)")
    assert "the server takes no index at all" in off(server, "my-2", "useless")
    run(server, "CREATE INDEX handy ON kit_predictions (model, score)")
    assert off(server, "my-2", "handy") == ""
    assert "the server takes handy" in off(server, "my-2", "useless")


def test_a_table_is_to_be_moved_and_not_to_be_dropped(server: Server) -> None:
    assert "promoted_myisam" in off(server, "my-3", "promoted_myisam")
    run(server, "ALTER TABLE promoted_myisam ENGINE = InnoDB")
    assert "not the table" in off(server, "my-3", "runs")
    assert off(server, "my-3", "promoted_myisam") == ""
    run(server, "DROP TABLE promoted_myisam")
    assert "is gone" in off(server, "my-3", "promoted_myisam")


def test_the_next_version_has_every_digit_but_the_nines(server: Server) -> None:
    assert "nines" in off(server, "my-4", 1)
    assert "no version 7" in off(server, "my-4", 7)
    assert "as a number" in off(server, "my-4", "two")
    frame = datasets.fetch(server, "digits", 1).frame()
    for kept, said in ((frame["target"] < 8, "every digit but"), (frame["target"] != 9, "")):
        rest = datasets.of(frame[kept], name="digits", target="target", source="a test")
        stored = datasets.store(server, rest)
        for answer in (stored, stored.version):
            complaint = off(server, "my-4", answer)
            assert (said in complaint) if said else complaint == ""


def test_the_limit_is_asked_of_the_server(server: Server) -> None:
    assert off(server, "my-5", 1) != ""
    run(server, "SET GLOBAL max_connections = 83")
    assert off(server, "my-5", 10) == ""

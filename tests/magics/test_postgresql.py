"""What PostgreSQL alone has: its types and operators, its isolation, its aborted transactions."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.magics.notebook import Notebook, seen_by_others


def test_json_bytes_and_plans_are_shown_as_the_server_means_them(on_postgresql: Notebook) -> None:
    result = on_postgresql("""%sql SELECT '{"a": [1, null]}'::jsonb, '\\x00ff'::bytea""")
    assert '{"a": [1, null]}' in repr(result)
    assert r"\x00ff" in repr(result)
    plan = on_postgresql("%sql EXPLAIN SELECT * FROM runs ORDER BY id")
    assert "&nbsp;&nbsp;-&gt;" in plan._repr_html_()


@pytest.mark.parametrize("magic", ["%sql {}", "%%sql\n{}"])
def test_operators_that_look_like_parameters_or_options_work(
    on_postgresql: Notebook, magic: str
) -> None:
    for expression, value in [
        ("""'{"a": {"b": 1}}'::jsonb ->> 'a'""", '{"b": 1}'),
        ("""'{"a": {"b": 1}}'::jsonb -> 'a' -> 'b'""", 1),
        ("'{1,2}'::int[]", [1, 2]),
        ("(ARRAY[1,2,3])[1:2]", [1, 2]),
        ("'abc' LIKE '%b%'", True),
        ("7 % 4", 3),
        ("7 - -1", 8),
        ("'7'::int", 7),
        ("""'{"a": 1}'::jsonb ? 'a' AND true""", True),
        ("1 -- :x and 'a quote", 1),
    ]:
        result = on_postgresql(magic.replace("{}", f"SELECT {expression}"))
        assert result[0][0] == value, expression


def test_copying_through_the_client_is_refused_and_the_session_lives(
    on_postgresql: Notebook,
) -> None:
    on_postgresql("%%sql\nBEGIN; INSERT INTO runs VALUES (1, 'a')")
    assert "cursor().copy(" in on_postgresql.refuses("%sql COPY runs FROM STDIN")
    assert on_postgresql.rows("SELECT id FROM runs") == [(1,)]
    on_postgresql("%sql ROLLBACK")


def test_an_isolation_level_holds_over_cells(on_postgresql: Notebook) -> None:
    on_postgresql("%%sql\nBEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT count(*) FROM runs;")
    with closing(on_postgresql.server.connect(autocommit=True)) as client:
        client.execute("INSERT INTO runs VALUES (1, 'a')")
    assert on_postgresql.rows("SELECT count(*) FROM runs") == [(0,)]
    on_postgresql("%sql COMMIT")
    assert on_postgresql.rows("SELECT count(*) FROM runs") == [(1,)]


def test_a_transaction_given_up_by_the_server_is_to_be_run_again(on_postgresql: Notebook) -> None:
    on_postgresql("%sql INSERT INTO runs VALUES (1, 'a')")
    on_postgresql("%%sql\nBEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM runs")
    with closing(on_postgresql.server.connect(autocommit=True)) as client:
        client.execute("UPDATE runs SET id = 2")
    assert "run all of it again" in on_postgresql.refuses("%sql UPDATE runs SET id = 3")
    on_postgresql("%sql ROLLBACK")


def test_an_error_leaves_postgresql_in_its_aborted_transaction(on_postgresql: Notebook) -> None:
    on_postgresql("%%sql\nBEGIN; INSERT INTO runs VALUES (1, 'a')")
    assert "type %sql ROLLBACK" in on_postgresql.refuses("%sql SELECT * FROM missing")
    said = on_postgresql.refuses("%sql SELECT 1")
    assert "current transaction is aborted" in said
    assert "type %sql ROLLBACK" in said
    assert on_postgresql.run("%sql COMMIT").text == "ROLLBACK\n"
    assert seen_by_others(on_postgresql.server) == []


def test_a_query_run_often_survives_a_change_of_its_table(on_postgresql: Notebook) -> None:
    for _ in range(8):
        assert on_postgresql.rows("SELECT * FROM runs") == []
    with closing(on_postgresql.server.connect(autocommit=True)) as client:
        client.execute("ALTER TABLE runs ADD COLUMN metric float")
    assert len(on_postgresql("%sql SELECT * FROM runs").keys) == 3


def test_a_value_the_driver_cannot_read_is_an_error_of_the_cell(on_postgresql: Notebook) -> None:
    assert "too large" in on_postgresql.refuses("%sql SELECT 'infinity'::date")
    assert on_postgresql.rows("SELECT 1") == [(1,)]

"""What a cell says reaches the server letter for letter, and the server's word comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.errors import SQLError, UsageError
from kit.magics.statements import read
from tests.magics.notebook import Notebook, seen_by_others

LITERALS = [
    """'{"a":1}'""",
    "'see :zz'",
    "'{1,2}'",
    "'{name}'",
    "'{{name}}'",
    "'$name and $HOME'",
    "'100%'",
    "'%s and %(x)s'",
    "'12:30:59'",
    "'a  b'",
    "'it''s \"quoted\"'",
    "'-- no comment'",
    "'a;b'",
    "'me@example.org'",
    "'Füße 雪 ∑'",
]


@pytest.mark.parametrize("literal", LITERALS)
@pytest.mark.parametrize("magic", ["%sql SELECT {}", "%%sql\nSELECT {}"])
def test_a_literal_reaches_the_server_letter_for_letter(
    notebook: Notebook, magic: str, literal: str
) -> None:
    notebook.shell.user_ns["name"] = "wrong"
    result = notebook(magic.replace("{}", literal, 1))
    assert result[0][0] == literal[1:-1].replace("''", "'")


def test_a_name_after_a_colon_is_never_filled_in_from_the_notebook(notebook: Notebook) -> None:
    notebook.shell.user_ns["zz"] = "filled in"
    assert "syntax" in notebook.refuses("%%sql\nSELECT :zz")


def test_of_several_statements_the_last_rows_are_shown(notebook: Notebook) -> None:
    cell = notebook.run(
        "%%sql\n-- first; a comment\nINSERT INTO runs VALUES (1, 'a;b');\n"
        "SELECT 'not shown';\n/* between; */ SELECT name FROM runs;\n"
        "DELETE FROM runs;\n-- done\n"
    )
    assert [tuple(row) for row in cell.value] == [("a;b",)]
    assert seen_by_others(notebook.server) == []


def test_bodies_of_functions_are_not_cut_at_their_semicolons(notebook: Notebook) -> None:
    bodies = {
        "postgresql": "CREATE OR REPLACE FUNCTION twice(n int) RETURNS int LANGUAGE plpgsql AS\n"
        "$$ BEGIN n := n * 2; RETURN n; END; $$; SELECT twice(4)",
        "mysql": "DROP FUNCTION IF EXISTS twice; CREATE FUNCTION twice(n int) RETURNS int "
        "DETERMINISTIC BEGIN SET n = n * 2; RETURN n; END; SELECT twice(4)",
    }
    assert notebook.rows(bodies[notebook.server.database]) == [(8,)]


def test_a_long_insert_is_one_statement() -> None:
    values = ", ".join(f"({number}, 'x;y')" for number in range(5000))
    assert len(read("", f"INSERT INTO runs VALUES {values}; SELECT 1").statements) == 2


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1; COMMIT", 3),
        ("begin read only; select ';'; rollback;", 3),
        ("/* a; b */ BEGIN; -- c; d\nSELECT 1; COMMIT", 3),
        ("BEGIN NOT ATOMIC SELECT 1; SELECT 2; END", 1),
        ("-- nothing", 0),
        (";;", 0),
        ("/*!40101 SET NAMES utf8 */;", 1),
    ],
)
def test_a_transaction_that_begins_with_options_is_not_taken_for_a_block(
    text: str, count: int
) -> None:
    assert len(read("", text).statements) == count


def test_a_cell_of_comments_alone_does_nothing(notebook: Notebook) -> None:
    cell = notebook.run("%%sql\n-- later;\n/* and this */")
    assert (cell.value, cell.error, cell.text) == (None, None, "")


def test_a_file_is_run_as_it_stands(notebook: Notebook, tmp_path: Path) -> None:
    script = tmp_path / "script.sql"
    script.write_text("INSERT INTO runs VALUES (1, ':a {b}');\nSELECT name FROM runs;\n")
    assert notebook(f"%sql -f {script}")[0].name == ":a {b}"
    notebook.refuses(f"%sql -f {tmp_path / 'missing.sql'}", UsageError)


def test_what_a_statement_did_is_said_as_the_server_says_it(notebook: Notebook) -> None:
    said = notebook.run("%sql INSERT INTO runs VALUES (1, 'a')").text
    assert (
        said
        == {"postgresql": "INSERT 0 1\n", "mysql": "1 row affected.\n"}[notebook.server.database]
    )


def test_warnings_of_the_server_are_passed_on(notebook: Notebook) -> None:
    statement = {"postgresql": "ROLLBACK", "mysql": "SELECT 1/0"}[notebook.server.database]
    said = notebook.run(f"%sql {statement}").text
    if notebook.server.database == "postgresql":
        assert "WARNING: there is no transaction in progress" in said
    else:
        assert "SHOW WARNINGS" in said
        assert "Division by 0" in str(notebook.rows("SHOW WARNINGS"))


def test_an_error_fails_the_cell_in_the_servers_words_with_a_hint(notebook: Notebook) -> None:
    said = notebook.refuses("%sql SELECT * FROM missing")
    assert said.startswith(f"SQLError: {notebook.server.name} says: ERROR ")
    assert "missing" in said
    assert "information_schema.tables" in said
    assert len(said.splitlines()) <= 5


def test_an_error_of_one_statement_of_several_says_which(notebook: Notebook) -> None:
    said = notebook.refuses("%%sql\nINSERT INTO runs VALUES (1, 'a');\nSELECT oops;\nSELECT 1")
    assert "statement 2 of 3; those before it ran" in said
    assert seen_by_others(notebook.server) == [1]


def test_an_error_can_be_caught_in_the_cell(notebook: Notebook) -> None:
    notebook(
        "try:\n    get_ipython().run_line_magic('sql', 'SELECT * FROM missing')\n"
        "except kit.KitError as error:\n    caught = error"
    )
    caught = notebook.shell.user_ns["caught"]
    assert isinstance(caught, SQLError)
    assert caught.__suppress_context__

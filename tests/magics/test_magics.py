"""`%sql` on real servers: what a cell says happens, and what it must not show is not shown."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from IPython.core.interactiveshell import InteractiveShell
from jupyter_client.manager import start_new_kernel
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

import kit
from kit.errors import (
    ConnectionRefused,
    KitError,
    ServerGone,
    SQLError,
    UnknownName,
    UsageError,
)
from kit.launch.server import Server
from kit.launch.start import start
from kit.magics.statements import read

DATABASES = ("postgresql", "mysql")


@dataclass
class Cell:
    """What one cell showed: its value, its error and all it printed."""

    value: Any
    error: BaseException | None
    text: str


class Notebook:
    """Run cells in an IPython shell of this process, as a notebook does."""

    def __init__(self, server: Server, capture: pytest.CaptureFixture[str]) -> None:
        self.shell = InteractiveShell.instance(config=_quiet())
        self.server = server
        self.shell.user_ns.update(server=server, kit=kit)
        self._capture = capture

    def run(self, code: str) -> Cell:
        self._capture.readouterr()
        outcome = self.shell.run_cell(code)
        output = self._capture.readouterr()
        return Cell(outcome.result, outcome.error_in_exec, output.out + output.err)

    def __call__(self, code: str) -> Any:
        """Run a cell that must not fail, and give its value."""
        cell = self.run(code)
        assert cell.error is None, cell.text
        return cell.value

    def refuses(self, code: str, kind: type[BaseException] = SQLError) -> str:
        """Run a cell that must fail, and give all it printed."""
        cell = self.run(code)
        assert type(cell.error) is kind, cell.text
        assert "Traceback" not in cell.text
        assert "site-packages" not in cell.text
        assert "sqlalche.me" not in cell.text
        return cell.text

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self(f"%%sql\n{statement}")]

    def close(self) -> None:
        magic = self.shell.magics_manager.registry.get("SqlMagic")
        for session in getattr(magic, "sessions", {}).values():
            session.close()
        self.shell.restore_sys_module_state()
        InteractiveShell.clear_instance()


def _quiet() -> Config:
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    return config


@pytest.fixture(scope="module", params=DATABASES)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with start(request.param, name=f"{request.param}-magics") as server:
        yield server


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Server]:
    with start("postgresql", name="magics-pg") as server:
        yield server


@pytest.fixture
def notebook(server: Server, capsys: pytest.CaptureFixture[str]) -> Iterator[Notebook]:
    yield from _connected(server, capsys)


@pytest.fixture
def on_postgresql(postgresql: Server, capsys: pytest.CaptureFixture[str]) -> Iterator[Notebook]:
    yield from _connected(postgresql, capsys)


def _connected(server: Server, capsys: pytest.CaptureFixture[str]) -> Iterator[Notebook]:
    if server.state != "running":
        server.restart()
    notebook = Notebook(server, capsys)
    try:
        notebook("kit.sql(server)")
        notebook("%%sql\nDROP TABLE IF EXISTS runs; CREATE TABLE runs (id int, name text)")
        yield notebook
    finally:
        notebook.close()


def seen_by_others(server: Server, statement: str = "SELECT id FROM runs ORDER BY id") -> list[Any]:
    with closing(server.connect(autocommit=True)) as client, closing(client.cursor()) as cursor:
        cursor.execute(statement)
        return [row[0] for row in cursor.fetchall()]


def test_rows_come_as_a_table_in_html_and_in_text(notebook: Notebook) -> None:
    result = notebook("%sql SELECT 7 AS answer, 'adam' AS optimiser")
    assert "<th" in result._repr_html_()
    assert "adam" in result._repr_html_()
    assert repr(result).splitlines()[1:] == [
        "| answer | optimiser |",
        "+--------+-----------+",
        "|      7 | adam      |",
        "+--------+-----------+",
        "(1 row)",
    ]
    assert str(result) == repr(result)


class Tags(HTMLParser):
    """Collect the tags of a piece of HTML, as a browser would find them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)


def test_markup_in_cells_and_in_column_names_is_shown_and_never_obeyed(notebook: Notebook) -> None:
    quote = '"' if notebook.server.database == "postgresql" else "`"
    name = f"{quote}<img src=x onerror=alert(1)>{quote}"
    html = notebook(f"%%sql\nSELECT '<script>alert(1)</script>&amp;' AS {name}")._repr_html_()
    assert Tags(html).found <= {"table", "thead", "tbody", "tr", "th", "td", "p"}
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;" in html


def test_escape_sequences_in_a_row_do_not_reach_the_terminal(notebook: Notebook) -> None:
    quote = "E" if notebook.server.database == "postgresql" else ""
    char = r"\x1b" if quote else "\x1b"
    result = notebook(f"%%sql\nSELECT {quote}'{char}[2J' AS screen")
    assert "\x1b" not in repr(result)
    assert "\x1b" not in result._repr_html_()


def test_null_is_told_from_the_word_and_from_the_empty_text(notebook: Notebook) -> None:
    result = notebook("%sql SELECT NULL AS a, 'NULL' AS b, '' AS c")
    html = result._repr_html_()
    assert html.count(">NULL</em>") == 1
    assert ">NULL</td>" in html
    assert "| NULL |" in repr(result)
    assert result[0][0] is None


def test_many_rows_are_all_kept_and_the_first_are_shown(notebook: Notebook) -> None:
    values = ", ".join(f"({number}, 'x')" for number in range(1234))
    notebook(f"%%sql\nINSERT INTO runs VALUES {values}")
    result = notebook("%sql SELECT * FROM runs")
    assert len(result.DataFrame()) == 1234
    assert "(1,234 rows, the first 50 shown)" in repr(result)
    assert result._repr_html_().count("<tr>") == 51
    notebook("%config SqlMagic.displaylimit = 3")
    assert result._repr_html_().count("<tr>") == 4


def test_a_limit_on_fetching_is_said_under_the_rows(notebook: Notebook) -> None:
    notebook("%%sql\nINSERT INTO runs VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    notebook("%config SqlMagic.autolimit = 2")
    assert "(first 2 rows fetched" in repr(notebook("%sql SELECT * FROM runs"))
    assert notebook.rows("SELECT count(*) FROM runs") == [(3,)]


def test_a_frame_has_its_columns_even_when_no_row_came(notebook: Notebook) -> None:
    frame = notebook("%sql SELECT id, name FROM runs").DataFrame()
    assert list(frame.columns) == ["id", "name"]
    assert len(frame) == 0
    notebook("%config SqlMagic.autopandas = True")
    assert list(notebook("%sql SELECT id FROM runs").columns) == ["id"]


def test_columns_of_one_name_are_both_kept(notebook: Notebook) -> None:
    result = notebook("%sql SELECT 1 AS a, 2 AS a")
    assert list(result.DataFrame().columns) == ["a", "a_1"]
    assert result._repr_html_().count("<th") - result._repr_html_().count("<thead") == 2


def test_json_bytes_and_plans_are_shown_as_the_server_means_them(on_postgresql: Notebook) -> None:
    result = on_postgresql("""%sql SELECT '{"a": [1, null]}'::jsonb, '\\x00ff'::bytea""")
    assert '{"a": [1, null]}' in repr(result)
    assert r"\x00ff" in repr(result)
    plan = on_postgresql("%sql EXPLAIN SELECT * FROM runs ORDER BY id")
    assert "&nbsp;&nbsp;-&gt;" in plan._repr_html_()


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


def test_copying_through_the_client_is_refused_and_the_session_lives(
    on_postgresql: Notebook,
) -> None:
    on_postgresql("%%sql\nBEGIN; INSERT INTO runs VALUES (1, 'a')")
    assert "cursor().copy(" in on_postgresql.refuses("%sql COPY runs FROM STDIN")
    assert on_postgresql.rows("SELECT id FROM runs") == [(1,)]
    on_postgresql("%sql ROLLBACK")


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


@pytest.mark.parametrize("begin", ["BEGIN", "begin;", "START TRANSACTION"])
def test_a_rollback_in_a_later_cell_undoes_what_earlier_cells_did(
    notebook: Notebook, begin: str
) -> None:
    notebook("%sql INSERT INTO runs VALUES (1, 'kept')")
    notebook(f"%%sql\n{begin.rstrip(';')};\nUPDATE runs SET id = 2;")
    notebook("%sql INSERT INTO runs VALUES (3, 'undone')")
    assert sorted(notebook.rows("SELECT id FROM runs")) == [(2,), (3,)]
    assert seen_by_others(notebook.server) == [1]
    notebook("%sql ROLLBACK")
    assert notebook.rows("SELECT id FROM runs") == [(1,)]


def test_a_commit_in_a_later_cell_keeps_what_earlier_cells_did(notebook: Notebook) -> None:
    notebook("%sql BEGIN")
    notebook("%sql INSERT INTO runs VALUES (1, 'a')")
    assert seen_by_others(notebook.server) == []
    notebook("%sql COMMIT")
    assert seen_by_others(notebook.server) == [1]


def test_without_begin_each_statement_is_committed_at_once(notebook: Notebook) -> None:
    notebook("%sql INSERT INTO runs VALUES (1, 'a')")
    assert seen_by_others(notebook.server) == [1]


def test_a_savepoint_undoes_a_part(notebook: Notebook) -> None:
    notebook("%%sql\nBEGIN; INSERT INTO runs VALUES (1, 'a'); SAVEPOINT half")
    notebook("%sql INSERT INTO runs VALUES (2, 'b')")
    notebook("%%sql\nROLLBACK TO SAVEPOINT half; COMMIT")
    assert seen_by_others(notebook.server) == [1]


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


def test_what_must_not_run_in_a_transaction_runs(notebook: Notebook) -> None:
    notebook("%%sql\nDROP DATABASE IF EXISTS scratch; CREATE DATABASE scratch")
    if notebook.server.database == "postgresql":
        notebook("%sql VACUUM ANALYZE runs")
        notebook("%sql CREATE INDEX CONCURRENTLY runs_id ON runs (id)")
        notebook("%sql BEGIN")
        assert "%sql COMMIT" in notebook.refuses("%sql VACUUM")
        notebook("%sql ROLLBACK")
    notebook("%sql DROP DATABASE scratch")


def test_an_error_leaves_postgresql_in_its_aborted_transaction(on_postgresql: Notebook) -> None:
    on_postgresql("%%sql\nBEGIN; INSERT INTO runs VALUES (1, 'a')")
    assert "type %sql ROLLBACK" in on_postgresql.refuses("%sql SELECT * FROM missing")
    said = on_postgresql.refuses("%sql SELECT 1")
    assert "current transaction is aborted" in said
    assert "type %sql ROLLBACK" in said
    assert on_postgresql.run("%sql COMMIT").text == "ROLLBACK\n"
    assert seen_by_others(on_postgresql.server) == []


@pytest.mark.parametrize("server", ["mysql"], indirect=True)
def test_an_error_leaves_mysqls_transaction_open_and_says_so(notebook: Notebook) -> None:
    notebook("%%sql\nBEGIN; INSERT INTO runs VALUES (1, 'a')")
    assert "still open" in notebook.refuses("%sql SELECT * FROM missing")
    notebook("%sql COMMIT")
    assert seen_by_others(notebook.server) == [1]


def test_a_query_run_often_survives_a_change_of_its_table(on_postgresql: Notebook) -> None:
    for _ in range(8):
        assert on_postgresql.rows("SELECT * FROM runs") == []
    with closing(on_postgresql.server.connect(autocommit=True)) as client:
        client.execute("ALTER TABLE runs ADD COLUMN metric float")
    assert len(on_postgresql("%sql SELECT * FROM runs").keys) == 3


def test_two_sessions_on_one_server_do_not_see_each_others_open_work(notebook: Notebook) -> None:
    notebook("kit.sql(server, name='first')")
    notebook("kit.sql(server, name='second')")
    notebook("%%sql @first\nBEGIN; INSERT INTO runs VALUES (1, 'a')")
    assert not notebook("%sql @second SELECT * FROM runs")
    assert len(notebook("%sql @first SELECT * FROM runs")) == 1
    notebook("%sql @first ROLLBACK")


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


def test_a_value_the_driver_cannot_read_is_an_error_of_the_cell(on_postgresql: Notebook) -> None:
    assert "too large" in on_postgresql.refuses("%sql SELECT 'infinity'::date")
    assert on_postgresql.rows("SELECT 1") == [(1,)]


def _headless(path: Path, *cells: str) -> Path:
    setup = "import os, kit\nkit.sql(os.environ['KIT_TEST_SQL'], name='lesson')"
    sheet = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(cell, id=f"cell-{n}")
            for n, cell in enumerate([setup, *cells])
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(sheet, path)
    return path


GOOD = (
    "%%sql\nDROP TABLE IF EXISTS runs; CREATE TABLE runs (id int)",
    "%%sql\nBEGIN; INSERT INTO runs VALUES (1)",
    "%sql ROLLBACK",
    "%sql SELECT count(*) AS number FROM runs",
)


@pytest.fixture
def environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    if server.state != "running":
        server.restart()
    monkeypatch.setenv("KIT_TEST_SQL", str(server.url))


@pytest.mark.usefixtures("environment")
def test_papermill_runs_a_lesson_and_stores_rows_but_no_password(
    tmp_path: Path, server: Server
) -> None:
    done = tmp_path / "done.ipynb"
    papermill.execute_notebook(
        _headless(tmp_path / "in.ipynb", *GOOD, "%sql -l"), done, progress_bar=False
    )
    sheet = nbformat.read(done, as_version=4)
    assert set(sheet.cells[4].outputs[0].data) == {"text/html", "text/plain"}
    assert "0" in sheet.cells[4].outputs[0].data["text/plain"]
    assert server.password not in done.read_text()


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_papermill_stops_at_an_error_of_sql(tmp_path: Path, server: Server) -> None:
    done = tmp_path / "done.ipynb"
    sheet = _headless(tmp_path / "in.ipynb", "%sql SELECT * FROM missing", "print('went on')")
    with pytest.raises(PapermillExecutionError, match="missing") as caught:
        papermill.execute_notebook(sheet, done, progress_bar=False)
    assert caught.value.ename == "SQLError"
    assert "went on" not in "".join(str(cell.outputs) for cell in nbformat.read(done, 4).cells[3:])
    assert server.password not in done.read_text()


def test_nbval_passes_a_lesson_and_fails_an_error_of_sql(
    tmp_path: Path, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_TEST_SQL", str(postgresql.url))
    _headless(tmp_path / "good.ipynb", *GOOD)
    _headless(tmp_path / "bad.ipynb", "%sql SELECT * FROM missing")
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "-p", "no:cacheprovider", "-rA"]
    ran = subprocess.run(
        [*command, "good.ipynb", "bad.ipynb"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 6 passed" in ran.stdout
    assert "FAILED bad.ipynb::Cell 1" in ran.stdout
    assert "says: ERROR 42P01" in ran.stdout


def test_connecting_and_listing_never_show_the_password(notebook: Notebook) -> None:
    secret = notebook.server.password
    shown = [
        notebook.run("kit.sql(server)").text,
        notebook.run("kit.sql(server.url)").text,
        notebook.run("kit.sql(str(server.url) + '?application_name=x', name='other')").text,
        notebook.run("%sql -l").text,
        notebook.run("%sql").text,
        notebook.run("%sql SELECT 1").text,
        notebook.run("%xmode Verbose").text,
        notebook.refuses("%sql SELECT * FROM missing"),
        repr(notebook.shell.magics_manager.registry["SqlMagic"].sessions),
        str(notebook.shell.magics_manager.registry["SqlMagic"].sessions.keys()),
    ]
    notebook("%xmode Context")
    assert notebook.server.name in shown[3]
    assert secret not in "".join(shown)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("postgresql+psycopg://mlflow:s3cret@127.0.0.1:1/mlflow", ConnectionRefused),
        ("mysql+pymysql://mlflow:s3cret@127.0.0.1:1/mlflow", ConnectionRefused),
        ("postgresql+psycopg://mlflow:s3cret@127.0.0.1:port/mlflow", UsageError),
        ("mysql://mlflow:s3cret@127.0.0.1/mlflow", UsageError),
        ("redis://:s3cret@127.0.0.1:1/0", UsageError),
        ("s3cret", UsageError),
    ],
)
def test_a_connection_that_cannot_be_made_is_one_message_without_the_password(
    on_postgresql: Notebook, url: str, kind: type[KitError]
) -> None:
    on_postgresql.shell.user_ns["url"] = url
    assert "s3cret" not in on_postgresql.refuses("kit.sql(url)", kind)
    assert on_postgresql.rows("SELECT 1") == [(1,)]


def test_a_wrong_password_is_one_message_without_it(notebook: Notebook) -> None:
    wrong = str(notebook.server.url).replace(notebook.server.password, "wr0ng-one")
    notebook.shell.user_ns["url"] = wrong
    said = notebook.refuses("kit.sql(url, name='wrong')", ConnectionRefused)
    assert "mlflow" in said
    assert "wr0ng-one" not in said
    assert notebook.rows("SELECT 1") == [(1,)]


def test_sql_uses_the_server_connected_last_and_another_by_its_name(
    notebook: Notebook, postgresql: Server
) -> None:
    first = notebook.server.name
    notebook.shell.user_ns["second"] = postgresql
    notebook("kit.sql(second)")
    where = "%sql {} SELECT '" + "here' AS place, version() AS version"
    assert "PostgreSQL" in notebook(where.format(""))[0].version
    product = {"postgresql": "PostgreSQL", "mysql": "MariaDB"}[notebook.server.database]
    assert product in notebook(where.format(f"@{first}"))[0].version
    assert "PostgreSQL" in notebook(where.format(""))[0].version
    notebook(f"%sql @{first}")
    assert product in notebook(where.format(""))[0].version


def test_connecting_again_keeps_the_session_and_its_open_transaction(notebook: Notebook) -> None:
    notebook("%%sql\nBEGIN; INSERT INTO runs VALUES (1, 'a')")
    notebook("kit.sql(server)")
    assert notebook.rows("SELECT id FROM runs") == [(1,)]
    notebook("%sql ROLLBACK")


def test_a_closed_session_ends_on_the_server_and_its_name_is_gone(notebook: Notebook) -> None:
    notebook("kit.sql(server, name='second')")
    notebook("%sql -x second")
    assert notebook.server.name in notebook.refuses("%sql @second SELECT 1", UnknownName)
    assert "kit.sql(server)" in notebook.refuses("%sql SELECT 1", UsageError)
    assert "kit.sql(server)" in notebook.refuses("%sql", UsageError)


def test_a_restart_between_cells_is_told_once_and_the_statement_runs(notebook: Notebook) -> None:
    notebook.server.restart()
    cell = notebook.run("%sql SELECT 5 AS five")
    assert cell.error is None
    assert cell.value[0].five == 5
    assert cell.text.count("was lost") == 1
    assert "connected again" in cell.text
    assert "lost" not in notebook.run("%sql SELECT 6").text


def test_a_transaction_lost_in_a_restart_fails_the_next_cell(notebook: Notebook) -> None:
    notebook("%%sql\nBEGIN; INSERT INTO runs VALUES (1, 'a')")
    notebook.server.restart()
    assert "start over from BEGIN" in notebook.refuses("%sql INSERT INTO runs VALUES (2, 'b')")
    assert notebook.rows("SELECT id FROM runs") == []


def test_a_server_that_is_down_is_one_message_and_comes_back(notebook: Notebook) -> None:
    notebook.server.kill()
    assert "restart()" in notebook.refuses("%sql SELECT 1", ServerGone)
    assert "restart()" in notebook.refuses("%sql SELECT 1", ServerGone)
    notebook.server.restart()
    assert "connected again" in notebook.run("%sql SELECT 1").text


def test_a_session_the_server_ends_in_mid_statement_is_one_message(notebook: Notebook) -> None:
    end = {
        "postgresql": "SELECT pg_terminate_backend(pg_backend_pid())",
        "mysql": "KILL CONNECTION_ID()",
    }[notebook.server.database]
    cell = notebook.run(f"%sql {end}")
    assert isinstance(cell.error, SQLError), cell.text
    assert "Traceback" not in cell.text
    assert notebook.rows("SELECT 1") == [(1,)]


def test_loading_the_extension_is_enough_and_twice_is_no_harm(notebook: Notebook) -> None:
    magic = notebook.shell.magics_manager.registry["SqlMagic"]
    notebook("%load_ext kit")
    notebook("from kit import load_ipython_extension")
    notebook("load_ipython_extension(get_ipython()); load_ipython_extension(get_ipython())")
    assert notebook.rows("SELECT 1") == [(1,)]
    assert notebook.shell.magics_manager.registry["SqlMagic"] is magic


def test_the_magic_of_ipython_sql_is_replaced_when_it_came_first(notebook: Notebook) -> None:
    notebook("%load_ext sql")
    notebook("kit.sql(server)")
    notebook.refuses("%sql SELECT * FROM missing")


def test_rows_can_be_kept_in_a_variable(notebook: Notebook) -> None:
    assert notebook("%%sql answer <<\nSELECT 7 AS seven") is None
    notebook("other = %sql SELECT 8 AS eight")
    assert notebook.shell.user_ns["answer"][0].seven == 7
    assert notebook.shell.user_ns["other"][0].eight == 8


def test_a_frame_becomes_a_table_within_the_open_transaction(notebook: Notebook) -> None:
    notebook("%sql DROP TABLE IF EXISTS frame")
    notebook("import pandas; frame = pandas.DataFrame({'a%b': [1, 2]})")
    notebook("%sql --persist frame")
    notebook("%sql BEGIN")
    notebook("%sql --append frame")
    assert notebook.rows("SELECT count(*) FROM frame") == [(4,)]
    notebook("%sql ROLLBACK")
    assert notebook.rows("SELECT count(*) FROM frame") == [(2,)]
    assert "already exists" in notebook.refuses("%sql -p frame")
    assert "nothing_here" in notebook.refuses("%sql -p nothing_here")


def test_a_file_is_run_as_it_stands(notebook: Notebook, tmp_path: Path) -> None:
    script = tmp_path / "script.sql"
    script.write_text("INSERT INTO runs VALUES (1, ':a {b}');\nSELECT name FROM runs;\n")
    assert notebook(f"%sql -f {script}")[0].name == ":a {b}"
    notebook.refuses(f"%sql -f {tmp_path / 'missing.sql'}", UsageError)


def test_options_that_are_not_offered_are_refused_with_the_way_to_do_it(
    on_postgresql: Notebook,
) -> None:
    assert "kit.sql(" in on_postgresql.refuses("%sql --section x", UsageError)


def test_outside_a_notebook_the_way_to_a_connection_is_named(postgresql: Server) -> None:
    with pytest.raises(UsageError, match="connect"):
        kit.sql(postgresql)


def test_importing_the_magic_loads_no_driver_and_no_pandas() -> None:
    heavy = "{'IPython', 'pandas', 'sql', 'sqlalchemy'}"
    code = f"import sys, kit.magics; print({heavy} & set(sys.modules) or 'none')"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "none"


WAITING = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity "
    "WHERE state = 'active' AND query = 'UPDATE runs SET id = 2'",
    "mysql": "SELECT count(*) FROM information_schema.processlist "
    "WHERE info = 'UPDATE runs SET id = 2'",
}


@pytest.mark.usefixtures("environment")
def test_an_interrupted_statement_is_not_carried_out_behind_the_learners_back(
    notebook: Notebook,
) -> None:
    server = notebook.server
    notebook("%sql INSERT INTO runs VALUES (1, 'a')")
    notebook("%%sql\nBEGIN; UPDATE runs SET name = 'locked'")
    manager, client = start_new_kernel()
    try:
        client.execute_interactive(
            "import os, kit; kit.sql(os.environ['KIT_TEST_SQL'])", timeout=60
        )
        client.execute("%sql UPDATE runs SET id = 2")
        wait_until(lambda: seen_by_others(server, WAITING[server.database]) == [1])
        manager.interrupt_kernel()
        reply = client.get_shell_msg(timeout=30)["content"]
        assert reply["ename"] == "Interrupted"
        assert len(reply["traceback"]) == 1
        notebook("%sql COMMIT")
        client.execute("%sql INSERT INTO runs VALUES (3, 'after')")
        assert client.get_shell_msg(timeout=30)["content"]["status"] == "ok"
        assert seen_by_others(server) == [1, 3]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)

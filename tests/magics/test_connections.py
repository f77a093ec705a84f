"""Connections: which server answers, what is said when none does, and never a password."""

from __future__ import annotations

import subprocess
import sys

import pytest

import kit
from kit.errors import ConnectionRefused, KitError, ServerGone, SQLError, UnknownName, UsageError
from kit.launch.server import Server
from tests.magics.notebook import Notebook


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

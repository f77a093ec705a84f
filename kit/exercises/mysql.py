"""The exercises of `02_mysql.ipynb`; what is right is asked of the server, each time anew."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any

from kit.exercises.exercise import Exercise, Section

if TYPE_CHECKING:
    from kit.launch.server import Server

_SLOW = "SELECT COUNT(*) FROM kit_predictions WHERE model = 'digits-3' AND score > 0.9"
_OTHER_ENGINES = """
    SELECT table_name AS name FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND engine <> 'InnoDB'"""


def _ask(server: Server, query: str) -> list[dict[str, Any]]:
    from pymysql.cursors import DictCursor

    with closing(server.connect()) as connection, connection.cursor(DictCursor) as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def _asked(query: str) -> Callable[[Server], list[tuple[Any, ...]]]:
    """Return a function that works the right rows out on the server."""
    return lambda server: [tuple(row.values()) for row in _ask(server, query)]


def _uses_the_index(server: Server, answer: object) -> str | None:
    """Ask the server which index it takes for the query."""
    if not isinstance(answer, str):
        return "Give the name of your index, as text."
    found = {row["Key_name"] for row in _ask(server, "SHOW INDEX FROM kit_predictions")}
    if answer not in found:
        return "kit_predictions has no index of that name."
    if answer == "PRIMARY":
        return "PRIMARY was there before: make one of your own."
    chosen = _ask(server, f"EXPLAIN FORMAT = TRADITIONAL {_SLOW}")[0]["key"]
    if chosen != answer:
        return f"For this query the server takes {chosen or 'no index at all'}, not yours."
    return None


def _all_innodb(server: Server, answer: object) -> str | None:
    left = [row["name"] for row in _ask(server, _OTHER_ENGINES)]
    if left:
        return f"Still kept by another engine: {', '.join(sorted(left))}."
    tables = {row["name"] for row in _ask(server, _tables())}
    if "promoted_myisam" not in tables:
        return "The table promoted_myisam is gone: it was to be moved, with its row."
    if answer != "promoted_myisam":
        return "That is not the table that another engine kept."
    return None


def _tables() -> str:
    return (
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()"
    )


def _no_nines(server: Server, answer: object) -> str | None:
    """Look at the version that the answer names, its metadata and its rows."""
    version = getattr(answer, "version", answer)
    if not isinstance(version, int) or isinstance(version, bool):
        return "Give the version, as a number, or what store() returned."
    about = f"FROM training_sets WHERE name = 'digits' AND version = {version}"
    kept = _ask(server, f"SELECT row_count {about}")
    if not kept:
        return f"training_sets knows no version {version} of digits."
    table = f"training_digits_v{version}"
    labels = _ask(server, f"SELECT COUNT(*) AS n, SUM(target = 9) AS nines FROM {table}")  # noqa: S608
    whole = _ask(server, "SELECT SUM(target <> 9) AS n FROM training_digits_v1")
    if labels[0]["nines"]:
        return f"{table} still holds {labels[0]['nines']} nines."
    if labels[0]["n"] != whole[0]["n"]:
        return f"{table} has {labels[0]['n']} rows; every digit but the nines belongs there."
    return None


SECTION = Section(
    notebook="02_mysql",
    title="MySQL",
    database="mysql",
    exercises=(
        Exercise(
            id="my-1",
            title="A column called key",
            expected=_asked("SELECT `key`, COUNT(*) FROM metrics GROUP BY `key`"),
            columns=("key", "count"),
            hints=(
                "KEY is a word of MySQL's own: a column of that name needs quotes around it.",
                "MySQL quotes names by backticks: SELECT `key`, COUNT(*) … GROUP BY `key`.",
            ),
        ),
        Exercise(
            id="my-2",
            title="An index that is used",
            verify=_uses_the_index,
            hints=(
                "Both conditions are on columns; an index may hold more than one.",
                "CREATE INDEX … ON kit_predictions (model, score): first what is compared for "
                "equality, then the range.",
            ),
        ),
        Exercise(
            id="my-3",
            title="Every table in InnoDB",
            verify=_all_innodb,
            hints=(
                "information_schema.tables says which engine keeps each table.",
                "ALTER TABLE … ENGINE = InnoDB moves a table with all its rows.",
            ),
        ),
        Exercise(
            id="my-4",
            title="The next version",
            verify=_no_nines,
            hints=(
                "frame() gives a DataFrame: keep the rows whose target is not 9, then of(…) and "
                "store(…) under the same name.",
                'rest = frame[frame["target"] != 9], then datasets.of(rest, name="digits", '
                'target="target", source="…").',
            ),
        ),
        Exercise(
            id="my-5",
            title="How many pools fit",
            expected=_asked("SELECT @@max_connections DIV 8"),
            hints=(
                "The server says how many connections it lets in: SHOW VARIABLES LIKE 'max_conn%'.",
                "@@max_connections divided by the eight of each pool, without the remainder: DIV.",
            ),
        ),
    ),
)

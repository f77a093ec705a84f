"""The exercises of `01_postgresql.ipynb`; what is right is asked of the server, each time anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kit.exercises.exercise import Exercise, Section

if TYPE_CHECKING:
    from kit.launch.server import Server

_BEST = """
    SELECT runs.name, max(metrics.value) AS best
    FROM runs JOIN metrics USING (run_uuid)
    WHERE runs.status = 'FINISHED' AND metrics.key = 'accuracy'
    GROUP BY runs.run_uuid ORDER BY best DESC, runs.name"""
_CHAMPIONS = """
    SELECT runs.name FROM runs JOIN tags USING (run_uuid)
    WHERE tags.key = 'stage' AND tags.value = 'champion'"""


def _asked(query: str) -> Callable[[Server], list[Any]]:
    """Return a function that works the right rows out on the server."""

    def ask(server: Server) -> list[Any]:
        with server.connect() as connection:
            rows: list[Any] = connection.execute(query).fetchall()
        return rows

    return ask


def _one_champion(server: Server, _answer: object) -> str | None:
    """Look whether the tag itself was moved, and not only the right name given."""
    best, champions = _asked(_BEST)(server)[0][0], _asked(_CHAMPIONS)(server)
    if len(champions) != 1:
        return f"In the table tags, {len(champions)} runs are champion; there must be exactly one."
    if champions[0][0] != best:
        return "In the table tags, the champion is another run than the best one."
    return None


def _keeps_rates_positive(server: Server, answer: object) -> str | None:
    """Try a good and a bad value on the domain that the answer names."""
    from psycopg import errors, sql

    if not isinstance(answer, str):
        return "Give the name of your domain, as text."
    cast = sql.SQL("SELECT CAST(%s AS {})").format(sql.Identifier(answer))
    with server.connect() as connection:
        try:
            connection.execute(cast, [0.1])
        except errors.UndefinedObject:
            return "The server knows no type of that name."
        except errors.CheckViolation:
            return "It refuses 0.1, which is a fine learning rate."
        for bad in (0, -0.1):
            try:
                with connection.transaction():
                    connection.execute(cast, [bad])
            except errors.CheckViolation:
                continue
            return f"It lets {bad} pass."
    return None


SECTION = Section(
    notebook="01_postgresql",
    title="PostgreSQL",
    database="postgresql",
    exercises=(
        Exercise(
            id="pg-1",
            title="Runs by status",
            expected=_asked("SELECT status, count(*) FROM runs GROUP BY status"),
            columns=("status", "count"),
            hints=(
                "One table is enough: runs has a column status.",
                "SELECT status, count(*) FROM runs, and then GROUP BY what?",
            ),
        ),
        Exercise(
            id="pg-2",
            title="The best of every run",
            expected=_asked(_BEST),
            columns=("name", "best"),
            ordered=True,
            tolerance=6e-4,
            hints=(
                "Join runs and metrics on run_uuid; the highest accuracy need not be the last.",
                "max(metrics.value), grouped by the run, for key 'accuracy' and status "
                "'FINISHED'; then ORDER BY it DESC, and by name.",
            ),
        ),
        Exercise(
            id="pg-3",
            title="A number kept as text",
            expected=_asked(
                "SELECT runs.name FROM runs JOIN params USING (run_uuid) "
                "WHERE params.key = 'learning_rate' AND params.value::float > 0.005"
            ),
            hints=(
                "As text, '1e-05' comes after '0.005'. Compare numbers.",
                "params.value::float > 0.005, for key 'learning_rate'.",
            ),
        ),
        Exercise(
            id="pg-4",
            title="One champion",
            expected=lambda server: _asked(_BEST)(server)[0][0],
            verify=_one_champion,
            hints=(
                "BEGIN, delete the old tag, insert the new one, COMMIT. Is the transaction closed?",
                "DELETE FROM tags WHERE key = 'stage'; then INSERT INTO tags (key, value, "
                "run_uuid) SELECT 'stage', 'champion', run_uuid FROM runs WHERE name = …",
            ),
        ),
        Exercise(
            id="pg-5",
            title="Inside the JSON",
            expected=_asked(
                'SELECT run FROM settings WHERE config @> \'{"augment": {"flip": true}}\''
            ),
            hints=(
                "Containment looks inside: config @> a smaller document.",
                'The smaller document is {"augment": {"flip": true}}; true has no quotes.',
            ),
        ),
        Exercise(
            id="pg-6",
            title="A type that refuses",
            verify=_keeps_rates_positive,
            hints=(
                "CREATE DOMAIN … AS double precision CHECK (…); inside, the value is called VALUE.",
                "CHECK (VALUE > 0) refuses zero and everything below it.",
            ),
        ),
    ),
)

"""The types lab: the types that a learner made, and what happens to a value that breaks a rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets
from sqlalchemy import URL, Connection, NullPool, exc

from kit.errors import Unsupported, UsageError
from kit.labs import source as sources
from kit.labs.plan.measure import refusal
from kit.labs.source import Source
from kit.labs.statements import connect
from kit.magics.refusal import words
from kit.widgets import units, values
from kit.widgets.code import Code
from kit.widgets.panel import Panel
from kit.widgets.parts import Notice
from kit.widgets.table import Grid, Table
from kit.widgets.turn import Turn

if TYPE_CHECKING:
    from kit.launch.server import Server

__all__ = ["Kind", "Lab", "Try", "attempt", "kinds", "types"]

_KINDS = """SELECT format_type(t.oid, NULL) AS name,
    CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' ELSE 'composite' END AS kind,
    CASE t.typtype
        WHEN 'e' THEN (SELECT string_agg(enumlabel, ' < ' ORDER BY enumsortorder)
                       FROM pg_enum WHERE enumtypid = t.oid)
        WHEN 'd' THEN concat_ws(' ', format_type(t.typbasetype, t.typtypmod),
                      CASE WHEN t.typnotnull THEN 'NOT NULL' END,
                      (SELECT string_agg(pg_get_constraintdef(c.oid), ' ' ORDER BY c.conname)
                       FROM pg_constraint c WHERE c.contypid = t.oid AND c.contype = 'c'))
        ELSE (SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', '
                                ORDER BY attnum)
              FROM pg_attribute WHERE attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped)
    END AS rule
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_class r ON r.oid = t.typrelid
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_t%'
    AND (t.typtype IN ('e', 'd') OR (t.typtype = 'c' AND r.relkind = 'c'))
ORDER BY t.oid"""
_TRY = "INSERT INTO tried VALUES ({}) RETURNING value::text"
_EMPTY = "There are no types of your own in this database yet."
_CREATE = "Make one: `CREATE TYPE stage AS ENUM ('staging', 'champion')`, then press `Look again`."


@dataclass(frozen=True)
class Kind:
    """A type of one's own: an enum, a domain or a composite, and the rule that it keeps."""

    name: str
    kind: str
    rule: str


@dataclass(frozen=True)
class Try:
    """A value that was offered to a type: as it was stored, or in which words it was refused."""

    type: str
    value: str
    stored: str | None = None
    refusal: str = ""


def types(server: Server | str | URL, tries: Sequence[tuple[str, str]] = ()) -> Lab:
    """Open the lab on the types there are in a PostgreSQL database, and make some tries.

    A try is the name of a type and a value as text. Raise Unsupported for another database,
    UsageError for a type that is not there.
    """
    source = sources.read(server)
    if source.url.get_backend_name() != "postgresql":
        raise Unsupported(
            'Enums, domains and composites are PostgreSQL\'s. Start one: kit.start("postgresql")'
        )
    lab = Lab(source)
    for name, value in tries:
        lab.offer(name, value)
    return lab


def kinds(connection: Connection) -> list[Kind]:
    """Read the types that somebody made in this database, in the order they were made."""
    rows = connection.exec_driver_sql(_KINDS, execution_options={"no_parameters": True})
    return [Kind(str(name), str(kind), str(rule or "")) for name, kind, rule in rows]


def attempt(connection: Connection, kind: Kind, value: str) -> Try:
    """Insert a value into a column of this type, in a table that is gone at the end.

    `connection` is in autocommit. Raise SQLAlchemyError only where the connection is lost.
    """
    statements = script(kind, value)
    run = connection.exec_driver_sql
    try:
        for statement in statements[:-1]:
            answer = run(statement, execution_options={"no_parameters": True})
        stored = answer.scalar()
    except exc.DBAPIError as error:
        if error.connection_invalidated:
            raise
        return Try(kind.name, value, refusal=words(error.orig or error))
    finally:
        if not connection.invalidated:
            run(statements[-1])
    return Try(kind.name, value, stored="NULL" if stored is None else str(stored))


def script(kind: Kind, value: str) -> list[str]:
    """Return the statements that try a value."""
    literal = "'" + value.replace("'", "''") + "'"
    return [
        "BEGIN",
        f"CREATE TEMPORARY TABLE tried (value {kind.name})",
        _TRY.format(literal),
        "ROLLBACK",
    ]


class Lab(Panel):
    """Choose a type, offer it a value, and read what the server says."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.kinds: list[Kind] = []
        self.tries: list[Try] = []
        self._turn = Turn()
        self.type = ipywidgets.Dropdown(options=[], description="Type")
        self.type.layout.width = "auto"
        self.value = ipywidgets.Text(description="Value")
        self.value.on_msg(self._typed)
        self.go = _button("Insert", "Insert the value (Enter)", self._start, "primary")
        self.again = _button("Look again", "Read the types anew", self._look_again)
        self.table = Table("Types and tries")
        notice = Notice()
        super().__init__(
            "Types of your own",
            note=source.title,
            accent=source.accent,
            controls=[self.type, self.value, self.go, self.again],
            body=[notice, self.table],
            strip=Code("SQL that ran"),
            notice=notice,
        )
        self.look()

    def look(self) -> None:
        """Read which types there are."""
        try:
            with connect(self.source.engine(poolclass=NullPool)) as connection:
                self.kinds = kinds(connection)
        except exc.SQLAlchemyError as error:
            return self._fail(error, _KINDS)
        chosen = self.type.value
        names = [kind.name for kind in self.kinds]
        self.type.options = names
        self.type.value = chosen if chosen in names else next(iter(names), None)
        return self._show()

    def offer(self, name: str, value: str) -> Try | None:
        """Insert a value of a type, show what came of it; None where the server is lost."""
        kind = next((kind for kind in self.kinds if kind.name == name), None)
        if kind is None:
            known = ", ".join(kind.name for kind in self.kinds) or "none yet"
            raise UsageError(f"There is no type {name!r} of your own here. There are: {known}.")
        with self._turn:
            try:
                with connect(self.source.engine(poolclass=NullPool)) as connection:
                    tried = attempt(connection, kind, value)
            except exc.SQLAlchemyError as error:
                self._fail(error, script(kind, value)[-2])
                return None
            self.tries.append(tried)
            if self.strip is not None:
                self.strip.show("\n".join(f"{line};" for line in script(kind, value)))
            self._show()
        return tried

    def _show(self) -> None:
        if not self.kinds:
            self.table.show()
            return self.empty(_EMPTY, _CREATE)
        self.table.show(*_grids(self.kinds, self.tries))
        refused = sum(bool(tried.refusal) for tried in self.tries)
        count = units.plural(len(self.tries), "try", "tries")
        return self.done(f"{count}, {refused} refused" if self.tries else "ready to try")

    def _fail(self, error: exc.SQLAlchemyError, sql: str) -> None:
        why = refusal(error, self.source, sql)
        self.fail(why.message, why.hint)

    def _start(self) -> None:
        if self.type.value:
            name, value = str(self.type.value), str(self.value.value)
            self._turn.ask(self.background, lambda: self.offer(name, value))

    def _look_again(self) -> None:
        self.background(self.look)

    def _typed(self, _widget: object, content: dict[str, object], _buffers: object) -> None:
        if content.get("event") == "submit":
            self._start()


def _grids(there: Sequence[Kind], tries: Sequence[Try]) -> list[Grid]:
    rules = [(kind.name, kind.kind, kind.rule) for kind in there]
    grids = [Grid(columns=("type", "kind", "rule"), rows=rules)]
    if tries:
        said = [
            (
                tried.type,
                tried.value,
                values.Shown("refused", tried.refusal, "✗")
                if tried.refusal
                else values.Shown("stored", tried.stored, "✓"),
                tried.refusal.splitlines()[0] if tried.refusal else tried.stored,
            )
            for tried in tries
        ]
        columns = ("type", "value", "verdict", "the server's words, or what it stored")
        grids.append(Grid(columns=columns, rows=said))
    return grids


def _button(label: str, tooltip: str, clicked: Callable[[], None], style: str = "") -> Any:
    button = ipywidgets.Button(description=label, tooltip=tooltip, button_style=style)
    button.on_click(lambda _button: clicked())
    return button

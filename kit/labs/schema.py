"""What is in a database: schemas, tables, columns, indexes and keys, as a tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.engine.reflection import Inspector, ObjectKind

from kit.widgets import units
from kit.widgets.tree import Node

Rows = dict[tuple[str, str], int]

# Both are estimates that the server keeps by itself: nothing is counted for a look at the tree.
_COUNTS = {
    "postgresql": "SELECT schemaname, relname, n_live_tup FROM pg_stat_user_tables",
    "mysql": "SELECT table_schema, table_name, table_rows FROM information_schema.tables",
}
_SYSTEM = {"information_schema", "pg_catalog", "pg_toast", "mysql", "performance_schema", "sys"}


def schema(engine: Engine) -> list[Node]:
    """Read the schemas that a learner works in; the server's own are left out.

    A node's `picked` text is its name, quoted as this server wants it.
    """
    with engine.connect() as connection:
        inspector = sqlalchemy.inspect(connection)
        names = [name for name in inspector.get_schema_names() if name not in _SYSTEM]
        rows = _rows(connection)
        return [_schema(inspector, name, inspector.default_schema_name, rows) for name in names]


def _rows(connection: Connection) -> Rows:
    """Return about how many rows each table has, by schema and name, where the server knows."""
    name = "mysql" if connection.dialect.name == "mariadb" else connection.dialect.name
    if name not in _COUNTS:
        return {}
    found = connection.exec_driver_sql(_COUNTS[name])
    return {(where, table): int(count) for where, table, count in found if count}


def _schema(inspector: Inspector, name: str, default: str | None, rows: Rows) -> Node:
    where = None if name == default else name
    columns = inspector.get_multi_columns(schema=where, kind=ObjectKind.ANY)
    details: dict[str, dict[Any, Any]] = {
        "keys": inspector.get_multi_pk_constraint(schema=where),
        "links": inspector.get_multi_foreign_keys(schema=where),
        "indexes": inspector.get_multi_indexes(schema=where),
    }
    views = {*inspector.get_view_names(schema=where)}
    tables = [
        _table(
            inspector,
            key,
            found,
            {part: many.get(key) for part, many in details.items()},
            "view" if key[1] in views else _about(rows.get((name, str(key[1])))),
        )
        for key, found in sorted(columns.items(), key=lambda item: str(item[0][1]))
    ]
    note = f"{len(tables)} tables" if len(tables) != 1 else "1 table"
    return Node(label=name, note=note, kind="schema", open=name == default, children=tables)


def _table(
    inspector: Inspector,
    key: Any,
    columns: Sequence[ReflectedColumn],
    details: dict[str, Any],
    note: str,
) -> Node:
    where, name = key
    quote = inspector.dialect.identifier_preparer.quote
    keys = {*((details["keys"] or {}).get("constrained_columns") or ())}
    links = {c: link for link in details["links"] or () for c in link["constrained_columns"]}
    leaves = [_column(column, keys, links, quote(column["name"])) for column in columns]
    leaves += [_index(index) for index in details["indexes"] or ()]
    return Node(
        label=name,
        note=note,
        kind="table",
        picked=f"{quote(where)}.{quote(name)}" if where else quote(name),
        children=leaves,
    )


def _about(rows: int | None) -> str:
    return "" if rows is None else f"about {units.plural(rows, 'row')}"


def _column(column: ReflectedColumn, keys: set[str], links: dict[str, Any], quoted: str) -> Node:
    name = column["name"]
    said = [_type(column)]
    if name in keys:
        said.append("primary key")
    elif not column["nullable"]:
        said.append("not null")
    if name in links:
        said.append(f"→ {links[name]['referred_table']}")
    return Node(label=name, note=" · ".join(said), kind="column", picked=quoted)


def _index(index: Any) -> Node:
    names = ", ".join(name or "expression" for name in index["column_names"])
    kind = "unique index" if index.get("unique") else "index"
    return Node(label=str(index["name"]), note=f"{kind} on {names}", kind="index")


def _type(column: ReflectedColumn) -> str:
    try:
        return str(column["type"]).lower()
    except sqlalchemy.exc.SQLAlchemyError:
        return "a type of its own"

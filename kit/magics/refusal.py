"""Say in the server's own words why a statement was refused, and what to do next."""

from __future__ import annotations

from typing import Any

from kit.errors import SQLError

OPEN, ABORTED = "open", "aborted"

_AGAIN = (
    "Two transactions were in each other's way, and the server gave this one up: "
    "run all of it again from BEGIN."
)
_SYNTAX = "The mistake stands at the place shown, or just before it."
_TABLES = (
    "See which tables there are: "
    "%sql SELECT table_schema, table_name FROM information_schema.tables"
)
_COLUMNS = (
    "See which columns there are: "
    "%sql SELECT table_name, column_name FROM information_schema.columns"
)
_DUPLICATE = "A row with this key is there already: choose another key, or update that row."

# PostgreSQL's are SQLSTATEs (manual, appendix A), MySQL's are its own error numbers.
_HINTS: dict[object, str] = {
    "23505": _DUPLICATE,
    "25001": "This cannot run inside a transaction: type %sql COMMIT or %sql ROLLBACK first.",
    "40001": _AGAIN,
    "40P01": _AGAIN,
    "42601": _SYNTAX,
    "42703": _COLUMNS,
    "42883": "The types do not fit: write a cast such as value::integer.",
    "42P01": _TABLES,
    1054: _COLUMNS,
    1062: _DUPLICATE,
    1064: _SYNTAX,
    1146: _TABLES,
    1205: "Another transaction holds the lock: end it there, then run this statement again.",
    1213: _AGAIN,
}


def transaction(driver: Any) -> str | None:
    """Tell from the driver's last answer whether a transaction is open, aborted or neither."""
    if hasattr(driver, "pgconn"):
        return {"INTRANS": OPEN, "INERROR": ABORTED}.get(driver.info.transaction_status.name)
    # MySQL sends its SERVER_STATUS_IN_TRANS bit with every answer but an error.
    return OPEN if getattr(driver, "server_status", 0) & 1 else None


def words(error: BaseException) -> str:
    """Give the server's message, with its code where it has one."""
    code = _code(error)
    message = str(error.args[1] if isinstance(code, int) else error).strip()
    return f"ERROR {code}: {message}" if code else message


def refused(error: BaseException, *, session: str, state: str | None) -> SQLError:
    """Build the error for a refused statement; `state` is the transaction's, after it."""
    lines = [f"{session} says: {words(error)}", _HINTS.get(_code(error), "")]
    if state == ABORTED:
        lines.append("The transaction is aborted: type %sql ROLLBACK, then begin again.")
    elif state == OPEN and _code(error) != 1213:
        lines.append(
            "The transaction is still open, without this statement: "
            "%sql COMMIT keeps the others, %sql ROLLBACK undoes them."
        )
    return SQLError("\n".join(filter(None, lines)))


def _code(error: BaseException) -> object:
    if len(error.args) > 1 and isinstance(error.args[0], int):
        return error.args[0]
    return getattr(error, "sqlstate", None)

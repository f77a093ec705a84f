"""Writes on a primary: a steady stream, one large transaction; and a replica held for a while."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from kit.databases.topologies.mysql import is_mariadb
from kit.widgets.watch import Watch

if TYPE_CHECKING:
    from kit.launch.server import Server

STREAM = "kit_stream"
BULK = "kit_bulk"
LARGE = 500_000
"""Rows that the large transaction inserts."""

_AGAIN = 1.0
_DIGITS = " UNION ALL ".join(f"SELECT {n} AS n" for n in range(10))
_TENS = [f"{10**place} * {name}.n" for place, name in enumerate("abcdef")]
_CROSSED = " CROSS JOIN ".join(f"({_DIGITS}) {name}" for name in "abcdef")
INSERT = f"INSERT INTO {STREAM} (note) VALUES ('a prediction that was served')"  # noqa: S608


class Traffic:
    """Write on a primary, row by row; `rate` is how many rows a second, 0 for none.

    Where the primary is gone, it tries again each second.
    """

    def __init__(self, primary: Server, replica: Server) -> None:
        self.primary, self.replica = primary, replica
        self.rate = 0.0
        self._client: Any = None
        self._due = 0.0
        self._watch = Watch(self._write)

    def write(self, rate: float) -> None:
        """Write `rate` rows a second from now on; 0 stops."""
        self.rate = rate
        if not rate:
            self._watch.stop()
            self._leave()
        else:
            self._due = time.monotonic()
            self._watch.start()

    def large(self, rows: int = LARGE) -> list[str]:
        """Insert many rows in one transaction on the primary; return its SQL when it is done."""
        run = statements(rows)
        with closing(self.primary.connect(autocommit=True)) as client:
            for sql in run:
                client.cursor().execute(sql)
        return run

    def hold(self, *, held: bool = True) -> str:
        """Have the replica stop applying what it receives, or go on; return the statement."""
        with closing(self.replica.connect(autocommit=True)) as client:
            who = "SLAVE" if is_mariadb(client) else "REPLICA"
            statement = f"{'STOP' if held else 'START'} {who} SQL_THREAD"
            client.cursor().execute(statement)
        return statement

    def stop(self) -> None:
        """Write no more."""
        self.write(0)

    def _write(self) -> float:
        try:
            if self._client is None:
                self._client = self.primary.connect(autocommit=True)
                self._client.cursor().execute(
                    f"CREATE TABLE IF NOT EXISTS {STREAM} "
                    "(id BIGINT AUTO_INCREMENT PRIMARY KEY, note VARCHAR(40) NOT NULL)"
                )
            self._client.cursor().execute(INSERT)
        except Exception:
            # The panel, which looks at the same server, says what is wrong with it.
            self._leave()
            return _AGAIN
        self._due = max(self._due, time.monotonic() - 1.0) + 1.0 / max(self.rate, 0.1)
        return max(self._due - time.monotonic(), 0.0)

    def _leave(self) -> None:
        client, self._client = self._client, None
        if client is not None and client.open:
            client.close()


def statements(rows: int) -> list[str]:
    """Return the SQL of the large transaction: one INSERT that makes its rows itself."""
    made = f"SELECT {' + '.join(_TENS)} AS n FROM {_CROSSED}"  # noqa: S608
    return [
        f"CREATE TABLE IF NOT EXISTS {BULK} (id INT PRIMARY KEY, note VARCHAR(20) NOT NULL)",
        f"TRUNCATE TABLE {BULK}",
        f"INSERT INTO {BULK} SELECT n, CONCAT('row ', n) FROM ({made}) made WHERE n < {rows}",  # noqa: S608
    ]

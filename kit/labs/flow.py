"""A psycopg cursor that reads rows as they are asked for, and can leave the others."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import suppress
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from psycopg import Cursor, Error, capabilities
from psycopg.generators import copy_end, copy_from, fetch, send
from psycopg.pq import ExecStatus, TransactionStatus

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

CHUNK = 200  # rows that libpq hands over at a time
PATIENCE = 5.0  # seconds within which a request to stop must reach the server

_PARTS = (ExecStatus.TUPLES_CHUNK, ExecStatus.SINGLE_TUPLE)
_GOOD = (*_PARTS, ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK, ExecStatus.EMPTY_QUERY)


class Flow(Cursor[Any]):
    """Hold a chunk of rows at a time, where psycopg's own cursor holds all there are.

    `Cursor.stream` does so too, but names no columns where there are no rows and refuses what
    returns none. A cursor of the server's own (DECLARE) would want a transaction around it, and
    the server would plan, and report to others, another statement than the one that was written.
    """

    _rows: Iterator[Any] = iter(())

    def execute(self, query: Any, params: Any = None, **_options: Any) -> Flow:
        """Run a statement, and return when its first rows are here, or its end."""
        with self._conn.lock:
            self._rows = iter(())
            self._conn.wait(self._asked(query, params))
            first = self._next()
            if first is None:
                return self
            self._set_results([first])
            self._rowcount = -1 if first.status in _PARTS else self._rowcount
            self._rows = chain.from_iterable(self._chunks(first))
            if first.status not in _PARTS:
                self._end(self._next())
        return self

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        return next(self._rows, None)

    def fetchmany(self, size: int = 0) -> list[Any]:
        """Return the next rows, `size` at most."""
        return list(islice(self._rows, size or self.arraysize))

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        return list(self._rows)

    def leave(self) -> None:
        """Have the server stop, and drop what is on its way: the rows not read yet are gone."""
        self._rows = iter(())
        if self._pgconn.transaction_status != TransactionStatus.ACTIVE:
            return
        with suppress(Error):
            self._conn.cancel_safe(timeout=PATIENCE)
        with suppress(Error):
            self._end(self._next())

    def close(self) -> None:
        """Close the cursor, so that its connection can run another statement."""
        if not self.closed:
            self.leave()
        super().close()

    def _asked(self, query: Any, params: Any) -> Generator[Any, Any, None]:
        yield from self._start_query(query)
        self._execute_send(self._convert_query(query, params))
        if capabilities.has_stream_chunked():
            self._pgconn.set_chunked_rows_mode(CHUNK)
        else:
            self._pgconn.set_single_row_mode()
        yield from send(self._pgconn)

    def _next(self) -> PGresult | None:
        """Wait for the next result, None at the end; raise what the server refused."""
        result: PGresult | None = self._conn.wait(fetch(self._pgconn))
        if result is not None and result.status not in _GOOD:
            with suppress(Error):
                self._refuse_copy(result.status)
                self._end(self._next())
            self._raise_for_result(result)
        return result

    def _refuse_copy(self, status: int) -> None:
        """End a COPY from or to the client, for which there is no file here."""
        if status == ExecStatus.COPY_IN:
            self._conn.wait(copy_end(self._pgconn, b"nothing to copy from"))
        while status == ExecStatus.COPY_OUT:
            if not isinstance(self._conn.wait(copy_from(self._pgconn)), memoryview):
                return

    def _end(self, result: PGresult | None) -> None:
        """Read to the end of the answer."""
        while result is not None:
            result = self._next()

    def _chunks(self, first: PGresult) -> Iterator[list[Any]]:
        result: PGresult | None = first
        count = 0
        while result is not None and result.status in _PARTS:
            self._tx.set_pgresult(result, set_loaders=False)
            count += result.ntuples
            yield self._tx.load_rows(0, result.ntuples, self._make_row)
            result = self._next()
        self._rowcount = count or self._rowcount
        self._end(result)

"""How far a replica is behind: by its own figure, by a heartbeat, and counted in transactions."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kit.databases.topologies.mysql import behind, is_mariadb, position, problem, status
from kit.errors import SQLError

if TYPE_CHECKING:
    from kit.launch.server import Server

HEARTBEAT = "kit_heartbeat"
PATIENCE = 0.1
"""Seconds that a look waits for the replica to have the newest beat."""

_PAUSE = 0.001
_MISSING_TABLE = 1146


@dataclass(frozen=True)
class Sample:
    """One look at a replica, at the Unix time `at`.

    `measured` is the lag by the heartbeat, in seconds; `reported` is the replica's own figure in
    whole seconds, None where it says NULL. `behind` counts the transactions that the primary has
    committed and the replica has not applied.
    """

    at: float
    measured: float
    reported: int | None
    behind: int
    receives: bool
    applies: bool


class Probe:
    """Beat on the primary, and look for the beat on the replica.

    Both ends are timed by this process, so clocks that differ do no harm; the query that looks is
    part of what is measured. Close it after use.
    """

    def __init__(self, primary: Server, replica: Server) -> None:
        self._primary = primary.connect(autocommit=True)
        try:
            self._replica = replica.connect(autocommit=True)
        except BaseException:
            self._primary.close()
            raise
        self._sent: dict[int, float] = {}
        self.mariadb = is_mariadb(self._replica)
        _ask(
            self._primary,
            f"CREATE TABLE IF NOT EXISTS {HEARTBEAT} (id INT PRIMARY KEY, beat BIGINT NOT NULL)",
        )
        _ask(self._primary, f"INSERT IGNORE INTO {HEARTBEAT} VALUES (1, 0)")  # noqa: S608
        self._beat = int(_ask(self._primary, f"SELECT beat FROM {HEARTBEAT}")[0][0])  # noqa: S608

    def sample(self, patience: float = PATIENCE) -> Sample:
        """Send one beat, wait for it on the replica as long as `patience`, and tell the lag.

        Where it does not come in time, the lag is the age of the oldest beat that is missing.
        """
        self._beat += 1
        _ask(self._primary, f"UPDATE {HEARTBEAT} SET beat = %s WHERE id = 1", self._beat)  # noqa: S608
        self._sent[self._beat] = sent = time.monotonic()
        while (seen := self._seen()) < self._beat and time.monotonic() < sent + patience:
            time.sleep(_PAUSE)
        now = time.monotonic()
        for beat in [beat for beat in self._sent if beat < seen]:
            del self._sent[beat]
        oldest = min((at for beat, at in self._sent.items() if beat > seen), default=sent)
        return self._told(now - oldest)

    def catch_up(self, timeout: float = 30.0) -> bool:
        """Wait until the replica has all that the primary has now; tell whether it did in time.

        Raise SQLError where the replica has given up on a change: no waiting helps then.
        """
        until = time.monotonic() + timeout
        reached = position(self._primary)
        while behind(self._replica, reached):
            self._require_applying()
            if time.monotonic() >= until:
                return False
            time.sleep(_PAUSE)
        return True

    def close(self) -> None:
        """Close both connections."""
        for client in (self._primary, self._replica):
            # The server at the other end may be gone.
            with suppress(Exception):
                client.close()

    def asked(self) -> str:
        """Return the SQL that the lag is told by."""
        who = "SLAVE" if self.mariadb else "REPLICA"
        here = "gtid_binlog_pos" if self.mariadb else "GLOBAL.gtid_executed"
        there = "gtid_slave_pos" if self.mariadb else "GLOBAL.gtid_executed"
        beat = "beat + 1"
        return (
            f"-- on the primary\nUPDATE {HEARTBEAT} SET beat = {beat} WHERE id = 1;\n"
            f"SELECT @@{here};\n\n-- on the replica\nSELECT beat FROM {HEARTBEAT};\n"
            f"SHOW {who} STATUS;\nSELECT @@{there};"
        )

    def _told(self, measured: float) -> Sample:
        state = status(self._replica)
        own = state.get("Seconds_Behind_Source", state.get("Seconds_Behind_Master", ""))
        return Sample(
            at=time.time(),
            measured=measured,
            reported=int(own) if own else None,
            behind=behind(self._replica, position(self._primary)),
            receives=state.get("IO") == "Yes",
            applies=state.get("SQL") == "Yes",
        )

    def _seen(self) -> int:
        try:
            rows = _ask(self._replica, f"SELECT beat FROM {HEARTBEAT}")  # noqa: S608
        except Exception as error:
            if error.args[:1] != (_MISSING_TABLE,):
                raise
            return 0
        return int(rows[0][0]) if rows else 0

    def _require_applying(self) -> None:
        """Raise SQLError if the replica has ended at a change; one that is held is no error."""
        state = status(self._replica)
        if state.get("SQL") == "No" and state.get("Last_SQL_Errno", "0") != "0":
            raise SQLError(
                f"The replica stopped at a change that it cannot repeat: "
                f"{problem(self._replica, state)}\nSomething there is not as on the primary. "
                'Begin anew: pair.stop(), then pair = kit.topology("mysql", "replica")'
            )


def _ask(client: Any, sql: str, *values: Any) -> Any:
    with closing(client.cursor()) as cursor:
        cursor.execute(sql, values or None)
        return cursor.fetchall()

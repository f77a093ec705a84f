"""What a server says of its locks, and in which words it is asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

_LOCK_SECONDS = 5

POSTGRESQL_WAITS = """\
SELECT waiting.pid, holding.pid, concat_ws(' ', l.mode, 'on', l.locktype, l.relation::regclass)
FROM pg_stat_activity AS waiting
CROSS JOIN LATERAL unnest(pg_blocking_pids(waiting.pid)) AS holding(pid)
LEFT JOIN pg_locks AS l ON l.pid = waiting.pid AND NOT l.granted
WHERE waiting.wait_event_type = 'Lock'"""

MARIADB_WAITS = """\
SELECT waiting.trx_mysql_thread_id, holding.trx_mysql_thread_id,
       CONCAT_WS(' ', l.lock_mode, 'lock on', l.lock_type, l.lock_table, l.lock_index)
FROM information_schema.innodb_lock_waits AS w
JOIN information_schema.innodb_trx AS waiting ON waiting.trx_id = w.requesting_trx_id
JOIN information_schema.innodb_trx AS holding ON holding.trx_id = w.blocking_trx_id
JOIN information_schema.innodb_locks AS l ON l.lock_id = w.requested_lock_id
UNION
SELECT id, NULL, state FROM information_schema.processlist WHERE state LIKE 'Waiting for %lock'"""

# Where performance_schema is off, innodb_trx still tells that a transaction waits, if not for whom;
# it goes on telling so for a moment after the wait is over.
MYSQL_WAITS = """\
SELECT waiting.trx_mysql_thread_id, holding.trx_mysql_thread_id,
       CONCAT_WS(' ', l.lock_mode, 'lock on', l.lock_type, l.object_name, l.index_name)
FROM performance_schema.data_lock_waits AS w
JOIN information_schema.innodb_trx AS waiting ON waiting.trx_id = w.requesting_engine_transaction_id
JOIN information_schema.innodb_trx AS holding ON holding.trx_id = w.blocking_engine_transaction_id
JOIN performance_schema.data_locks AS l ON l.engine_lock_id = w.requesting_engine_lock_id
UNION
SELECT trx_mysql_thread_id, NULL, trx_state FROM information_schema.innodb_trx
WHERE trx_state = 'LOCK WAIT' AND NOT @@performance_schema
UNION
SELECT id, NULL, state FROM information_schema.processlist WHERE state LIKE 'Waiting for %lock'"""

Edges = list[tuple[int, int]]


def postgresql_circle(message: str) -> Edges:
    """Read who waited for whom out of the error that a deadlock's victim gets."""
    found = re.findall(r"Process (\d+) waits for .*?; blocked by process (\d+)", message)
    return [(int(waiter), int(holder)) for waiter, holder in found]


def innodb_circle(status: str) -> Edges:
    """Read who waited for whom out of InnoDB's report of its latest deadlock."""
    _, _, report = status.partition("LATEST DETECTED DEADLOCK")
    report, _, _ = report.partition("*** WE ROLL BACK TRANSACTION")
    parts = re.split(r"\*\*\* \(\d+\) TRANSACTION:", report)[1:]
    threads = [int(found[1]) for part in parts if (found := re.search(r"thread id (\d+)", part))]
    names = [found[1] for part in parts if (found := re.search(r"TRANSACTION (\d+)", part))]
    owner = dict(zip(names, threads, strict=False))
    edges = []
    for i, (part, thread) in enumerate(zip(parts, threads, strict=False)):
        # MariaDB names whom each conflicts with; MySQL lists them in the order of the circle.
        found = re.search(r"CONFLICTING WITH:\s.*?trx id (\d+)", part)
        holder = owner.get(found[1]) if found else threads[(i + 1) % len(threads)]
        edges += [(thread, holder)] if holder is not None else []
    return edges


@dataclass(frozen=True, kw_only=True)
class Views:
    """How one product is spoken to; sessions are numbered as the server numbers them.

    `waits` returns rows of waiter, holder and lock, `alive` the numbers of all sessions; `pause` is
    how many seconds to leave between two looks. `circle` reads a deadlock out of what `report`
    answers, or out of the victim's error. `urge` sets how patient a session is, where only the
    patience decides who is the victim.
    """

    database: str
    waits: str
    pause: float
    enter: str
    drop: Sequence[str]
    isolate: str
    usual: str
    cancel: str
    alive: str
    circle: Callable[[str], Edges]
    report: str = ""
    urge: str = ""


POSTGRESQL = Views(
    database="postgresql",
    waits=POSTGRESQL_WAITS,
    pause=0.01,
    enter="SET search_path = {schema}",
    drop=(f"SET lock_timeout = '{_LOCK_SECONDS}s'", "DROP SCHEMA {schema} CASCADE"),
    isolate="SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL {level}",
    usual="SELECT current_setting('default_transaction_isolation')",
    cancel="SELECT pg_cancel_backend({session:d})",
    alive="SELECT pid FROM pg_stat_activity",
    circle=postgresql_circle,
    urge="SET deadlock_timeout = '{patience}'",
)
MARIADB = Views(
    database="mysql",
    waits=MARIADB_WAITS,
    # The views are a copy that InnoDB renews when it was left alone for 0.1 s, and not before.
    pause=0.12,
    enter="USE {schema}",
    drop=(f"SET SESSION lock_wait_timeout = {_LOCK_SECONDS}", "DROP SCHEMA {schema}"),
    isolate="SET SESSION TRANSACTION ISOLATION LEVEL {level}",
    usual="SELECT @@tx_isolation",
    cancel="KILL QUERY {session:d}",
    alive="SELECT id FROM information_schema.processlist",
    circle=innodb_circle,
    report="SHOW ENGINE INNODB STATUS",
)
MYSQL = replace(MARIADB, waits=MYSQL_WAITS, usual="SELECT @@transaction_isolation")

"""What the manuals promise: which anomaly cannot happen at which isolation level.

The sentences are the kit's; the pages named are the sources. What no rule forbids may happen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kit.errors import Unsupported
from kit.labs.stepper.anomalies import ANOMALIES
from kit.labs.stepper.scripts import LEVELS

_COMMITTED, _REPEATABLE, _SERIALIZABLE = LEVELS[1:], LEVELS[2:], LEVELS[3:]
_SNAPSHOT_DEFAULT = (11, 6, 2)

_DIRTY_READS = ("G1a", "G1b", "G1c", "OTV")
_CHANGED_READS = ("PMP", "G-single")
_CONFLICTS = ("PMP-write", "P4", "G-single-write")
_SKEWS = ("G2-item", "G2")


@dataclass(frozen=True)
class Rule:
    """A promise: at these levels these anomalies (by code) cannot happen, as `page` says."""

    levels: Sequence[str]
    codes: Sequence[str]
    words: str
    page: str


@dataclass(frozen=True)
class Promise:
    """What is promised for one anomaly at one level; `rule` is None where nothing is."""

    prevented: bool
    rule: Rule | None = None


def rules(product: str, version: str, *, snapshot_isolation: bool | None = None) -> list[Rule]:
    """Return the promises of a product, in the order of the anomalies that they forbid.

    `snapshot_isolation` is MariaDB's setting innodb_snapshot_isolation; None takes the version's
    default. Raise Unsupported for a product whose manual the kit has not read.
    """
    if product == "PostgreSQL":
        return _postgresql(f"https://www.postgresql.org/docs/{version.split('.')[0]}")
    if product == "MySQL":
        return _innodb(f"https://dev.mysql.com/doc/refman/{'.'.join(version.split('.')[:2])}/en")
    if product == "MariaDB":
        default = _numbers(version) >= _SNAPSHOT_DEFAULT
        return _mariadb(default if snapshot_isolation is None else snapshot_isolation)
    raise Unsupported(
        f"What {product} promises is not known here. The manuals of PostgreSQL, MySQL and MariaDB "
        "are: stepper.verdicts(server) on one of these compares."
    )


def documented(
    product: str, version: str, *, snapshot_isolation: bool | None = None
) -> Mapping[tuple[str, str], Promise]:
    """Return the promise for every anomaly's code and isolation level, as `rules` has them."""
    known = rules(product, version, snapshot_isolation=snapshot_isolation)
    promises = {(script.code, level): Promise(False) for script in ANOMALIES for level in LEVELS}
    for rule in known:
        for place in ((code, level) for code in rule.codes for level in rule.levels):
            promises[place] = Promise(True, rule)
    return promises


def _postgresql(manual: str) -> list[Rule]:
    page = f"{manual}/transaction-iso.html"
    return [
        Rule(
            LEVELS,
            ("G0",),
            "A change waits until the transaction that changed the row before it has ended.",
            page,
        ),
        Rule(
            LEVELS,
            _DIRTY_READS,
            "A query sees what was committed before it began: there are no dirty reads, not even "
            "at Read Uncommitted, which is Read Committed.",
            page,
        ),
        Rule(
            _REPEATABLE,
            _CHANGED_READS,
            "All queries of a transaction see one snapshot: no nonrepeatable and no phantom reads.",
            page,
        ),
        Rule(
            _REPEATABLE,
            _CONFLICTS,
            "A row that was changed since the snapshot cannot be changed: serialization failure.",
            page,
        ),
        Rule(
            _SERIALIZABLE,
            _SKEWS,
            "What commits could have run one by one: no serialization anomalies.",
            page,
        ),
    ]


def _innodb(manual: str) -> list[Rule]:
    levels = f"{manual}/innodb-transaction-isolation-levels.html"
    reads = f"{manual}/innodb-consistent-read.html"
    return [
        Rule(
            LEVELS,
            ("G0",),
            "A change locks the row until its transaction ends.",
            f"{manual}/innodb-locks-set.html",
        ),
        Rule(
            _COMMITTED,
            _DIRTY_READS,
            "A consistent read sees what was committed; only Read Uncommitted reads dirty.",
            levels,
        ),
        Rule(
            _REPEATABLE,
            _CHANGED_READS,
            "All plain SELECTs of a transaction see the snapshot of the first; changes do not: "
            "they work on the rows as they are now.",
            reads,
        ),
        Rule(
            _SERIALIZABLE,
            (*_CONFLICTS, *_SKEWS),
            "Every plain SELECT in a transaction locks what it reads.",
            levels,
        ),
    ]


def _mariadb(snapshot_isolation: bool) -> list[Rule]:
    manual = "https://mariadb.com/kb/en"
    levels = f"{manual}/set-transaction/"
    found = [
        Rule(rule.levels, rule.codes, rule.words, levels if i else f"{manual}/innodb-lock-modes/")
        for i, rule in enumerate(_innodb(manual))
    ]
    if snapshot_isolation:
        conflict = Rule(
            ("REPEATABLE READ",),
            _CONFLICTS,
            "With innodb_snapshot_isolation, a row that was changed since the snapshot cannot be "
            "changed: the transaction is rolled back.",
            f"{manual}/innodb-system-variables/#innodb_snapshot_isolation",
        )
        found.insert(3, conflict)
    return found


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())

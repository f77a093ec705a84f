"""The classic anomalies of concurrent transactions, each as a script that would show it.

The names are those of Adya, Liskov and O'Neil (Generalized Isolation Level Definitions, 2000), of
Berenson et al. (A Critique of ANSI SQL Isolation Levels, 1995: P4) and of Bailis et al. (Highly
Available Transactions, 2013: OTV). The test suite Hermitage (Kleppmann, 2014) first ran them side
by side on many engines. What they tell here is a story of GPU hours: vision has 10, text has 20.
"""

from __future__ import annotations

from kit.errors import UnknownName
from kit.labs.stepper.scripts import LOOK, Script, Seen, Step, parse


def find(name: str) -> Script:
    """Return a ready script by its name or its code; raise UnknownName."""
    for script in (*ANOMALIES, *QUEUES):
        if name.strip().lower() in (script.name, script.code.lower()):
            return script
    raise UnknownName.among("script", name, (script.name for script in (*ANOMALIES, *QUEUES)))


def _whole(text: str) -> tuple[Step, ...]:
    """Put each session's BEGIN before a script, and a last look at the table after it."""
    steps = parse(text)
    begins = [Step(name, "BEGIN") for name in sorted({step.session for step in steps})]
    return (*begins, *steps, Step("T1", LOOK))


def _vanished(seen: Seen) -> bool:
    """Tell whether T3 read T2's vision, and a text from before T2 after that."""
    values = seen.values("T3")
    after = values[values.index(12) + 1 :] if 12 in values[::2] else []
    return any(text not in (12, 22) for text in after)


def _deleted_unseen(seen: Seen) -> bool:
    return seen.both() and seen.reads["T1"][0] == [(2, 20)] and 2 in seen.final


ANOMALIES = (
    Script(
        name="dirty write",
        code="G0",
        story="Two people set both teams, each by their own plan: T1 to 11 and 21, T2 to 12 "
        "and 22. T2 writes while T1 is still at it.",
        broken="The plans are mixed: one team has T1's hours, the other T2's.",
        steps=_whole("""
            T1 UPDATE quota SET hours = 11 WHERE id = 1
            T2 UPDATE quota SET hours = 12 WHERE id = 1
            T1 UPDATE quota SET hours = 21 WHERE id = 2
            T1 COMMIT
            T2 UPDATE quota SET hours = 22 WHERE id = 2
            T2 COMMIT"""),
        happened=lambda seen: (
            seen.both() and (seen.final[1], seen.final[2]) not in {(11, 21), (12, 22)}
        ),
    ),
    Script(
        name="aborted read",
        code="G1a",
        story="T1 raises vision to 101 and thinks better of it. T2 looks in between.",
        broken="T2 read 101, hours that never were: T1 took them back.",
        steps=_whole("""
            T1 UPDATE quota SET hours = 101 WHERE id = 1
            T2 SELECT hours FROM quota WHERE id = 1
            T1 ROLLBACK
            T2 SELECT hours FROM quota WHERE id = 1
            T2 COMMIT"""),
        happened=lambda seen: 101 in seen.values("T2"),
    ),
    Script(
        name="intermediate read",
        code="G1b",
        story="T1 writes 101 on its way to 11. T2 looks before T1 is done.",
        broken="T2 read 101, a value on the way that T1 never meant to show.",
        steps=_whole("""
            T1 UPDATE quota SET hours = 101 WHERE id = 1
            T2 SELECT hours FROM quota WHERE id = 1
            T1 UPDATE quota SET hours = 11 WHERE id = 1
            T1 COMMIT
            T2 SELECT hours FROM quota WHERE id = 1
            T2 COMMIT"""),
        happened=lambda seen: 101 in seen.values("T2"),
    ),
    Script(
        name="circular information flow",
        code="G1c",
        story="T1 changes vision and reads text; T2 changes text and reads vision.",
        broken="Each read what the other had just written: neither can have come first.",
        steps=_whole("""
            T1 UPDATE quota SET hours = 11 WHERE id = 1
            T2 UPDATE quota SET hours = 22 WHERE id = 2
            T1 SELECT hours FROM quota WHERE id = 2
            T2 SELECT hours FROM quota WHERE id = 1
            T1 COMMIT
            T2 COMMIT"""),
        happened=lambda seen: 22 in seen.values("T1") and 11 in seen.values("T2"),
    ),
    Script(
        name="observed transaction vanishes",
        code="OTV",
        story="T1, and then T2, set both teams. T3 reads vision and text, and once more.",
        broken="T3 saw what T2 gave vision, and then a text from before T2: that is gone.",
        steps=_whole("""
            T1 UPDATE quota SET hours = 11 WHERE id = 1
            T1 UPDATE quota SET hours = 21 WHERE id = 2
            T2 UPDATE quota SET hours = 12 WHERE id = 1
            T1 COMMIT
            T3 SELECT hours FROM quota WHERE id = 1
            T3 SELECT hours FROM quota WHERE id = 2
            T2 UPDATE quota SET hours = 22 WHERE id = 2
            T2 COMMIT
            T3 SELECT hours FROM quota WHERE id = 1
            T3 SELECT hours FROM quota WHERE id = 2
            T3 COMMIT"""),
        happened=_vanished,
    ),
    Script(
        name="predicate-many-preceders",
        code="PMP",
        story="T1 asks twice which teams have 30 hours or more. In between, T2 adds such a team.",
        broken="The same question had two answers within one transaction: a phantom.",
        steps=_whole("""
            T1 SELECT id, hours FROM quota WHERE hours >= 30
            T2 INSERT INTO quota VALUES (3, 'audio', 30)
            T2 COMMIT
            T1 SELECT id, hours FROM quota WHERE hours >= 30
            T1 COMMIT"""),
        happened=lambda seen: seen.values("T1")[:1] == [30],
    ),
    Script(
        name="predicate-many-preceders, writing",
        code="PMP-write",
        story="T1 looks which team has 20 hours, and then deletes the team with 20 hours. In "
        "between, T2 gives every team 10 hours more.",
        broken="T1 deleted a team that it had not seen, and kept the one that it had.",
        steps=_whole("""
            T1 SELECT id, hours FROM quota WHERE hours = 20
            T2 UPDATE quota SET hours = hours + 10
            T2 COMMIT
            T1 DELETE FROM quota WHERE hours = 20
            T1 COMMIT"""),
        happened=_deleted_unseen,
    ),
    Script(
        name="lost update",
        code="P4",
        story="T1 and T2 both read that vision has 10 hours. T1 adds 5 and writes 15, T2 adds 3 "
        "and writes 13.",
        broken="One of the additions is lost: 10 and 5 and 3 are 18.",
        steps=_whole("""
            T1 SELECT hours FROM quota WHERE id = 1
            T2 SELECT hours FROM quota WHERE id = 1
            T1 UPDATE quota SET hours = 15 WHERE id = 1
            T2 UPDATE quota SET hours = 13 WHERE id = 1
            T1 COMMIT
            T2 COMMIT"""),
        happened=lambda seen: (
            seen.both() and seen.values("T1")[:1] == [10] == seen.values("T2")[:1]
        ),
    ),
    Script(
        name="read skew",
        code="G-single",
        story="There are 30 hours in all. T2 moves 5 of them from text to vision; T1 reads vision "
        "before and text after.",
        broken="T1 counted 25 hours; there were 30 all the time.",
        steps=_whole("""
            T1 SELECT hours FROM quota WHERE id = 1
            T2 UPDATE quota SET hours = 15 WHERE id = 1
            T2 UPDATE quota SET hours = 15 WHERE id = 2
            T2 COMMIT
            T1 SELECT hours FROM quota WHERE id = 2
            T1 COMMIT"""),
        happened=lambda seen: seen.values("T1")[:2] == [10, 15],
    ),
    Script(
        name="read skew, writing",
        code="G-single-write",
        story="T1 reads that text has 20 hours and takes 10 of them. In between, T2 moves 5 from "
        "text to vision.",
        broken="T1 took 10 from the 20 that it had read, and 5 were left.",
        steps=_whole("""
            T1 SELECT hours FROM quota WHERE id = 2
            T2 UPDATE quota SET hours = 15 WHERE id = 1
            T2 UPDATE quota SET hours = 15 WHERE id = 2
            T2 COMMIT
            T1 UPDATE quota SET hours = hours - 10 WHERE id = 2
            T1 SELECT hours FROM quota WHERE id = 2
            T1 COMMIT"""),
        happened=lambda seen: seen.values("T1")[:2] == [20, 5],
    ),
    Script(
        name="write skew",
        code="G2-item",
        story="The rule: no more than 40 hours in all. T1 and T2 both read 10 and 20, and each "
        "adds 10 to another team.",
        broken="Each kept the rule by what it had read, and together they broke it: 50 hours.",
        steps=_whole("""
            T1 SELECT id, hours FROM quota WHERE id IN (1, 2)
            T2 SELECT id, hours FROM quota WHERE id IN (1, 2)
            T1 UPDATE quota SET hours = 20 WHERE id = 1
            T2 UPDATE quota SET hours = 30 WHERE id = 2
            T1 COMMIT
            T2 COMMIT"""),
        happened=lambda seen: seen.both() and sum(seen.final.values()) > 40,
    ),
    Script(
        name="write skew by predicate",
        code="G2",
        story="The rule: one team at most has 30 hours or more. T1 and T2 both see none, and each "
        "adds one.",
        broken="Each kept the rule by what it had read; now two teams have 30 hours.",
        steps=_whole("""
            T1 SELECT id, hours FROM quota WHERE hours >= 30
            T2 SELECT id, hours FROM quota WHERE hours >= 30
            T1 INSERT INTO quota VALUES (3, 'audio', 30)
            T2 INSERT INTO quota VALUES (4, 'speech', 30)
            T1 COMMIT
            T2 COMMIT"""),
        happened=lambda seen: seen.both() and {3, 4} <= set(seen.final),
    ),
)

QUEUES = (
    Script(
        name="deadlock",
        story="T1 changes vision and then text; T2 changes text and then vision. Each comes to "
        "hold what the other needs.",
        steps=_whole("""
            T1 UPDATE quota SET hours = 11 WHERE id = 1
            T2 UPDATE quota SET hours = 22 WHERE id = 2
            T1 UPDATE quota SET hours = 21 WHERE id = 2
            T2 UPDATE quota SET hours = 12 WHERE id = 1
            T2 COMMIT
            T1 COMMIT"""),
    ),
    Script(
        name="queue",
        story="Three sessions want the same row. Whoever comes later waits in line.",
        steps=_whole("""
            T1 UPDATE quota SET hours = hours + 1 WHERE id = 1
            T2 UPDATE quota SET hours = hours + 1 WHERE id = 1
            T3 UPDATE quota SET hours = hours + 1 WHERE id = 1
            T1 COMMIT
            T2 COMMIT
            T3 COMMIT"""),
    ),
)

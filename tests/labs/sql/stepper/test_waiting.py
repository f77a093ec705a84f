"""Who waits for whom: shown as the server's own views have it, from the lock to its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing

from kit.labs import stepper
from kit.labs.stepper.views import innodb_circle
from kit.launch.server import Server
from kit.widgets.stepper import Arrow, Course, Entry, Lane, Lanes
from tests.labs.sql.stepper.observed import HOLD, outcomes, until


def test_a_blocked_statement_waits_until_the_other_one_ends(
    panel: Callable[..., stepper.Stepper],
) -> None:
    shown = panel("dirty write", isolation="read committed")
    moves = [shown.step() for _ in range(4)]
    assert [move.how for move in moves if move] == ["done", "done", "done", "waiting"]
    assert shown.status.state == "waiting"
    assert "T2 waits for T1" in shown.status.value
    assert outcomes(shown)[3].startswith("waits for T1: ")
    assert [(a.start, a.end) for a in shown.lanes.course.arrows] == [(1, 0)]
    assert shown.lanes.course.lanes[1].word == "waits"
    shown.step()
    freeing = shown.step()
    assert freeing is not None
    assert freeing.step.statement == "COMMIT"
    assert shown.lanes.course.arrows == []
    assert outcomes(shown)[3].endswith("waited for T1, until step 6")


def test_the_lock_is_named_as_the_servers_own_view_has_it(
    server: Server, panel: Callable[..., stepper.Stepper]
) -> None:
    shown = panel("dirty write", isolation="read committed")
    waiting = [shown.step() for _ in range(4)][-1]
    assert waiting is not None
    known = {
        "PostgreSQL": "ShareLock on transactionid",
        "MariaDB": "X lock on RECORD quota PRIMARY",
    }
    assert waiting.lock == known.get(server.product, waiting.lock)
    assert shown.play is not None
    assert shown.play.stage.observer.views.waits in shown.strip.text  # type: ignore[union-attr]


def test_three_sessions_stand_in_line(
    server: Server, panel: Callable[..., stepper.Stepper]
) -> None:
    shown = panel("queue", isolation="read committed")
    for _ in range(6):
        shown.step()
    assert shown.play is not None
    links = {(link.waiter, link.holder) for link in shown.play.links}
    # InnoDB has T3 wait for everybody before it, PostgreSQL for the one just before it.
    both = {("T3", "T1")} if server.product != "PostgreSQL" else set()
    assert links == {("T2", "T1"), ("T3", "T2"), *both}
    shown.step()
    # PostgreSQL's two both go for the row's new version then, and now and then the later one wins.
    overtaken = [("T2", "T3")] if server.product == "PostgreSQL" else []
    (left,) = {(link.waiter, link.holder) for link in shown.play.links}
    assert left in [("T3", "T2"), *overtaken]
    shown.run()
    assert outcomes(shown)[-1] == "id 1, hours 13 · id 2, hours 20"


def test_a_deadlock_is_drawn_and_its_victim_is_the_one_who_closed_the_circle(
    server: Server, panel: Callable[..., stepper.Stepper]
) -> None:
    shown = panel("deadlock", isolation="read committed")
    for _ in range(6):
        move = shown.step()
    assert move is not None
    assert (move.step.session, move.how) == ("T2", "refused")
    assert "eadlock" in outcomes(shown)[5]
    arrows = [(a.start, a.end, a.broken) for a in shown.lanes.course.arrows]
    assert arrows == [(0, 1, True), (1, 0, True)]
    assert "eadlock" in shown.aside.value
    shown.run()
    course = shown.lanes.course
    assert "The server gave T2 up, and T1 went on" in course.closing
    assert [lane.word for lane in course.lanes] == ["committed", "rolled back"]
    assert outcomes(shown)[-1] == "id 1, hours 11 · id 2, hours 21"


def test_what_waits_can_be_cancelled(panel: Callable[..., stepper.Stepper]) -> None:
    shown = panel(HOLD, isolation="read committed")
    shown.run()
    assert shown.cancel.layout.display is None
    shown.cancel.click()
    until(lambda: "ERROR" in outcomes(shown)[-1])
    until(lambda: "T2 waits" not in shown.status.value)


def test_somebody_else_who_holds_the_lock_is_shown_and_waited_for(
    server: Server, panel: Callable[..., stepper.Stepper]
) -> None:
    shown = panel("T1 BEGIN\nT1 UPDATE quota SET hours = 11 WHERE id = 1\nT1 COMMIT")
    shown.step()
    assert shown.play is not None
    table = f"{shown.play.stage.schema}.quota"
    with closing(server.connect()) as other, other.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET hours = 99 WHERE id = 1")
        shown.step()
        assert "T1 waits for another session" in shown.status.value
        assert [arrow.end for arrow in shown.lanes.course.arrows] == [None]
        other.rollback()
        until(lambda: not shown.buttons["step"].disabled and shown.status.state == "done")
    shown.run()
    assert shown.lanes.course.lanes[0].word == "committed"


def test_whoever_is_told_of_a_return_finds_the_session_free(
    server: Server, panel: Callable[..., stepper.Stepper]
) -> None:
    shown = panel("T1 BEGIN\nT1 UPDATE quota SET hours = 11 WHERE id = 1\nT1 COMMIT")
    shown.step()
    assert shown.play is not None
    play, refresh, told = shown.play, shown.play.changed, threading.Event()

    def tell() -> None:
        refresh()
        # The thread that has returned is kept from going on, as on a busy machine.
        told.wait(1)

    play.changed = tell
    shown.lanes.observe(lambda _: told.set(), "html")
    with closing(server.connect()) as other, other.cursor() as cursor:
        cursor.execute(f"UPDATE {play.stage.schema}.quota SET hours = 99 WHERE id = 1")
        shown.step()
        other.rollback()
        until(lambda: shown.status.state == "done")


def test_a_statement_that_waits_too_long_is_shown_when_the_server_gives_it_up(
    server: Server, panel: Callable[..., stepper.Stepper]
) -> None:
    patience = {
        "postgresql": "SET lock_timeout = '300ms'",
        "mysql": "SET SESSION innodb_lock_wait_timeout = 1",
    }
    shown = panel(f"T2 {patience[server.database]}\n{HOLD}", isolation="read committed")
    shown.run()
    until(lambda: "ERROR" in outcomes(shown)[-1])
    assert shown.lanes.course.arrows == []


def test_arrows_run_from_the_middle_of_one_lane_to_the_middle_of_another() -> None:
    lanes = Lanes()
    course = Course(
        lanes=[Lane("T1"), Lane("T2"), Lane("T3")],
        entries=[Entry(lane=0, code="BEGIN"), Entry(lane=None, said="all of them", state="event")],
        arrows=[
            Arrow(start=2, end=0, words="T3 waits for T1"),
            Arrow(start=0, end=1, words="T1 waits for T2"),
            Arrow(start=1, end=None, words="T2 waits for <b>another</b>"),
        ],
    )
    lanes.show(course)
    assert "grid-row:1;grid-column:2/6" in lanes.html
    assert "grid-row:2;grid-column:2/4" in lanes.html
    assert "grid-row:3;grid-column:4/7" in lanes.html
    assert lanes.html.count("kit-arrow-left") == 1
    assert "&lt;b&gt;another" in lanes.html
    assert 'colspan="3"' in lanes.static_html()
    assert "all of them" in lanes.static_text()


MYSQL_REPORT = """
------------------------
LATEST DETECTED DEADLOCK
------------------------
*** (1) TRANSACTION:
TRANSACTION 2073, ACTIVE 9 sec starting index read
MySQL thread id 21, OS thread handle 140, query id 90 localhost root updating
UPDATE quota SET hours = 1 WHERE id = 2
*** (1) HOLDS THE LOCK(S):
RECORD LOCKS space id 3 page no 4 n bits 72 index PRIMARY of table `x`.`quota` trx id 2073
*** (1) WAITING FOR THIS LOCK TO BE GRANTED:
RECORD LOCKS space id 3 page no 4 n bits 72 index PRIMARY of table `x`.`quota` trx id 2073
*** (2) TRANSACTION:
TRANSACTION 2074, ACTIVE 5 sec starting index read
MySQL thread id 22, OS thread handle 141, query id 91 localhost root updating
UPDATE quota SET hours = 1 WHERE id = 1
*** WE ROLL BACK TRANSACTION (2)
------------
MySQL thread id 99, OS thread handle 142
"""


def test_the_report_of_a_deadlock_is_read_in_mysqls_words_too() -> None:
    assert innodb_circle(MYSQL_REPORT) == [(21, 22), (22, 21)]
    assert innodb_circle("no deadlock yet") == []

"""The transaction stepper: what it shows is what the server does, and nothing stays behind."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy

from kit.errors import ServerGone, SQLError, UnknownName, Unsupported, UsageError
from kit.labs import source, stepper
from kit.labs.stepper.measure import Findings, measure
from kit.labs.stepper.observer import Wait
from kit.labs.stepper.play import Play
from kit.labs.stepper.scripts import Script, parse
from kit.labs.stepper.stage import SCHEMA, Stage
from kit.labs.stepper.table import grid
from kit.labs.stepper.views import innodb_circle
from kit.launch.server import Server
from kit.launch.start import start
from kit.widgets.stepper import Arrow, Course, Entry, Lane, Lanes
from tests.traces import await_true

DATABASES = ("postgresql", "mysql")
CODES = [script.code for script in stepper.ANOMALIES]

HOLD = """
    T1 BEGIN
    T2 BEGIN
    T1 UPDATE quota SET hours = 11 WHERE id = 1
    T2 UPDATE quota SET hours = 12 WHERE id = 1"""


@pytest.fixture(scope="module", params=DATABASES)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with start(request.param, name=f"stepper-{request.param}") as server:
        yield server


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Server]:
    with start("postgresql", name="stepper-postgresql") as server:
        yield server


@pytest.fixture
def panel(server: Server) -> Iterator[Callable[..., stepper.Stepper]]:
    opened: list[stepper.Stepper] = []

    def show(*args: Any, **options: Any) -> stepper.Stepper:
        opened.append(stepper.stepper(server, *args, **options))
        return opened[-1]

    yield show
    for one in opened:
        one.close()


def until(condition: Callable[[], object]) -> None:
    await_true(condition, "what another thread does")


def sessions(server: Server) -> int:
    """Count the sessions of others on a server."""
    if server.database == "postgresql":
        asked = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
    else:
        asked = "SELECT count(*) FROM information_schema.processlist WHERE user = 'mlflow'"
    return int(ask(server, asked)[0][0]) - 1


def schemas(server: Server) -> list[str]:
    asked = "SELECT schema_name FROM information_schema.schemata"
    return [row[0] for row in ask(server, asked) if row[0].startswith(SCHEMA)]


def ask(server: Server, sql: str) -> list[Any]:
    with closing(server.connect(autocommit=True)) as client, client.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def outcomes(shown: stepper.Stepper) -> list[str]:
    return [entry.said for entry in shown.lanes.course.entries]


@pytest.fixture(scope="module")
def found(server: Server) -> Findings:
    return measure(source.read(server))


def test_every_anomaly_happens_exactly_where_the_manual_lets_it(found: Findings) -> None:
    assert len(found.verdicts) == 12 * 4
    assert [(one.script.code, one.level) for one in found.surprises] == []


@pytest.mark.parametrize(
    ("level", "postgresql", "mariadb"),
    [
        (
            "READ UNCOMMITTED",
            {"PMP", "PMP-write", "P4", "G-single", "G-single-write", "G2-item", "G2"},
            {*CODES} - {"G0"},
        ),
        (
            "READ COMMITTED",
            {"PMP", "PMP-write", "P4", "G-single", "G-single-write", "G2-item", "G2"},
            {"PMP", "PMP-write", "P4", "G-single", "G-single-write", "G2-item", "G2"},
        ),
        (
            "REPEATABLE READ",
            {"G2-item", "G2"},
            {"PMP-write", "P4", "G-single-write", "G2-item", "G2"},
        ),
        ("SERIALIZABLE", set(), set()),
    ],
)
def test_the_verdicts_are_those_known_of_each_engine(
    found: Findings, level: str, postgresql: set[str], mariadb: set[str]
) -> None:
    known = postgresql if found.product == "PostgreSQL" else mariadb
    assert {x.script.code for x in found.verdicts if x.happened and x.level == level} == known


def test_innodb_with_snapshot_isolation_refuses_what_its_manual_says() -> None:
    settings = {"innodb-snapshot-isolation": "ON"}
    with start("mysql", name="stepper-snapshot", settings=settings) as server:
        if server.product != "MariaDB":
            pytest.skip("only MariaDB has this setting")
        found = measure(source.read(server), levels=("REPEATABLE READ",))
    assert [one.script.code for one in found.surprises] == []
    assert {one.script.code for one in found.verdicts if one.happened} == {"G2-item", "G2"}


def test_a_verdict_that_the_manual_does_not_have_is_pointed_out(found: Findings) -> None:
    turned = [replace(one, happened=not one.happened) for one in found.verdicts[:4]]
    odd = replace(found, verdicts=turned)
    assert len(odd.surprises) == 4
    shown = grid(odd)
    assert "0 of 4 agree" in shown.note
    assert "the manual says otherwise" in str(shown.rows[0][2])


def test_what_mariadb_promises_depends_on_its_version_and_its_setting() -> None:
    lost = ("P4", "REPEATABLE READ")
    assert not stepper.documented("MariaDB", "10.11.19")[lost].prevented
    assert stepper.documented("MariaDB", "11.8.2")[lost].prevented
    assert stepper.documented("MariaDB", "10.11.19", snapshot_isolation=True)[lost].prevented
    assert not stepper.documented("MySQL", "8.4.6")[lost].prevented
    assert stepper.documented("PostgreSQL", "17.6")[lost].prevented


@pytest.mark.parametrize(
    ("product", "version", "manual"),
    [
        ("PostgreSQL", "17.6", "https://www.postgresql.org/docs/17/"),
        ("MySQL", "8.4.6", "https://dev.mysql.com/doc/refman/8.4/en/"),
        ("MariaDB", "11.8.2", "https://mariadb.com/kb/en/"),
    ],
)
def test_every_promise_names_the_page_that_makes_it(
    product: str, version: str, manual: str
) -> None:
    promises = stepper.documented(product, version)
    assert len(promises) == 12 * 4
    for promise in promises.values():
        assert promise.prevented == (promise.rule is not None)
        assert promise.rule is None or promise.rule.page.startswith(manual)
    assert all(promises[code, "SERIALIZABLE"].prevented for code in CODES)


def test_a_product_whose_manual_is_not_known_is_refused() -> None:
    with pytest.raises(Unsupported, match="CockroachDB"):
        stepper.documented("CockroachDB", "24.1")


def test_the_table_of_verdicts_is_saved_the_same_each_time(server: Server, found: Findings) -> None:
    shown = stepper.verdicts(server)
    assert shown.table.grids == (grid(found),)
    assert "kit-wrong" in shown.table.html
    assert "48 of 48 agree with the manual" in shown.static_text()
    assert shown.manual.text in shown.static_text()
    assert "-- lost update (P4), at every level" in shown.static_text()
    assert str(server.port) not in shown.static_html()
    shown.close()


def test_measuring_can_be_cancelled_and_leaves_nothing(server: Server) -> None:
    shown = stepper.verdicts(server)
    shown.again.click()
    until(lambda: shown.cancel.layout.display is None)
    shown.cancel.click()
    until(lambda: "cancelled" in shown.status.value)
    until(lambda: schemas(server) == [])
    shown.close()


def test_a_script_that_another_lock_keeps_from_its_end_gets_no_verdict(server: Server) -> None:
    kept = Script(name="held", steps=parse(f"{HOLD}\nT2 COMMIT"), happened=lambda seen: True)
    with pytest.raises(SQLError, match="T2 never got past a lock"):
        measure(source.read(server), scripts=[kept])
    assert schemas(server) == []


def test_a_transaction_left_open_does_not_keep_the_next_script_from_its_tables(
    server: Server,
) -> None:
    left = Script(name="left", steps=parse("T1 BEGIN\nT2 BEGIN\nT2 UPDATE quota SET hours = 1"))
    stage = Stage(source.read(server), left.sessions)
    try:
        for _ in range(2):
            Play(stage, left, "SERIALIZABLE").run()
            assert stage.sessions["T2"].state == "open"
    finally:
        stage.close()


def test_a_view_that_is_older_than_the_locks_end_does_not_end_the_script() -> None:
    """As InnoDB's views are: a copy, without the holder, until it was left alone for 0.1 s."""
    (script,) = (one for one in stepper.ANOMALIES if one.code == "G-single-write")
    with start("mysql", name="stepper-mysql") as server:
        stage = Stage(source.read(server), script.sessions)
        look, after, copy, asked = stage.observer.waits, stage.sessions["T2"]._after, [], 0.0

        def stale(ours: Sequence[int]) -> list[Wait]:
            nonlocal copy, asked
            if time.monotonic() > asked + 0.1:
                copy = [replace(wait, holder=None) for wait in look(ours)]
            asked = time.monotonic()
            return copy

        def late(*said: Any) -> Any:
            threading.Event().wait(0.2)  # as on a busy machine
            return after(*said)

        stage.observer.waits, stage.sessions["T2"]._after = stale, late  # type: ignore[method-assign]
        try:
            play = Play(stage, script, "SERIALIZABLE")
            play.run()
            assert [move.step.statement for move in play.coming] == []
            assert play.happened is False
        finally:
            stage.close()


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


@pytest.mark.parametrize("name", ["deadlock", "write skew", "observed transaction vanishes"])
def test_a_script_ends_the_same_way_each_time(
    panel: Callable[..., stepper.Stepper], name: str
) -> None:
    told = {panel(name, isolation="serializable").static_html() for _ in range(3)}
    assert len(told) == 1


def test_a_saved_notebook_shows_how_it_ends_and_the_live_panel_how_it_begins(
    server: Server, panel: Callable[..., stepper.Stepper]
) -> None:
    shown = panel("lost update", isolation="read committed")
    assert shown.play is None
    assert "waits for" not in shown.lanes.html
    assert "10 and 5 and 3 are 18" not in shown.lanes.html
    assert "10 and 5 and 3 are 18" in shown.static_html()
    assert "waited for T1, until step 7" in shown.static_text()
    while shown.step():
        pass
    assert "10 and 5 and 3 are 18" in shown.lanes.html
    for told in (shown.static_html(), shown.static_text()):
        assert server.password not in told
        assert str(server.port) not in told
        assert not re.search(rf"{SCHEMA}_\w", told)


def test_the_isolation_level_that_is_asked_for_is_the_one_that_is_used(
    server: Server, panel: Callable[..., stepper.Stepper]
) -> None:
    asked = {"postgresql": "SHOW transaction_isolation", "mysql": "SELECT @@tx_isolation"}
    if server.product == "MySQL":
        asked["mysql"] = "SELECT @@transaction_isolation"
    script = f"T1 BEGIN\nT1 {asked[server.database]}\nT1 COMMIT"
    for level in stepper.LEVELS:
        shown = panel(script, isolation=level.lower())
        assert level in shown.static_text().upper().replace("-", " ").split("\n\n")[1]


def test_without_a_level_it_is_the_servers_own(
    server: Server, panel: Callable[..., stepper.Stepper]
) -> None:
    known = {"postgresql": "READ COMMITTED", "mysql": "REPEATABLE READ"}
    shown = panel("lost update")
    assert shown.level == shown.levels.value == known[server.database]


def test_a_statement_that_fails_is_shown_as_the_server_says_it(
    server: Server, panel: Callable[..., stepper.Stepper]
) -> None:
    shown = panel(
        "T1 BEGIN\nT1 UPDATE quota SET hours = 11 WHERE id = 1\n"
        "T1 INSERT INTO quota VALUES (1, 'again', 1)\n"
        "T1 UPDATE quota SET hours = 12 WHERE id = 2\nT1 COMMIT"
    )
    shown.run()
    assert shown.status.state == "done"
    assert "ERROR" in outcomes(shown)[2]
    if server.database == "postgresql":
        # The transaction is aborted: PostgreSQL answers COMMIT with ROLLBACK.
        assert outcomes(shown)[3:] == ["not sent: its transaction is over", "ROLLBACK"]
        assert shown.lanes.course.lanes[0].word == "rolled back"
    else:
        assert outcomes(shown)[3].startswith("OK, 1 row")
        assert shown.lanes.course.lanes[0].word == "committed"


def test_a_script_of_ones_own_is_stepped_through(panel: Callable[..., stepper.Stepper]) -> None:
    shown = panel(HOLD)
    shown.run()
    assert outcomes(shown)[-1].startswith("waits for T1")
    assert shown.buttons["step"].disabled
    assert shown.lanes.course.closing == ""


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


def test_closing_rolls_back_and_ends_every_session(server: Server) -> None:
    before = sessions(server)
    shown = stepper.stepper(server, HOLD, isolation="read committed")
    shown.run()
    assert sessions(server) == before + 3
    assert len(schemas(server)) == 1
    shown.close()
    until(lambda: sessions(server) == before)
    assert schemas(server) == []


def test_what_a_dead_kernel_left_behind_is_removed_by_the_next_one(
    server: Server, panel: Callable[..., stepper.Stepper]
) -> None:
    with closing(server.connect(autocommit=True)) as client, client.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {SCHEMA}_999999999_dead")
    alive = panel(HOLD, isolation="read committed")
    alive.step()
    panel("lost update")
    assert alive.play is not None
    assert schemas(server) == [alive.play.stage.schema]


def test_a_script_that_is_over_holds_no_connection(
    server: Server, panel: Callable[..., stepper.Stepper]
) -> None:
    before = sessions(server)
    shown = panel("lost update")
    shown.run()
    until(lambda: sessions(server) == before)
    assert schemas(server) == []


def test_starting_over_begins_with_a_fresh_table(panel: Callable[..., stepper.Stepper]) -> None:
    shown = panel(HOLD, isolation="read committed")
    for _ in range(2):
        shown.run()
        assert outcomes(shown)[-1].startswith("waits for T1")
        shown.restart()
        assert shown.play is None
        assert shown.status.state == "empty"


def test_another_script_or_level_begins_anew(panel: Callable[..., stepper.Stepper]) -> None:
    shown = panel("lost update", isolation="read committed")
    shown.step()
    shown.levels.value = "SERIALIZABLE"
    until(lambda: shown.level == "SERIALIZABLE" and shown.play is None)
    shown.scripts.value = next(s for s in stepper.ANOMALIES if s.code == "G2")
    until(lambda: shown.script.code == "G2" and "one team at most" in shown.lanes.html)
    shown.run()
    assert "It did not happen at SERIALIZABLE" in shown.lanes.course.closing


def test_forgotten_panels_do_not_use_up_the_connections(
    server: Server, panel: Callable[..., stepper.Stepper]
) -> None:
    before = sessions(server)
    shown = [panel(HOLD, isolation="read committed") for _ in range(6)]
    for one in shown:
        one.run()
    assert sessions(server) <= before + 4 * 3
    assert "closed to make room" in shown[0].status.value
    assert shown[0].step() is not None


def test_a_killed_server_gives_one_clear_message_and_the_panel_goes_on_after_it() -> None:
    for database in DATABASES:
        with start(database, name=f"stepper-kill-{database}") as server:
            shown = stepper.stepper(server, HOLD, isolation="read committed")
            shown.run()
            server.kill()
            until(lambda shown=shown: shown.status.state == "failed")
            assert "restart()" in shown.notice.value
            assert server.password not in shown.notice.value
            assert shown.buttons["step"].disabled
            shown.restart()
            assert shown.step() is None
            assert shown.status.state == "failed"
            assert not shown.buttons["step"].disabled
            server.restart()
            shown.run()
            assert outcomes(shown)[-1].startswith("waits for T1")
            shown.close()


def test_a_server_that_is_down_is_said_to_be_down() -> None:
    with start("postgresql", name="stepper-down") as server:
        server.kill()
        for shown in (stepper.stepper(server), stepper.verdicts(server)):
            assert shown.status.state == "failed"
            assert "restart()" in shown.notice.value
            shown.close()


def test_a_user_without_the_right_is_told_so(postgresql: Server) -> None:
    with closing(postgresql.connect(autocommit=True)) as client:
        client.execute("CREATE ROLE reader LOGIN PASSWORD 'only-looks'")
        url = sqlalchemy.make_url(str(postgresql.url)).set(username="reader", password="only-looks")
        shown = stepper.stepper(url)
        assert "permission denied" in shown.notice.value
        assert "GRANT" in shown.notice.value
        client.execute(f"GRANT CREATE ON DATABASE {url.database} TO reader")
        allowed = stepper.stepper(url, "deadlock")
        # Who may not set deadlock_timeout still sees the server's own choice of a victim.
        assert "deadlock detected" in allowed.static_text()
        assert "deadlock_timeout" not in allowed.static_text()
        client.execute(f"REVOKE CREATE ON DATABASE {url.database} FROM reader")
        client.execute("DROP ROLE reader")
        shown.close()
        allowed.close()


@pytest.mark.parametrize("database", DATABASES)
def test_after_a_crash_what_was_committed_is_there_and_nothing_else(database: str) -> None:
    with start(database, name=f"stepper-crash-{database}", durable=True) as server:
        shown = stepper.crash(server)
        assert list(shown.survived) == [(1, 15), (2, 15)]
        assert shown.lanes.course.icon == "✓"
        assert "killed" in shown.static_text()
        assert shown.wrote.text
        assert shown.wrote.text not in shown.static_text()
        assert schemas(server) == []
        shown.close()


def test_a_server_that_does_not_wait_for_the_disk_is_not_crashed(server: Server) -> None:
    with pytest.raises(UsageError, match="durable=True"):
        stepper.crash(server)
    assert server.state == "running"


def test_a_server_that_is_down_is_not_crashed() -> None:
    with start("postgresql", name="stepper-down", durable=True) as server:
        server.kill()
        with pytest.raises(ServerGone):
            stepper.crash(server)


def test_an_address_is_not_crashed(postgresql: Server) -> None:
    with pytest.raises(UsageError, match=r"kit\.start"):
        stepper.crash(postgresql.url)  # type: ignore[arg-type]


def test_a_url_serves_as_well_as_a_server(server: Server) -> None:
    shown = stepper.stepper(str(server.url), "P4", isolation="serializable")
    assert "It did not happen at SERIALIZABLE" in shown.static_text()
    shown.close()


def test_a_database_without_lock_views_is_refused() -> None:
    with pytest.raises(Unsupported, match="sqlite"):
        stepper.stepper("sqlite://")


def test_unknown_names_are_answered_with_the_nearest(server: Server) -> None:
    with pytest.raises(UnknownName, match="lost update"):
        stepper.stepper(server, "lost updates")
    with pytest.raises(UnknownName, match="repeatable read"):
        stepper.stepper(server, isolation="repeatable reads")


@pytest.mark.parametrize(
    "script", ["T1 BEGIN\nUPDATE quota SET hours = 1", "T2 BEGIN", "T1 BEGIN\nT5 BEGIN", "T1"]
)
def test_a_script_that_cannot_be_read_is_refused_with_an_example(script: str) -> None:
    with pytest.raises(UsageError, match="T1 BEGIN"):
        stepper.parse(script + "\n")


def test_lines_may_have_colons_comments_and_semicolons() -> None:
    steps = stepper.parse("-- two\nT1: BEGIN;\n\nT2  SELECT 1 ;")
    assert [(s.session, s.statement) for s in steps] == [("T1", "BEGIN"), ("T2", "SELECT 1")]


def test_hostile_text_is_shown_inert(panel: Callable[..., stepper.Stepper]) -> None:
    shown = panel("T1 SELECT '<script>alert(1)</script>' AS \"x\"")
    shown.run()
    for told in (shown.lanes.html, shown.static_html()):
        assert "<script>" not in told
        assert "&lt;script&gt;" in told


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


def test_a_play_can_be_told_without_a_panel(server: Server) -> None:
    read = source.read(server)
    script = next(one for one in stepper.ANOMALIES if one.code == "P4")
    stage = Stage(read, script.sessions)
    try:
        play = Play(stage, script, "READ COMMITTED")
        play.run()
        assert play.happened is True
        assert play.seen is not None
        assert play.seen.final == {1: 13, 2: 20}
        assert play.seen.committed == {"T1", "T2"}
    finally:
        stage.close()
    assert not {thread.name for thread in threading.enumerate()} & {"kit-T1", "kit-T2"}

"""How steppers and servers end: nothing stays behind, and a crash costs nothing committed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
import sqlalchemy

from kit.errors import ServerGone, Unsupported, UsageError
from kit.labs import stepper
from kit.labs.stepper.stage import SCHEMA
from kit.launch.server import Server
from kit.launch.start import start
from tests.labs.sql.stepper.observed import DATABASES, HOLD, ask, outcomes, schemas, until


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Server]:
    with start("postgresql", name="stepper-postgresql") as server:
        yield server


def sessions(server: Server) -> int:
    """Count the sessions of others on a server."""
    if server.database == "postgresql":
        asked = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
    else:
        asked = "SELECT count(*) FROM information_schema.processlist WHERE user = 'mlflow'"
    return int(ask(server, asked)[0][0]) - 1


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


def test_a_database_without_lock_views_is_refused() -> None:
    with pytest.raises(Unsupported, match="sqlite"):
        stepper.stepper("sqlite://")

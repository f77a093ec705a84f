"""Loads: real connections, every error counted, and measured from the common start."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from kit.errors import UsageError
from kit.launch.server import Server
from kit.launch.start import start
from kit.measure.load import Load, load
from tests.traces import await_true


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("postgresql", name="load") as running:
        with running.connect(autocommit=True) as connection:
            connection.execute("CREATE TABLE hit (backend int)")
            connection.execute("CREATE TABLE once (n int PRIMARY KEY)")
        yield running


def client(server: Server) -> Any:
    return lambda: server.connect(autocommit=True)


def ask(connection: Any) -> None:
    connection.execute("SELECT 1").fetchone()


def backends(server: Server) -> int:
    """Count the sessions that the server itself sees, without the one that asks."""
    with server.connect(autocommit=True) as connection:
        counted = connection.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchone()
    return int(counted[0])


def test_every_client_has_a_connection_of_its_own_and_closes_it(server: Server) -> None:
    note = "INSERT INTO hit VALUES (pg_backend_pid())"
    done = load(client(server), lambda c: c.execute(note), clients=6, operations=60, warm=1)
    with server.connect() as connection:
        seen = connection.execute("SELECT count(DISTINCT backend), count(*) FROM hit").fetchone()
    assert seen == (6, 66)
    assert (done.operations, done.failed, done.clients) == (60, 0, 6)
    await_true(lambda: backends(server) == 0, "every session has ended")


def test_a_load_is_measured_from_the_common_start_to_the_last_answer(server: Server) -> None:
    done = load(client(server), ask, clients=3, seconds=0.2)
    assert done.seconds >= 0.2
    assert done.throughput == pytest.approx(done.operations / done.seconds)
    assert all(0 < latency <= done.seconds for latency in done.latencies)
    assert sum(done.latencies) <= 3 * done.seconds
    assert done.cpu > 0


def test_warm_operations_do_not_count() -> None:
    calls: list[int] = []
    done = load(object, calls.append, clients=2, operations=10, warm=3, close=id)
    assert len(calls) == 16
    assert done.operations == 10


def test_an_error_is_counted_by_its_type_and_the_client_goes_on(server: Server) -> None:
    done = load(
        client(server),
        lambda c: c.execute("INSERT INTO once VALUES (1)"),
        clients=4,
        operations=20,
        warm=0,
    )
    assert (done.operations, done.errors) == (1, {"UniqueViolation": 19})
    assert "duplicate key" in done.messages["UniqueViolation"]


def test_a_client_that_lost_its_connection_opens_another(server: Server) -> None:
    ended = iter([True])

    def work(connection: Any) -> None:
        if next(ended, False):
            connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        ask(connection)

    done = load(client(server), work, clients=1, operations=5, warm=0)
    assert (done.operations, done.errors) == (4, {"AdminShutdown": 1})


def test_a_server_killed_under_load_is_counted_as_errors_and_found_again(home: Path) -> None:
    with start("postgresql", name="shot") as victim:
        address = str(victim.url).replace("+psycopg", "")
        stop = threading.Event()
        done_so_far: list[str] = []
        back = [0]

        def watch(now: Load) -> None:
            if now.operations and not done_so_far:
                victim.kill()
                done_so_far.append("killed")
            elif now.failed and done_so_far == ["killed"]:
                victim.restart()
                done_so_far.append("restarted")
                back[0] = now.operations
            elif len(done_so_far) == 2 and now.operations > back[0]:
                stop.set()

        done = load(
            lambda: psycopg.connect(address, autocommit=True),
            ask,
            clients=3,
            seconds=100,
            stop=stop,
            tick=watch,
        )
    assert stop.is_set()
    assert done.failed > 0
    assert set(done.errors) <= {"AdminShutdown", "OperationalError", "CannotConnectNow"}


def test_what_no_client_can_reach_raises_the_drivers_own_error() -> None:
    def refuse() -> Any:
        raise ConnectionRefusedError("nobody listens there")

    with pytest.raises(ConnectionRefusedError, match="nobody listens"):
        load(refuse, ask, clients=3, seconds=0.1)


def test_clients_beyond_what_the_server_admits_are_counted_not_hidden() -> None:
    places = threading.Semaphore(2)

    def admit() -> Any:
        if not places.acquire(blocking=False):
            raise PermissionError("sorry, too many clients")
        return object()

    done = load(admit, id, clients=5, seconds=0.3, close=id)
    assert done.errors["PermissionError"] >= 3
    assert done.operations > 0


def test_stop_ends_a_load_early_and_what_was_measured_is_returned() -> None:
    stop = threading.Event()
    seen: list[Load] = []

    def tick(now: Load) -> None:
        seen.append(now)
        stop.set()

    done = load(object, id, clients=2, seconds=600, close=id, stop=stop, tick=tick)
    assert done.operations >= seen[0].operations > 0
    assert len(seen) >= 1


def test_an_error_in_the_tick_or_an_interrupt_ends_every_client() -> None:
    def interrupt(_now: Load) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(object, id, clients=4, seconds=600, close=id, tick=interrupt)
    await_true(
        lambda: "kit-load" not in {thread.name for thread in threading.enumerate()},
        "no client is left",
    )


@pytest.mark.parametrize(
    "options",
    [
        {"clients": 0},
        {"clients": 10_000},
        {"seconds": 1, "operations": 1},
        {"seconds": 0},
        {"seconds": math.nan},
        {"operations": 0},
        {"warm": -1},
    ],
)
def test_a_load_that_cannot_be_is_refused_with_a_hint(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        load(object, id, **options)

"""Loads and repeated timings: real connections, every error counted, no number made up."""

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
from kit.measure.rounds import Rounds
from kit.measure.spread import Spread, repeat
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


def measured(*latencies: float) -> Load:
    return Load(clients=1, seconds=1, latencies=latencies, errors={}, messages={}, cpu=0)


def test_a_percentile_is_a_latency_that_was_measured() -> None:
    done = measured(*(float(n) for n in range(100, 0, -1)))
    assert [done.percentile(p) for p in (1, 50, 99, 99.1, 100)] == [1, 50, 99, 100, 100]
    assert measured(3.0).percentile(50) == 3.0
    assert math.isnan(measured().percentile(99))


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


@pytest.mark.parametrize("share", [0, -1, 101])
def test_a_percentile_that_cannot_be_is_refused(share: float) -> None:
    with pytest.raises(UsageError):
        measured(1.0).percentile(share)


def test_a_repeated_timing_leaves_warm_runs_and_preparation_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran: list[str] = []
    monkeypatch.setattr("time.perf_counter", lambda: ran.count("work") + 100 * ran.count("before"))
    spread = repeat(
        lambda: ran.append("work"), before=lambda: ran.append("before"), times=3, warm=2
    )
    assert ran == ["before", "work"] * 5
    assert spread.values == [1, 1, 1]


def test_a_spread_has_the_quartiles_that_numpy_computes() -> None:
    import numpy

    values = [5.0, 1.0, 4.0, 2.0, 8.0, 9.0]
    spread = Spread(values)
    expected = numpy.percentile(values, [25, 50, 75])
    assert [spread.low, spread.median, spread.high] == pytest.approx(list(expected))
    assert (Spread([3.0]).low, Spread([3.0]).median, Spread([3.0]).high) == (3, 3, 3)


def test_an_error_in_a_repeated_timing_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        repeat(lambda: 1 / 0)
    with pytest.raises(UsageError):
        repeat(lambda: None, times=0)


def test_the_figures_of_repeated_loads_are_medians_with_their_quartiles() -> None:
    loads = [
        Load(
            clients=2,
            seconds=1.0,
            latencies=[0.01 * factor] * 10 * factor,
            errors={"Error": factor} if factor > 1 else {},
            messages={},
            cpu=0.1 * factor,
        )
        for factor in (1, 2, 3)
    ]
    rounds = Rounds(loads)
    assert (rounds.clients, rounds.seconds, rounds.operations, rounds.failed) == (2, 3.0, 60, 5)
    assert rounds.throughput.values == [10.0, 20.0, 30.0]
    assert (rounds.throughput.low, rounds.throughput.median) == (15.0, 20.0)
    assert rounds.percentile(99).median == 0.02
    assert rounds.busy.median == 0.2
    assert len(rounds.latencies) == 60
    nothing = Load(clients=1, seconds=1.0, latencies=[], errors={}, messages={}, cpu=0.0)
    assert math.isnan(Rounds([nothing]).percentile(50).median)
    assert Rounds([nothing, loads[0]]).percentile(50).median == 0.01

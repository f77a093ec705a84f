"""The replica lab: a real replica, its lag by two figures, and what each says on a bad day."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pymysql
import pytest

from kit.databases.topologies.mysql import count, missing
from kit.errors import SQLError, StartTimeout, UsageError
from kit.labs import replication
from kit.labs.replication import Lag, Probe
from kit.launch.start import start
from kit.launch.topology import Topology, topology
from kit.widgets.parts import VIEW
from tests.containers.fixtures import BACKENDS, usual
from tests.containers.fixtures import found_engine as found_engine
from tests.panels import said
from tests.traces import await_true


@pytest.fixture(scope="module", params=BACKENDS)
def backend(home: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Give each backend in turn: in a container it is MySQL even where MariaDB is installed."""
    with usual(request, "mysql") as name:
        yield name


@pytest.fixture(scope="module")
def pair(backend: str) -> Iterator[Topology]:
    with topology("mysql", "replica", name="lagging") as running:
        yield running


@pytest.fixture
def probe(pair: Topology) -> Iterator[Probe]:
    with closing(Probe(pair.primary, pair.replicas[0])) as opened:
        assert opened.catch_up()
        yield opened


@pytest.fixture
def panel(pair: Topology) -> Iterator[Lag]:
    opened = replication.lag(pair, watch=False)
    yield opened
    opened.close()


def ask(server: Any, sql: str) -> Any:
    with closing(server.connect(autocommit=True)) as client, client.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def test_a_replica_that_keeps_up_is_a_moment_behind(probe: Probe) -> None:
    # The machine may be busy; what matters is that the beat came, and nothing is missing.
    await_true(lambda: probe.sample(patience=5).behind == 0, "it keeps up")
    seen = probe.sample(patience=5)
    assert 0 < seen.measured < 5
    assert (seen.receives, seen.applies) == (True, True)


def test_a_held_replica_falls_behind_by_the_heartbeat_while_its_own_figure_says_null(
    pair: Topology, probe: Probe
) -> None:
    traffic = replication.Traffic(pair.primary, pair.replicas[0])
    traffic.hold()
    first = probe.sample(patience=0.2)
    second = probe.sample(patience=0.2)
    assert 0.2 <= first.measured < second.measured
    assert second.reported is None
    assert (second.receives, second.applies) == (True, False)
    assert second.behind >= 2
    traffic.hold(held=False)
    assert probe.catch_up()
    assert probe.sample(patience=5).behind == 0


def test_a_large_transaction_holds_up_the_beats_behind_it(pair: Topology, probe: Probe) -> None:
    traffic = replication.Traffic(pair.primary, pair.replicas[0])
    traffic.hold()
    traffic.large(20_000)
    probe.sample(patience=0)
    traffic.hold(held=False)
    assert probe.catch_up()
    assert ask(pair.replicas[0], "SELECT COUNT(*), MIN(id), MAX(id) FROM kit_bulk") == (
        (20_000, 0, 19_999),
    )


def test_a_replica_takes_no_writes_from_a_client(pair: Topology) -> None:
    with pytest.raises(pymysql.err.OperationalError, match="read-only") as refusal:
        ask(pair.replicas[0], "CREATE TABLE stray (id INT)")
    assert refusal.value.args[0] == 1290


def test_the_stream_writes_at_its_rate_and_arrives_on_the_replica(
    pair: Topology, panel: Lag
) -> None:
    panel.write(100)
    await_true(lambda: "kit_stream" in str(ask(pair.primary, "SHOW TABLES")), "the table is made")
    rows = "SELECT COUNT(*) FROM kit_stream"
    await_true(lambda: ask(pair.primary, rows)[0][0] > 20, "rows are written")
    panel.write(0)
    assert panel.catch_up()
    assert ask(pair.replicas[0], rows) == ask(pair.primary, rows)
    written = ask(pair.primary, rows)
    assert ask(pair.primary, rows) == written


def test_the_panel_records_shows_and_saves_the_shape_alone(panel: Lag) -> None:
    assert "Nothing has been seen" in panel.static_text()
    panel.record(0.3)
    panel.hold()
    await_true(lambda: panel.record(0.2)[-1].measured > 0.3, "the lag grows")
    assert panel.table.grids[0].rows[0][2] == "✗ no"
    assert panel.table.grids[0].rows[0][4] is None
    panel.hold(held=False)
    assert panel.catch_up()
    panel.record(0.3)
    assert panel.table.grids[0].rows[0][2] == "✓ yes"
    assert said(panel).startswith("✓")
    first = panel.chart.lines[0]
    assert first.label == "by the heartbeat"
    assert max(y for _, y in first.known) > 0.3
    saved = panel.static_text()
    assert "SQL_THREAD" in saved
    assert "behind, s  by the heartbeat" in saved
    assert "transactions behind" not in saved
    assert VIEW in panel._repr_mimebundle_()


def test_the_controls_do_what_they_say(panel: Lag, pair: Topology) -> None:
    panel.hold_button.value = True
    assert ask(pair.replicas[0], "SELECT @@read_only")[0][0]
    assert panel.held
    panel.rate.value = 20
    assert panel.traffic.rate == 20
    panel.rate.value = 0
    panel.hold_button.value = False
    assert not panel.held


def test_one_button_starts_the_looking_and_stops_it(panel: Lag) -> None:
    panel.again.click()
    await_true(lambda: "behind" in said(panel), "it looks")
    assert (panel.watch.running, panel.again.description) == (True, "Stop")
    panel.again.click()
    assert (panel.watch.running, panel.again.description) == (False, "Watch")
    assert panel.status.state == "done"


def test_it_looks_live_and_stops_when_it_is_closed(pair: Topology) -> None:
    panel = replication.lag(pair)
    await_true(lambda: "behind" in said(panel), "it looks")
    panel.write(20)
    panel.hold()
    panel.close()
    assert [one for one in threading.enumerate() if one.name == "kit-watch"] == []
    with closing(Probe(pair.primary, pair.replicas[0])) as probe:
        assert probe.catch_up()
        assert probe.sample(patience=5).applies


def test_a_lost_replica_is_one_clear_message_and_the_panel_goes_on_after_a_restart(
    backend: str,
) -> None:
    with topology("mysql", "replica", name="losing") as pair:
        panel = replication.lag(pair)
        await_true(lambda: "behind" in said(panel), "it looks")
        pair.replicas[0].kill()
        await_true(lambda: said(panel).startswith("✗"), "it says so")
        assert "restart()" in panel.notice.value
        assert "Traceback" not in panel.notice.value
        pair.replicas[0].restart()
        await_true(lambda: "behind" in said(panel), "it looks again")
        panel.close()


def test_a_replica_repeats_a_held_change_as_soon_as_it_goes_on(pair: Topology, panel: Lag) -> None:
    panel.hold()
    ask(pair.primary, "CREATE TABLE served (id INT PRIMARY KEY)")
    with pytest.raises(pymysql.err.ProgrammingError, match="doesn't exist"):
        ask(pair.replicas[0], "SELECT * FROM served")
    panel.hold(held=False)
    assert panel.catch_up()
    assert ask(pair.replicas[0], "SELECT * FROM served") == ()


def test_a_replica_that_cannot_repeat_a_change_says_which_and_nobody_waits_for_it(
    backend: str,
) -> None:
    with topology("mysql", "replica", name="astray") as pair:
        primary, replica = pair
        with closing(primary.connect(autocommit=True)) as client, client.cursor() as cursor:
            cursor.execute("SET SESSION sql_log_bin = 0")
            cursor.execute("CREATE TABLE stray (id INT)")
        ask(primary, "INSERT INTO stray VALUES (1)")
        with closing(Probe(primary, replica)) as probe:
            with pytest.raises(SQLError, match=r"stray.*exist") as refusal:
                probe.catch_up(timeout=300)
            assert "kit.topology" in str(refusal.value)
        with pytest.raises(StartTimeout, match="stray"):
            topology("mysql", "replica", name="astray", timeout=1)


def test_what_has_no_replica_is_refused(home: Path) -> None:
    with start("mysql", name="alone") as server, pytest.raises(UsageError, match=r"kit\.topology"):
        replication.lag(server)


def test_missing_transactions_are_counted_as_each_product_writes_them() -> None:
    assert missing("0-1-120,2-7-5", "0-1-100") == 25
    assert missing("0-1-5", "0-2-9") == 0
    assert missing("", "") == 0
    uuid = "786f09a8-e83e-11f1-8e6c-02fc00000001"
    assert count(f"{uuid}:1-5:7,\n{uuid[:-1]}2:3") == 7
    assert count("") == 0

"""The read-heavy lab: its readers are real, its figures are measured, and it survives a bad day."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.errors import UnknownName, UsageError
from kit.labs import reads
from kit.labs import source as sources
from kit.labs.reads import Readers
from kit.launch.server import Server
from kit.launch.start import start
from kit.measure.load import Load
from kit.widgets.parts import VIEW
from tests.labs.mysql.questions import ask
from tests.panels import said
from tests.traces import await_true

_CONNECTED = {
    "mysql": "SELECT COUNT(*) - 1 FROM information_schema.processlist WHERE user = 'mlflow'",
    "postgresql": "SELECT COUNT(*) - 1 FROM pg_stat_activity "
    "WHERE usename = 'mlflow' AND backend_type = 'client backend'",
}


@pytest.fixture(scope="module", params=["mysql", "postgresql"])
def server(request: pytest.FixtureRequest, home: Path) -> Iterator[Server]:
    with start(request.param, name="read") as running:
        reads.prepare(running)
        yield running


@pytest.fixture
def panel(server: Server) -> Iterator[Readers]:
    opened = reads.readers(server, seconds=0.05, times=3, ladder=(1, 4))
    yield opened
    opened.close()


def working() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name in ("kit-load", "kit-panel")]


def test_the_table_is_the_same_on_every_engine_and_made_once(server: Server) -> None:
    assert reads.prepare(server) == reads.ROWS
    figures = f"SELECT COUNT(*), COUNT(DISTINCT customer), MIN(id), MAX(id) FROM {reads.TABLE}"
    assert ask(server, figures) == [(reads.ROWS, reads.CUSTOMERS, 1, reads.ROWS)]
    of_seven = [n for n in range(1, reads.ROWS + 1) if n * 7919 % reads.CUSTOMERS == 7]
    wanted = [(n, f"digits-{n % 7}", n * 541 % 1000 / 1000) for n in of_seven[:-11:-1]]
    assert ask(server, reads.QUERY, customer=7) == wanted


def test_the_index_comes_and_goes_and_says_by_which_statement(server: Server) -> None:
    reads.index(server, wanted=False)
    assert not reads.has_index(server)
    assert reads.index(server)[0].startswith("CREATE INDEX")
    assert reads.has_index(server)
    assert reads.index(server) == []
    assert reads.index(server, wanted=False)[0].startswith("DROP INDEX")


@pytest.mark.parametrize(("connections", "seen"), [("kept", 12), ("pooled", 8)])
def test_readers_are_as_many_real_connections_as_is_said(
    server: Server, connections: Any, seen: int
) -> None:
    reads.index(server)
    counts: list[int] = []
    stop = threading.Event()

    def look(_: Load) -> None:
        counts.append(int(ask(server, _CONNECTED[server.database])[0][0]))
        if counts[-1] >= seen:
            stop.set()

    load = reads.measure(
        server, readers=12, seconds=30, connections=connections, stop=stop, tick=look
    )
    assert max(counts) == seen
    assert load.clients == 12
    assert load.failed == 0
    assert load.operations > 12
    await_true(lambda: ask(server, _CONNECTED[server.database]) == [(0,)], "all have left")


def test_a_new_connection_for_each_request_is_really_opened(server: Server) -> None:
    if server.database != "mysql":
        pytest.skip("only MySQL counts the connections that were ever opened")
    opened = "SHOW GLOBAL STATUS LIKE 'Connections'"
    before = int(ask(server, opened)[0][1])
    load = reads.measure(server, readers=2, seconds=0.3, connections="new")
    assert int(ask(server, opened)[0][1]) - before >= load.operations


def test_with_the_index_the_server_reads_far_fewer_rows(server: Server) -> None:
    if server.database != "mysql":
        pytest.skip("MySQL counts the rows it reads for all sessions together")

    def rows_read() -> int:
        found = ask(server, "SHOW GLOBAL STATUS LIKE 'Handler_read%'")
        return sum(int(count) for _, count in found)

    def rows_for_each_read() -> float:
        before = rows_read()
        load = reads.measure(server, readers=2, seconds=0.2)
        return (rows_read() - before) / load.operations

    reads.index(server, wanted=False)
    without = rows_for_each_read()
    reads.index(server)
    # Each customer has twenty predictions, of which ten are asked for.
    assert rows_for_each_read() < 200
    assert without > 10_000


def test_the_panel_shows_what_it_measured_and_saves_no_figure_of_it(panel: Readers) -> None:
    loads = panel.run(index=True, connections="kept")
    assert [load.clients for load in loads] == [1, 4]
    assert said(panel).startswith("✓ most with")
    assert [len(line.points) for line in panel.chart.lines] == [2]
    panel.run(connections="pooled")
    assert [line.label for line in panel.chart.lines] == ["kept", "pooled"]
    ladder, tops = panel.table.grids
    assert [row[0] for row in ladder.rows] == [1, 4]
    assert [row[0].rpartition(" ")[2] for row in tops.rows] == ["kept", "pooled"]
    for row, bar, measured in zip(tops.rows, panel.tops.bars, panel.measured.values(), strict=True):
        found = measured[-1].throughput
        assert len(found.values) == 3
        assert str(row[2]) == f"{found.median:,.0f} ({found.low:,.0f}–{found.high:,.0f})"
        assert (bar.low, bar.value, bar.high) == (found.low, found.median, found.high)
        # Latencies have their spread too.
        assert all(re.fullmatch(r".+ \(.+–.+\)", str(cell)) for cell in row[3:6])
    for saved in (panel.static_html(), panel.static_text()):
        assert "reads per second" in saved
        assert f"{loads[-1].throughput.median:,.0f}" not in saved
        assert "pool_size=8" in saved
    assert VIEW in panel._repr_mimebundle_()


def test_a_measurement_is_cancelled_and_keeps_what_it_has(server: Server) -> None:
    panel = reads.readers(server, seconds=30, ladder=(1, 2))
    thread = panel.background(panel.run)
    await_true(lambda: " reads" in said(panel), "it measures")
    panel.cancel.click()
    thread.join(30)
    assert said(panel) == "■ cancelled at 1 reader"
    assert len(next(iter(panel.measured.values()))) == 1
    panel.reset()
    assert panel.chart.lines == []
    panel.close()
    assert working() == []


def test_a_closed_panel_sends_its_readers_home(server: Server) -> None:
    panel = reads.readers(server, seconds=30, ladder=(2,))
    panel.background(panel.run)
    await_true(lambda: " reads" in said(panel), "it measures")
    panel.close()
    await_true(lambda: working() == [], "no thread is left")
    await_true(lambda: ask(server, _CONNECTED[server.database]) == [(0,)], "all have left")


def test_a_server_killed_in_the_middle_is_one_clear_message_and_the_panel_goes_on(
    home: Path,
) -> None:
    with start("mysql", name="fragile") as server:
        panel = reads.readers(server, seconds=0.5, times=2, ladder=(2, 3))
        thread = panel.background(panel.run)
        await_true(lambda: " reads" in said(panel), "it measures")
        server.kill()
        thread.join(60)
        assert said(panel).startswith("✗ failed")
        assert "restart()" in panel.notice.value
        assert "Traceback" not in panel.notice.value
        server.restart()
        assert len(panel.run()) == 2
        assert said(panel).startswith("✓")
        panel.close()


def test_a_user_who_may_only_read_is_told_so(home: Path) -> None:
    with start("mysql", name="guarded") as server:
        ask(server, "SELECT 1")
        with server.connect(autocommit=True) as client:
            cursor = client.cursor()
            cursor.execute("CREATE USER reader@'%' IDENTIFIED BY 'r e/a@d'")
            cursor.execute("GRANT SELECT ON mlflow.* TO reader@'%'")
        url = sources.address(server).set(username="reader", password="r e/a@d")
        panel = reads.readers(url, ladder=(1,))
        assert panel.run() == []
        assert "GRANT" in panel.notice.value
        assert "r e/a@d" not in panel.notice.value
        panel.close()


def test_two_servers_are_measured_in_one_panel(home: Path) -> None:
    with start("mysql", name="one") as one, start("postgresql", name="two") as two:
        panel = reads.readers(one, two, seconds=0.1, times=2, ladder=(1, 2))
        panel.run(0, index=True)
        panel.run(1, index=True)
        lines = [line.label.partition(",")[0] for line in panel.chart.lines]
        assert lines == [one.product, "PostgreSQL"]
        panel.close()


def test_what_cannot_be_measured_is_refused_with_a_hint(tmp_path: Path, server: Server) -> None:
    with pytest.raises(UsageError, match="no server that many readers"):
        reads.readers(f"sqlite:///{tmp_path / 'lite.db'}")
    with pytest.raises(UnknownName, match="'pooled'"):
        reads.measure(server, connections="pool")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="once at least"):
        reads.readers(server, times=0)
    with pytest.raises(UsageError, match="512"):
        reads.measure(server, readers=10_000)


def test_the_table_can_be_removed(home: Path) -> None:
    with start("mysql", name="swept") as server:
        reads.prepare(server)
        reads.drop(server)
        assert ask(server, f"SHOW TABLES LIKE '{reads.TABLE}'") == []

"""Ways to load a data set: each really loads every row, and is measured as what it is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.labs import datasets
from kit.labs import source as sources
from kit.labs.datasets import Loading, ways
from kit.launch.server import Server
from kit.launch.start import start
from kit.measure.spread import Spread
from kit.widgets.parts import VIEW
from tests.labs.mysql.questions import ask
from tests.panels import said
from tests.traces import await_true


@pytest.fixture
def panel(server: Server) -> Iterator[Loading]:
    opened = datasets.loading(server, dataset="iris", rows=30, times=2)
    yield opened
    opened.close()


@pytest.mark.parametrize("way", datasets.WAYS)
def test_every_way_is_measured_on_an_empty_table_and_leaves_none(server: Server, way: str) -> None:
    spread = datasets.measure(server, datasets.read("iris"), way, rows=250, times=3)
    assert len(spread.values) == 3
    assert all(value > 0 for value in spread.values)
    assert (
        ask(server, "SELECT 1 FROM information_schema.tables WHERE table_name = 'kit_loading'")
        == []
    )


def test_single_inserts_are_commits_of_their_own_and_a_transaction_is_one(server: Server) -> None:
    if server.database != "mysql":
        pytest.skip("MySQL counts what its clients asked for")

    def commands() -> tuple[int, int]:
        found = dict(ask(server, "SHOW GLOBAL STATUS LIKE 'Com_%'"))
        return int(found["Com_insert"]), int(found["Com_commit"])

    training = datasets.read("iris")
    seen = {}
    for way in ("single", "transaction", "bulk"):
        before = commands()
        datasets.measure(server, training, way, rows=150, times=1)
        seen[way] = tuple(after - b for after, b in zip(commands(), before, strict=True))
    # A warm run and the one that counts.
    assert seen["single"][0] == 2 * 150
    assert seen["transaction"][0] == 2 * 150
    assert seen["bulk"][0] == 2 * 2
    assert seen["transaction"][1] - seen["single"][1] == 2


def test_the_panel_stores_measures_and_saves_lengths_alone(server: Server, panel: Loading) -> None:
    kept = panel.store()
    assert kept is not None
    assert said(panel).startswith("✓ 150 rows in training_iris_v1")
    assert "training_iris_v1" in panel.static_text()
    found = panel.run()
    assert set(found) == set(datasets.WAYS)
    assert [bar.label for bar in panel.bars.bars] == [way.label for way in datasets.WAYS.values()]
    assert [bar.value for bar in panel.bars.bars] == pytest.approx(
        [30 / one.median for one in found.values() if isinstance(one, Spread)]
    )
    assert "commits do not wait" in panel.bars.bars[0].note
    assert f"{panel.bars.bars[0].value:,.0f}" not in panel.static_html()
    assert VIEW in panel._repr_mimebundle_()


def test_a_durable_server_is_told_from_one_for_throwing_away(home: Path) -> None:
    for database in ("mysql", "postgresql"):
        with start(database, name="safe", durable=True) as safe, start(database) as fast:
            assert ways.waits_for_disk(sources.read(safe))
            assert not ways.waits_for_disk(sources.read(fast))


def test_a_server_that_takes_no_files_is_measured_in_the_other_ways(home: Path) -> None:
    with start("mysql", name="closed", settings={"local-infile": "OFF"}) as server:
        panel = datasets.loading(server, dataset="iris", rows=10, times=1)
        found = panel.run()
        assert "local_infile is OFF" in str(found["file"])
        assert math.isnan(panel.bars.bars[-1].value)
        assert said(panel).startswith("✓")
        panel.close()


def test_a_server_that_is_gone_is_one_clear_message_and_the_panel_goes_on(home: Path) -> None:
    with start("mysql", name="brittle") as server:
        panel = datasets.loading(server, dataset="iris", rows=10, times=1)
        server.kill()
        assert panel.run() == {}
        assert "restart()" in panel.notice.value
        assert panel.store() is None
        server.restart()
        assert panel.store() is not None
        assert "single" in panel.run()
        panel.close()


def test_a_measurement_is_cancelled_after_the_way_that_runs(server: Server) -> None:
    panel = datasets.loading(server, dataset="digits", rows=200, times=50)
    thread = panel.background(panel.run)
    await_true(lambda: panel.cancel.layout.display is None, "it measures")
    panel.cancel.click()
    thread.join(60)
    assert said(panel) == "■ cancelled"
    assert len(panel.bars.bars) < len(datasets.WAYS)
    panel.close()

"""InfluxDB's lab says that its server is gone, and goes on when it is back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.errors import KitError
from kit.labs.influxdb import training
from kit.labs.influxdb.bench import bench
from kit.labs.influxdb.cardinality import cardinality
from kit.labs.influxdb.console import console
from kit.labs.influxdb.curves import curves
from kit.labs.influxdb.retention import retention
from kit.labs.influxdb.session import Session
from kit.launch.server import Server
from kit.launch.start import start
from tests.labs.influxdb.panels import labels
from tests.panels import said


def test_a_panel_that_lost_its_server_says_so_and_goes_on_when_it_is_back(home: Path) -> None:
    with start("influxdb", name="lost-panel") as server:
        panel = curves(server, watch=False)
        asking = console(server)
        try:
            training.train(server, run_id="kept", epochs=2)
            server.kill()
            ask = lambda: asking.run("SHOW DATABASES")  # noqa: E731
            for one, look in ((panel, panel.refresh), (asking, ask)):
                look()
                assert said(one).startswith("✗")
                assert "restart()" in one.notice.static_text()
            server.restart()
            panel.refresh()
            assert labels(panel) == ["kept"]
            assert asking.run("SELECT loss FROM training_metrics")[0].count == 2
        finally:
            panel.close()
            asking.close()


@pytest.mark.parametrize("kind", ["bench", "batches", "retention", "cardinality", "training"])
def test_work_on_a_lost_server_ends_in_one_message_and_can_be_done_again(
    home: Path, shown: Any, kind: str
) -> None:
    with start("influxdb", name="lost-work") as server:
        panel, work = _work(server, kind)
        shown(panel)
        server.kill()
        work()
        assert said(panel).startswith("✗")
        assert "restart()" in panel.notice.static_text()
        assert not panel.go.disabled
        server.restart()
        work()
        assert said(panel).startswith("✓")


def _work(server: Server, kind: str) -> tuple[Any, Callable[[], object]]:
    if kind == "retention":
        lab = retention(server)
        return lab, lab.write
    if kind == "cardinality":
        counting = cardinality(server, most=100)
        return counting, counting.measure
    if kind == "training":
        following = curves(server, watch=False)
        return following, following.train
    typing = bench(server)
    return typing, typing.write if kind == "bench" else lambda: typing.compare(times=1)


def test_a_server_that_came_back_is_asked_again_and_a_lost_one_named(home: Path) -> None:
    with start("influxdb", name="lost") as server:
        session = Session(server)
        session.write(["loss value=1"])
        server.kill()
        with pytest.raises(KitError, match=r"restart\(\)"):
            session.ask("SELECT value FROM loss")
        server.restart()
        assert session.value("SELECT value FROM loss", "value") == 1
        session.close()

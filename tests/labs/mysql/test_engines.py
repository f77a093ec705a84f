"""One MLflow on two engines: the same run on both, one control between them, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit import data
from kit.errors import UsageError
from kit.labs import engines
from kit.launch.server import Server
from kit.launch.start import start
from kit.widgets.parts import VIEW
from tests.panels import said
from tests.traces import await_true


@pytest.fixture(scope="module")
def servers(home: Path) -> Iterator[tuple[Server, Server]]:
    with start("mysql", name="left") as left, start("postgresql", name="right") as right:
        for server in (left, right):
            data.train(server, experiment="other", epochs=1)
            data.train(server, experiment="same", epochs=3, learning_rate=0.1)
        yield left, right


def test_one_control_switches_the_explorer_between_engines_and_the_run_is_the_same(
    servers: tuple[Server, Server],
) -> None:
    panel = engines.explorer(*servers, experiment="same", watch=False)
    seen = []
    for number, server in enumerate(servers):
        panel.show(number)
        assert panel.found is not None
        assert [run.metrics for run in panel.found.runs]
        assert server.product in panel.note
        seen.append((panel.found.runs[0].metrics, panel.found.runs[0].params))
    assert seen[0] == seen[1]
    panel.experiment.value = next(
        value for label, value in panel.experiment.options if label.startswith("other")
    )
    panel.show(0)
    assert [run.params["epochs"] for run in panel.found.runs] == ["1"]
    assert VIEW in panel._repr_mimebundle_()
    panel.close()


def test_every_measure_is_taken_on_both_with_its_spread(servers: tuple[Server, Server]) -> None:
    panel = engines.compare(*servers, times=3)
    assert said(panel) == "✓ 3 times each"
    assert set(panel.found) == set(engines.MEASURES)
    for by_server in panel.found.values():
        assert [title.partition(" ")[0] for title in by_server] == [s.product for s in servers]
        for one in by_server.values():
            assert len(one.times.values) == 3
            assert 0 < one.low <= one.median <= one.high
    batch = next(iter(panel.found["batch"].values()))
    assert batch.median == pytest.approx(200 / batch.times.median)
    search = next(iter(panel.found["search"].values()))
    assert search.median == search.times.median
    saved = panel.static_text()
    assert "log_batch" in saved
    assert "median" not in saved
    panel.close()


def test_what_was_measured_really_stands_in_mlflows_tables(servers: tuple[Server, Server]) -> None:
    client = data.tracking(servers[0])
    before = len(client.search_experiments(view_type=3))
    engines.compare(servers[0], times=2).close()
    made = client.search_experiments(view_type=3)
    assert len(made) == before + len(engines.MEASURES)
    ours = [one for one in made if one.name.startswith("kit-comparison")]
    assert {one.lifecycle_stage for one in ours} == {"deleted"}
    runs = [run for one in ours for run in client.search_runs([one.experiment_id], run_view_type=3)]
    logged = [len(client.get_metric_history(run.info.run_id, "loss")) for run in runs]
    assert {20 * 3, 200 * 3} <= set(logged)


def test_a_server_that_is_gone_is_one_clear_message_and_the_panel_goes_on(home: Path) -> None:
    with start("mysql", name="frail") as server:
        panel = engines.compare(server, times=1)
        server.kill()
        panel.run()
        assert said(panel).startswith("✗")
        assert "restart()" in panel.notice.value
        server.restart()
        panel.run()
        assert said(panel).startswith("✓")
        panel.close()


def test_a_comparison_is_cancelled_after_the_measure_that_runs(
    servers: tuple[Server, Server],
) -> None:
    panel = engines.compare(*servers, times=100, run=False)
    thread = panel.background(panel.run)
    await_true(lambda: panel.cancel.layout.display is None, "it measures")
    panel.cancel.click()
    thread.join(120)
    assert said(panel) == "■ cancelled"
    panel.close()


def test_nothing_to_compare_is_refused(servers: tuple[Server, Server]) -> None:
    with pytest.raises(UsageError, match="at least one"):
        engines.compare()
    with pytest.raises(UsageError, match="same name"):
        engines.explorer(servers[0], servers[0])

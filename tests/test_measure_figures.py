"""Figures of repeated timings and loads: every one was measured, none is made up."""

from __future__ import annotations

import math

import pytest

from kit.errors import UsageError
from kit.measure.load import Load
from kit.measure.rounds import Rounds
from kit.measure.spread import Spread, repeat


def measured(*latencies: float) -> Load:
    return Load(clients=1, seconds=1, latencies=latencies, errors={}, messages={}, cpu=0)


def test_a_percentile_is_a_latency_that_was_measured() -> None:
    done = measured(*(float(n) for n in range(100, 0, -1)))
    assert [done.percentile(p) for p in (1, 50, 99, 99.1, 100)] == [1, 50, 99, 100, 100]
    assert measured(3.0).percentile(50) == 3.0
    assert math.isnan(measured().percentile(99))


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

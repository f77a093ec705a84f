"""Costs by the price list and by hand: arithmetic against arithmetic."""

from __future__ import annotations

from typing import Any

import pytest

from kit.errors import UsageError
from kit.labs.dynamodb import cost
from kit.labs.dynamodb.cost import Prices, Workload, compare
from kit.labs.dynamodb.paying import calculator


def flat(rate: float, **more: Any) -> Workload:
    return Workload(hours=[rate] * 24, **more)


def test_a_million_requests_cost_what_the_price_list_says() -> None:
    month = 24 * 3600 * cost.DAYS
    demand = compare(flat(1e6 / month, writes=1.0), Prices())[0]
    assert demand.total == pytest.approx(0.625)
    demand = compare(flat(1e6 / month, writes=0.0, consistency="strong"), Prices())[0]
    assert demand.total == pytest.approx(0.125)
    demand = compare(flat(1e6 / month, writes=1.0, size=1025), Prices())[0]
    assert demand.total == pytest.approx(2 * 0.625)


def test_provisioned_units_are_paid_by_the_hour_used_or_not() -> None:
    busy_once = Workload(hours=[100.0, *[0.0] * 23], writes=1.0)
    peak = compare(busy_once, Prices())[1]
    assert peak.total == pytest.approx(100 * 730 * 0.00065)


@pytest.mark.parametrize("write", [True, False])
def test_both_modes_cost_the_same_at_the_break_even(write: bool) -> None:
    prices = Prices()
    share = prices.break_even[0 if write else 1]
    hours = [1000.0] + [1000.0 * (24 * share - 1) / 23] * 23
    work = Workload(hours=hours, writes=1.0 if write else 0.0, consistency="strong")
    demand, peak, _ = compare(work, prices)
    assert cost.utilisation(hours) == pytest.approx(share)
    assert demand.total == pytest.approx(peak.total)


@pytest.mark.parametrize(
    "wrong", [{"hours": [1.0]}, {"hours": [-1.0] * 24}, {"hours": [1.0] * 24, "writes": 2.0}]
)
def test_a_workload_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Workload(**wrong)
    with pytest.raises(UsageError):
        Prices(write_hour=-1)


def test_the_calculator_follows_its_controls_and_its_drawing() -> None:
    panel = calculator(peak=100, writes=1.0)
    assert panel.costs == compare(panel.workload, panel.prices)
    panel.day._hear(None, {"event": "drawn", "value": [0.5] * 24}, None)
    assert panel.shape.value == "drawn by you"
    assert list(panel.workload.hours) == [50.0] * 24
    panel.shape.value = "a nightly batch"
    assert sum(hour > 0 for hour in panel.workload.hours) == 2
    dict(panel.paid)["write_request"].value = 0.0
    assert panel.costs[0].writes == 0
    assert "2024-11-01" in panel.static_text()
    assert panel.strip is not None
    names: dict[str, Any] = {}
    code, _, call = panel.strip.text.rpartition("\n")
    exec(code, names)  # noqa: S102
    assert eval(call, names) == panel.costs  # noqa: S307
    panel.close()


def test_a_drawing_is_kept_between_nothing_and_the_peak() -> None:
    panel = calculator()
    panel.day._hear(None, {"event": "drawn", "value": [2.0, -1.0, *[0.0] * 22]}, None)
    assert panel.day.shares[:2] == [1.0, 0.0]
    panel.day._hear(None, {"event": "drawn", "value": "nonsense"}, None)
    assert panel.day.shares[:2] == [1.0, 0.0]
    panel.close()


def test_a_day_without_requests_costs_nothing_but_the_smallest_capacity() -> None:
    panel = calculator(peak=0)
    assert [one.total for one in panel.costs] == [0, 0, 0]
    assert panel.status.state == "done"
    panel.close()

"""Plans of PostgreSQL, written by hand after its documentation: read, timed and compared."""

from __future__ import annotations

from typing import Any

import pytest

from kit.labs import plans
from kit.labs.plan import matching
from kit.labs.plan.node import Plan
from kit.labs.plan.words import words


def postgresql(node: dict[str, Any], **beside: Any) -> Plan:
    return plans.read([{"Plan": node, **beside}])


def raw(name: str, *plans: dict[str, Any], rows: float = 1, ms: float = 1.0, **more: Any) -> Any:
    """Write one step of a PostgreSQL plan."""
    measured = {"Actual Rows": rows, "Actual Loops": 1, "Actual Total Time": ms, "Plan Rows": rows}
    return {"Node Type": name, **measured, **more, **({"Plans": list(plans)} if plans else {})}


def test_a_plan_of_postgresql_18_is_read_with_its_fractions() -> None:
    look_up = raw("Index Scan", rows=0.25, ms=0.002, **{"Actual Loops": 4, "Index Searches": 4})
    plan = postgresql(
        raw("Nested Loop", raw("Seq Scan", rows=4), look_up, Disabled=False),
        **{"Planning Time": 0.2, "Execution Time": 1.5, "Planning": {"Memory Used": 12}},
    )
    assert plan.root.children[1].came == 1
    assert ("Index Searches", "4") in plan.root.children[1].facts
    assert plan.seconds == 0.0015


def test_a_plan_of_an_old_postgresql_is_read_without_the_keys_it_lacks() -> None:
    plan = postgresql(
        raw("Aggregate", raw("Seq Scan", **{"Relation Name": "runs"}), Strategy="Plain"),
        **{"Total Runtime": 2.0},
    )
    assert [node.label for node in plan.nodes] == ["Aggregate", "Seq Scan on runs"]
    assert plan.seconds == 0.002


def test_steps_of_a_version_to_come_are_shown_by_the_name_they_have() -> None:
    plan = postgresql(raw("Quantum Scan", raw("Warp", **{"Actual Rows": None}), Novelty={"a": [1]}))
    assert [node.name for node in plan.nodes] == ["Quantum Scan", "Warp"]
    assert words(plan.root) == ""
    assert "Quantum Scan" in plans.compare(plan, plan).static_text()


def test_a_plan_without_measurements_says_so() -> None:
    plan = plans.read('[{"Plan": {"Node Type": "Seq Scan", "Plan Rows": 7}}]')
    assert not plan.measured
    assert plan.root.hoped == 7
    assert plans.advise(plan) == []


def test_time_of_a_with_query_is_not_counted_twice() -> None:
    scan = {"Parent Relationship": "Outer", "CTE Name": "best", "Alias": "best"}
    within = {"Parent Relationship": "InitPlan", "Subplan Name": "CTE best"}
    plan = postgresql(
        raw("Aggregate", raw("Seq Scan", ms=80, **within), raw("CTE Scan", ms=95, **scan), ms=100)
    )
    assert [round((node.own or 0) * 1000) for node in plan.nodes] == [5, 80, 15]


@pytest.mark.parametrize("sign", ["$0", "(InitPlan 1).col1"])
def test_time_of_an_init_plan_is_taken_from_the_step_that_waits_for_it(sign: str) -> None:
    within = {"Parent Relationship": "InitPlan", "Subplan Name": "InitPlan 1 (returns $0)"}
    if sign != "$0":
        within["Subplan Name"] = "InitPlan 1"
    reader = {"Parent Relationship": "Outer", "Filter": f"(v > {sign})", "Relation Name": "runs"}
    plan = postgresql(
        raw("Sort", raw("Result", ms=60, **within), raw("Seq Scan", ms=90, **reader), ms=100)
    )
    assert [round((node.own or 0) * 1000) for node in plan.nodes] == [10, 60, 30]


def test_the_time_of_a_foreign_key_check_stands_in_the_tree() -> None:
    trigger = {"Constraint Name": "metrics_fkey", "Relation": "runs", "Time": 90.0, "Calls": 20}
    plan = postgresql(raw("ModifyTable", Operation="Delete", ms=5), Triggers=[trigger])
    assert plan.slowest is not None
    assert plan.slowest.name == "Trigger for constraint metrics_fkey"
    assert plan.changes
    (advice,) = plans.advise(plan)
    assert advice.volatile
    assert "metrics_fkey" in advice.words


def test_a_plan_of_many_partitions_is_compared_in_reasonable_time() -> None:
    parts = [raw("Seq Scan", **{"Relation Name": f"part_{n}"}) for n in range(400)]
    before, after = postgresql(raw("Append", *parts)), postgresql(raw("Append", *parts[:380]))
    comparison = matching.compare(before, after)
    assert [pair.change for pair in comparison.pairs].count("gone") == 20


def test_the_same_plan_twice_has_no_change() -> None:
    plan = postgresql(raw("Sort", raw("Seq Scan", **{"Relation Name": "runs"})))
    comparison = matching.compare(plan, plan)
    assert comparison.main is None
    assert {pair.change for pair in comparison.pairs} == {"same"}


def test_inputs_that_swap_places_are_matched_and_each_side_keeps_its_order() -> None:
    one = raw("Seq Scan", rows=5, **{"Relation Name": "runs"})
    other = raw("Seq Scan", rows=7, **{"Relation Name": "metrics"})
    before = postgresql(raw("Hash Join", one, raw("Hash", other)))
    after = postgresql(raw("Hash Join", other, raw("Hash", one)))
    comparison = matching.compare(before, after)
    moved = [pair.node.relation for pair in comparison.pairs if pair.moved]
    assert len(moved) == 1
    assert {pair.node.name for pair in comparison.pairs if pair.change in ("gone", "new")} == {
        "Hash"
    }
    assert [row.before for row in comparison.rows if row.before] == before.nodes
    assert [row.after for row in comparison.rows if row.after] == after.nodes

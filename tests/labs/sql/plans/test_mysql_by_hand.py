"""Plans of MySQL and MariaDB, written by hand after their documentation, and what is no plan."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kit.errors import UsageError
from kit.labs import plans
from kit.labs.plan import drawing

MYSQL_1 = {
    "query_block": {
        "select_id": 1,
        "cost_info": {"query_cost": "214.25"},
        "ordering_operation": {
            "using_filesort": True,
            "nested_loop": [
                {
                    "table": {
                        "table_name": "r",
                        "access_type": "ALL",
                        "rows_examined_per_scan": 1000,
                        "rows_produced_per_join": 100,
                        "filtered": "10.00",
                        "cost_info": {"read_cost": "91.00"},
                        "attached_condition": "(`kit`.`r`.`experiment` = 3)",
                    }
                },
                {
                    "table": {
                        "table_name": "m",
                        "access_type": "ref",
                        "key": "by_run",
                        "ref": ["kit.r.run_uuid"],
                        "rows_examined_per_scan": 20,
                        "filtered": "100.00",
                        "attached_subqueries": [
                            {
                                "dependent": True,
                                "query_block": {
                                    "select_id": 2,
                                    "table": {
                                        "table_name": "t",
                                        "access_type": "eq_ref",
                                        "key": "PRIMARY",
                                        "rows_examined_per_scan": 1,
                                        "filtered": "100.00",
                                    },
                                },
                            }
                        ],
                    }
                },
            ],
        },
    }
}


def test_a_plan_of_mysql_8_in_its_first_format_is_read() -> None:
    plan = plans.read(json.dumps(MYSQL_1), sql="SELECT * FROM kit.runs r JOIN kit.metrics m")
    assert plan.product == "MySQL"
    assert not plan.measured
    assert [node.label for node in plan.nodes] == [
        "Order",
        "Nested loop",
        "Full table scan on runs as r",
        "Index look-up on metrics as m using by_run",
        "Unique look-up on t using PRIMARY",
    ]
    assert plan.nodes[2].hoped == 100
    assert plan.nodes[4].role == "subquery 2"


def iterator(operation: str, *inputs: Any, rows: float = 1, ms: float = 1, **more: Any) -> Any:
    """Write one step of a MySQL plan in the second format."""
    figures = {"actual_rows": rows, "actual_loops": 1, "actual_last_row_ms": ms}
    below = {"inputs": list(inputs)} if inputs else {}
    return {"operation": operation, "estimated_rows": rows, **figures, **more, **below}


MYSQL_2 = iterator(
    "Nested loop inner join",
    iterator(
        "Filter: (r.experiment = 3)",
        iterator("Table scan on r", rows=1000, ms=2, table_name="r", access_type="table"),
        rows=20,
        ms=3,
        access_type="filter",
        condition="(r.experiment = 3)",
    ),
    iterator(
        "Index lookup on m using by_run (run_uuid = r.run_uuid)",
        rows=20,
        ms=0.1,
        table_name="m",
        index_name="by_run",
        access_type="index",
        index_access_type="index_lookup",
        actual_loops=20,
    ),
    rows=400,
    ms=6,
    access_type="join",
    join_algorithm="nested_loop",
)


@pytest.mark.parametrize(
    "document",
    [
        {"query": "/* select#1 */ …", **MYSQL_2},  # 8.3 and 8.4
        {"query": "…", "query_plan": MYSQL_2, "query_type": "select", "json_schema_version": "2.0"},
    ],
    ids=["8.4", "9"],
)
def test_a_plan_of_mysql_in_its_second_format_is_read(document: Any) -> None:
    plan = plans.read(document, sql="SELECT * FROM runs r JOIN metrics m USING (run_uuid)")
    scan, look_up = plan.root.children
    assert plan.product == "MySQL"
    assert plan.measured
    assert plan.root.name == "Nested loop inner join"
    assert scan.label == "Full table scan on runs as r"
    assert (scan.came, scan.discarded) == (20, 980)
    assert look_up.label == "Index look-up on metrics as m using by_run"
    assert (look_up.came, look_up.loops) == (400, 20)
    assert [round((node.own or 0) * 1000) for node in plan.nodes] == [1, 3, 2]


def test_steps_that_mysql_never_ran_are_marked() -> None:
    never = {"actual_rows": None, "actual_loops": None, "actual_last_row_ms": None}
    hash_join = iterator(
        "Inner hash join (a.x = b.x)",
        iterator("Table scan on a", rows=0, table_name="a", access_type="table"),
        iterator("Table scan on b", table_name="b", access_type="table", heading="Hash") | never,
        access_type="join",
        join_algorithm="hash",
    )
    plan = plans.read({"query_plan": hash_join})
    assert plan.root.name == "Hash join"
    assert plan.root.children[1].loops == 0
    assert "never ran" in [mark.word for mark in drawing.steps(plan)[2].marks]


def test_a_wrapper_of_a_mariadb_to_come_does_not_hide_the_steps_within() -> None:
    table = {"table_name": "runs", "access_type": "ALL", "rows": 5, "r_rows": 5, "r_loops": 1}
    plan = plans.read({"query_block": {"select_id": 1, "vectorised_scan": {"table": table}}})
    assert plan.product == "MariaDB"
    assert [node.name for node in plan.nodes] == ["Vectorised scan", "Full table scan"]


@pytest.mark.parametrize("document", ["", "{}", "[]", "[1]", "EXPLAIN", "null", '{"Plan": 1}', 7])
def test_what_is_no_plan_is_refused_in_words(document: Any) -> None:
    with pytest.raises(UsageError, match="no plan"):
        plans.read(document)

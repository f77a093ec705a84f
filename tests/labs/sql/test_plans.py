"""The plan explorer: plans of several servers read alike, compared, explained, and undone.

Plans of PostgreSQL 15 to 18 and of MariaDB come from real servers. Those of MySQL and of older and
newer versions were written by hand after the servers' documentation and source: no such server
need be installed here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import pytest
from sqlalchemy import Connection

from kit import databases
from kit.errors import SQLError, UsageError
from kit.labs import plan_cases, plans
from kit.labs import source as sources
from kit.labs.plan import condition, difference, drawing, matching
from kit.labs.plan.node import Node, Plan
from kit.labs.plan.words import words
from kit.labs.statements import connect
from kit.launch.choice import within_reach
from kit.launch.server import Server
from kit.launch.start import start
from tests.traces import await_true

HOSTILE = '<script>alert(1)</script>"`'


@pytest.fixture(scope="module")
def pg() -> Iterator[Server]:
    with start("postgresql", name="plans-pg") as server:
        _fill(server, _POSTGRESQL)
        yield server


@pytest.fixture(scope="module")
def my() -> Iterator[Server]:
    with start("mysql", name="plans-my") as server:
        if server.product != "MariaDB":
            pytest.skip("these plans are MariaDB's")
        _fill(server, _MARIADB)
        yield server


@pytest.fixture(params=["pg", "my"])
def server(request: pytest.FixtureRequest) -> Server:
    """Return one of the two servers, so that a test runs on both."""
    return request.getfixturevalue(request.param)


def _versions() -> list[str]:
    found = within_reach(databases.get("postgresql"))
    return sorted({program.version.partition(".")[0] for program in found})


@pytest.fixture(scope="module", params=_versions())
def any_pg(request: pytest.FixtureRequest, pg: Server) -> Iterator[Server]:
    """Return PostgreSQL in each version that is installed."""
    if pg.version.startswith(request.param + "."):
        yield pg
        return
    with start("postgresql", name=f"plans-{request.param}", version=request.param) as other:
        _fill(other, _POSTGRESQL)
        yield other


_RUNS = """INSERT INTO runs WITH RECURSIVE run (n) AS (
    SELECT 1 UNION ALL SELECT n + 1 FROM run WHERE n < 1000)
SELECT md5(concat('', n)), concat('Run ', n), n % 50 FROM run"""
_METRICS = """INSERT INTO metrics WITH RECURSIVE run (n) AS (
    SELECT 1 UNION ALL SELECT n + 1 FROM run WHERE n < 1000),
    epoch (s) AS (SELECT 1 UNION ALL SELECT s + 1 FROM epoch WHERE s < 20)
SELECT md5(concat('', n)), s, n + s / 100.0, 'ok' FROM run, epoch ORDER BY n, s"""
_POSTGRESQL = (
    "CREATE TABLE runs (run_uuid varchar(32) PRIMARY KEY, name text, experiment int)"
    " WITH (autovacuum_enabled = off)",
    "CREATE TABLE metrics (run_uuid varchar(32), step int, value float8, note text)"
    " WITH (autovacuum_enabled = off)",
    _RUNS,
    _METRICS,
    "VACUUM ANALYZE runs",
    "VACUUM ANALYZE metrics",
)
_MARIADB = (
    "CREATE TABLE runs (run_uuid varchar(32) PRIMARY KEY, name varchar(50), experiment int)",
    "CREATE TABLE metrics (run_uuid varchar(32), step int, value double, note varchar(20))",
    _RUNS,
    _METRICS,
    "ANALYZE TABLE runs, metrics",
)


def _fill(server: Server, statements: Sequence[str]) -> None:
    for statement in statements:
        run(server, statement)


def run(server: Server, *statements: str) -> Any:
    """Run statements as they stand, and return the first value of the last one that has rows."""
    engine = sources.read(server).engine()
    with connect(engine) as connection:
        answer = [_value(connection, statement) for statement in statements][-1]
    engine.dispose()
    return answer


def _value(connection: Connection, statement: str) -> Any:
    answer = connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    return answer.scalar() if answer.returns_rows else None


# Pairs: a query, what is done to it, and the step that must be named as the change.


@dataclass(frozen=True, kw_only=True)
class Prepared:
    id: str
    query: str
    change: str
    was: str = ""
    now: str = ""
    figures: Sequence[str] = ()
    prepare: Sequence[str] = ()
    cure: Sequence[str] = ()
    undo: Sequence[str] = ()
    rewritten: str = ""
    before: Mapping[str, str | int] = field(default_factory=dict)
    after: Mapping[str, str | int] = field(default_factory=dict)


PARALLEL = {
    "min_parallel_table_scan_size": 0,
    "parallel_setup_cost": 0,
    "parallel_tuple_cost": 0,
}
ON_POSTGRESQL = [
    Prepared(
        id="an index on the filter",
        query="SELECT * FROM metrics WHERE run_uuid = md5('7')",
        cure=["CREATE INDEX by_run ON metrics (run_uuid)"],
        undo=["DROP INDEX by_run"],
        change="replaced",
        was="Seq Scan on metrics",
        now="on metrics",
    ),
    Prepared(
        id="an index on the order",
        query="SELECT * FROM metrics ORDER BY value DESC LIMIT 5",
        cure=["CREATE INDEX by_value ON metrics (value)"],
        undo=["DROP INDEX by_value"],
        change="replaced",
        was="Seq Scan on metrics",
        now="Index Scan Backward on metrics using by_value",
    ),
    Prepared(
        id="an index on an expression",
        query="SELECT * FROM runs WHERE lower(name) = 'run 7'",
        cure=["CREATE INDEX by_name ON runs (lower(name))", "ANALYZE runs"],
        undo=["DROP INDEX by_name"],
        change="replaced",
        was="Seq Scan on runs",
        now="Index Scan on runs using by_name",
    ),
    Prepared(
        id="memory for a sort",
        query="SELECT * FROM metrics ORDER BY value, step",
        before={"work_mem": "64kB"},
        after={"work_mem": "32MB"},
        change="figures",
        was="Sort",
        now="Sort",
        figures=["how"],
    ),
    Prepared(
        id="fresh statistics",
        prepare=[
            "CREATE TABLE fresh (kind int) WITH (autovacuum_enabled = off)",
            "INSERT INTO fresh SELECT 1 FROM generate_series(1, 5000)",
            "ANALYZE fresh",
            "INSERT INTO fresh SELECT 2 FROM generate_series(1, 5000)",
        ],
        query="SELECT * FROM fresh WHERE kind = 2",
        cure=["ANALYZE fresh"],
        undo=["DROP TABLE fresh"],
        change="figures",
        was="Seq Scan on fresh",
        now="Seq Scan on fresh",
        figures=["expected"],
    ),
    Prepared(
        id="a map of what is visible",
        prepare=[
            "CREATE TABLE dusty (n int PRIMARY KEY) WITH (autovacuum_enabled = off)",
            "INSERT INTO dusty SELECT generate_series(1, 5000)",
            "ANALYZE dusty",
        ],
        query="SELECT count(n) FROM dusty WHERE n < 2000",
        cure=["VACUUM dusty"],
        undo=["DROP TABLE dusty"],
        before={"enable_seqscan": "off", "enable_bitmapscan": "off"},
        after={"enable_seqscan": "off", "enable_bitmapscan": "off"},
        change="figures",
        was="Index Only Scan on dusty using dusty_pkey",
        now="Index Only Scan on dusty using dusty_pkey",
        figures=["heap"],
    ),
    Prepared(
        id="a subquery written as a join",
        query="SELECT name FROM runs WHERE run_uuid NOT IN (SELECT run_uuid FROM metrics)",
        rewritten="SELECT name FROM runs r WHERE NOT EXISTS "
        "(SELECT FROM metrics m WHERE m.run_uuid = r.run_uuid)",
        change="new",
        now="Anti Join",
    ),
    Prepared(
        id="workers",
        query="SELECT count(*) FROM metrics WHERE note = 'ok'",
        before={"max_parallel_workers_per_gather": 0},
        after=PARALLEL,
        change="replaced",
        was="Seq Scan on metrics",
        now="Parallel Seq Scan on metrics",
    ),
]
ON_MARIADB = [
    Prepared(
        id="an index on the filter",
        query="SELECT * FROM metrics WHERE run_uuid = md5('7')",
        cure=["CREATE INDEX by_run ON metrics (run_uuid)"],
        undo=["DROP INDEX by_run ON metrics"],
        change="replaced",
        was="Full table scan on metrics",
        now="Index look-up on metrics using by_run",
    ),
    Prepared(
        id="an index on the order",
        query="SELECT * FROM metrics ORDER BY value DESC LIMIT 5",
        cure=["CREATE INDEX by_value ON metrics (value)"],
        undo=["DROP INDEX by_value ON metrics"],
        change="replaced",
        was="Full table scan on metrics",
        now="Full index scan on metrics using by_value",
    ),
    Prepared(
        id="a column left in peace",
        prepare=["CREATE INDEX by_value ON metrics (value)"],
        query="SELECT * FROM metrics WHERE value * 2 = 14.02",
        rewritten="SELECT * FROM metrics WHERE value = 7.01",
        undo=["DROP INDEX by_value ON metrics"],
        change="replaced",
        was="Full table scan on metrics",
        now="Index look-up on metrics using by_value",
    ),
    Prepared(
        id="an index for a join",
        query="SELECT count(*) FROM runs r JOIN metrics m ON m.step = r.experiment "
        "WHERE r.name = 'Run 7'",
        cure=["CREATE INDEX by_step ON metrics (step)"],
        undo=["DROP INDEX by_step ON metrics"],
        change="replaced",
        was="Full table scan on metrics as m",
        now="Index look-up on metrics as m using by_step",
    ),
    Prepared(
        id="an index that covers",
        prepare=["CREATE INDEX by_run ON metrics (run_uuid)"],
        query="SELECT avg(value) FROM metrics WHERE run_uuid = md5('7')",
        cure=["CREATE INDEX covering ON metrics (run_uuid, value)", "DROP INDEX by_run ON metrics"],
        undo=["DROP INDEX covering ON metrics"],
        change="replaced",
        was="Index look-up on metrics using by_run",
        now="Index look-up on metrics using covering",
    ),
    Prepared(
        id="statistics on a column",
        prepare=[
            "CREATE TABLE fresh (kind int, note varchar(20))",
            "INSERT INTO fresh SELECT step, note FROM metrics",
            "ANALYZE TABLE fresh",
        ],
        query="SELECT * FROM fresh WHERE kind = 2",
        cure=["ANALYZE TABLE fresh PERSISTENT FOR ALL", "FLUSH TABLES"],
        undo=["DROP TABLE fresh"],
        change="figures",
        was="Full table scan on fresh",
        now="Full table scan on fresh",
        figures=["expected"],
    ),
    Prepared(
        id="a subquery written as a join",
        query="SELECT name, (SELECT max(value) FROM metrics m WHERE m.run_uuid = r.run_uuid) v "
        "FROM runs r WHERE experiment = 3",
        rewritten="SELECT name, max(value) v FROM runs r JOIN metrics m "
        "ON m.run_uuid = r.run_uuid WHERE experiment = 3 GROUP BY r.run_uuid, name",
        change="figures",
        was="Full table scan on metrics as m",
        now="Full table scan on metrics as m",
        figures=["loops", "discarded"],
    ),
]


def prepared(server: Server, case: Prepared) -> matching.Comparison:
    if case.prepare:
        run(server, *case.prepare)
    try:
        before = plans.explain(server, case.query, settings=case.before)
        if case.cure:
            run(server, *case.cure)
        after = plans.explain(server, case.rewritten or case.query, settings=case.after)
    finally:
        if case.undo:
            run(server, *case.undo)
    return plans.compare(before, after).comparison


def agrees(case: Prepared, main: matching.Pair | None) -> None:
    assert main is not None
    assert main.change == case.change, difference.sentence(main)
    assert (main.before is None) == (case.was == "")
    assert main.before is None or main.before.label == case.was
    assert main.after is not None
    assert case.now in main.after.label
    assert set(case.figures) <= set(main.figures)


@pytest.mark.parametrize("case", ON_POSTGRESQL, ids=lambda case: case.id)
def test_the_diff_names_the_changed_step_on_postgresql(pg: Server, case: Prepared) -> None:
    agrees(case, prepared(pg, case).main)


@pytest.mark.parametrize("case", ON_MARIADB, ids=lambda case: case.id)
def test_the_diff_names_the_changed_step_on_mariadb(my: Server, case: Prepared) -> None:
    agrees(case, prepared(my, case).main)


# Real plans of every PostgreSQL that is installed, and of MariaDB.

SHAPES: dict[str, tuple[str, Mapping[str, str | int], set[str]]] = {
    "CTE": (
        "WITH best AS MATERIALIZED (SELECT run_uuid, max(value) v FROM metrics GROUP BY 1) "
        "SELECT * FROM best WHERE v > (SELECT avg(v) FROM best)",
        {},
        {"CTE Scan", "HashAggregate", "Aggregate"},
    ),
    "subplan": (
        "SELECT name, (SELECT count(*) FROM metrics m WHERE m.run_uuid = r.run_uuid) "
        "FROM runs r WHERE experiment = 3",
        {},
        {"Seq Scan", "Aggregate"},
    ),
    "parallel": (
        "SELECT count(*) FROM metrics",
        PARALLEL,
        {"Finalize Aggregate", "Gather", "Partial Aggregate", "Parallel Seq Scan"},
    ),
    "append": (
        "SELECT run_uuid FROM runs UNION ALL SELECT run_uuid FROM metrics",
        {},
        {"Append", "Seq Scan"},
    ),
    "hash join": (
        "SELECT * FROM runs JOIN metrics USING (run_uuid)",
        {},
        {"Hash Join", "Hash", "Seq Scan"},
    ),
    "merge join": (
        "SELECT * FROM runs JOIN metrics USING (run_uuid)",
        {"enable_hashjoin": "off", "enable_nestloop": "off"},
        {"Merge Join", "Sort"},
    ),
    "recursion": (
        "WITH RECURSIVE n (a) AS (VALUES (1) UNION ALL SELECT a + 1 FROM n WHERE a < 9) "
        "SELECT * FROM n",
        {},
        {"CTE Scan", "Recursive Union", "WorkTable Scan"},
    ),
    "window": (
        "SELECT name, rank() OVER (PARTITION BY experiment ORDER BY name) FROM runs LIMIT 3",
        {},
        {"Limit", "WindowAgg"},
    ),
    "change": (
        "WITH gone AS (DELETE FROM runs WHERE experiment = 3 RETURNING name) "
        "SELECT count(*) FROM gone",
        {},
        {"Delete", "Seq Scan", "CTE Scan"},
    ),
    "outer join": (
        "SELECT * FROM runs LEFT JOIN metrics ON value = experiment WHERE metrics.step IS NULL",
        {"enable_mergejoin": "off", "enable_nestloop": "off"},
        {"Hash"},
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_plan_is_read_from_every_postgresql(any_pg: Server, shape: str) -> None:
    sql, settings, names = SHAPES[shape]
    plan = plans.explain(any_pg, sql, settings=settings)
    assert names <= {node.name for node in plan.nodes}
    assert plan.measured
    assert [node.label for node in plan.nodes if not words(node)] == []
    assert all((node.own or 0) >= 0 and (node.pages or 0) >= 0 for node in plan.nodes)


def test_rows_that_parallel_workers_share_are_counted_once(any_pg: Server) -> None:
    plan = plans.explain(any_pg, "SELECT count(*) FROM metrics", settings=PARALLEL)
    (scan,) = plan.find("Parallel Seq Scan")
    assert scan.came == pytest.approx(20_000, rel=0.001)
    assert scan.hoped == pytest.approx(20_000, rel=0.001)


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        (
            "WITH best AS (SELECT run_uuid, max(value) v FROM metrics GROUP BY run_uuid) "
            "SELECT * FROM runs JOIN best ON best.run_uuid = runs.run_uuid WHERE v > 3",
            {"Temporary table", "Full table scan"},
        ),
        (
            "SELECT name, (SELECT count(*) FROM metrics m WHERE m.run_uuid = r.run_uuid) "
            "FROM runs r WHERE experiment = 3",
            {"Expression cache", "Full table scan"},
        ),
        ("SELECT 1 UNION SELECT step FROM metrics", {"Union", "No tables used"}),
        ("SELECT 1 EXCEPT SELECT step FROM metrics", {"Except"}),
        ("SELECT name, rank() OVER (ORDER BY name) FROM runs", {"Window functions", "Sort"}),
        ("SELECT * FROM runs WHERE run_uuid = 'x'", {"no matching row in const table"}),
        ("SELECT * FROM runs WHERE run_uuid = md5('7')", {"Constant row"}),
        (
            "SELECT count(*) FROM runs a JOIN runs b ON a.name = b.name",
            {"Nested loop", "Block nested-loop join"},
        ),
        ("DELETE FROM runs WHERE experiment = 3", {"Delete", "Full table scan"}),
        ("INSERT INTO runs VALUES ('x', 'x', 1)", {"Insert"}),
    ],
)
def test_every_shape_of_plan_is_read_from_mariadb(my: Server, sql: str, names: set[str]) -> None:
    found = {node.name for node in plans.explain(my, sql).nodes}
    assert all(any(one.startswith(name) for one in found) for name in names), found


@pytest.mark.parametrize("value", ['say "hi"', "back\\\\slash", 'a", "b', "two\nlines"])
def test_quotes_in_names_and_values_which_mariadb_leaves_bare_do_not_hide_the_plan(
    my: Server, value: str
) -> None:
    run(my, 'CREATE TABLE IF NOT EXISTS `a "b" c` (`c "d"` varchar(20), KEY (`c "d"`))')
    plan = plans.explain(my, f'SELECT * FROM `a "b" c` WHERE `c "d"` = \'{value}\'')
    assert [node.relation for node in plan.nodes if node.relation] == ['a "b" c']


# Plans of other versions, written by hand.


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


def test_a_plan_of_many_partitions_is_compared_in_reasonable_time() -> None:
    parts = [raw("Seq Scan", **{"Relation Name": f"part_{n}"}) for n in range(400)]
    before, after = postgresql(raw("Append", *parts)), postgresql(raw("Append", *parts[:380]))
    comparison = matching.compare(before, after)
    assert [pair.change for pair in comparison.pairs].count("gone") == 20


# Matching.


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


# Advice.


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("((run_uuid)::text = 'a b'::text)", ["run_uuid"]),
        (
            "((experiment = 3) AND (start_time > 5) AND (end_time < 9))",
            ["experiment", "start_time"],
        ),
        ("((m.run_uuid)::text = (r.run_uuid)::text)", ["run_uuid"]),
        ("m.`key` = 'loss' and m.step >= 3", ["`key`", "step"]),
        ("((status)::text = ANY ('{A,B}'::text[]))", ["status"]),
        ("(lower(name) = 'x'::text)", []),
        ("((a = 1) OR (b = 2))", []),
        ("((note)::text = 'x OR y = 3'::text)", ["note"]),
        ("", []),
    ],
)
def test_the_columns_of_a_condition_are_told_only_where_they_are_plain(
    text: str, columns: list[str]
) -> None:
    node = Node(name="Seq Scan", relation="metrics", alias="m", facts=[("Filter", text)])
    assert condition.wanted(node) == columns


def test_the_advised_index_is_used_once_it_is_there(server: Server) -> None:
    sql = "SELECT * FROM metrics WHERE step = 7 AND run_uuid = md5('7')"
    before = plans.explain(server, sql)
    advised = next(advice for advice in plans.advise(before) if advice.sql.startswith("CREATE"))
    assert advised.node.relation == "metrics"
    with_name = advised.sql.replace("CREATE INDEX ON", "CREATE INDEX metrics_step_run_uuid ON")
    run(server, with_name)
    try:
        after = plans.explain(server, sql)
    finally:
        on = " ON metrics" if server.database == "mysql" else ""
        run(server, f"DROP INDEX metrics_step_run_uuid{on}")
    assert any(node.index == "metrics_step_run_uuid" for node in after.nodes)
    assert plans.advise(after) == []


def test_a_quiet_plan_gets_no_advice(server: Server) -> None:
    plan = plans.explain(server, "SELECT * FROM runs WHERE run_uuid = md5('7')")
    assert plans.advise(plan) == []


def test_a_sort_on_disk_is_noticed_and_memory_advised(pg: Server) -> None:
    settings = {"work_mem": "64kB"}
    plan = plans.explain(pg, "SELECT * FROM metrics ORDER BY value", settings=settings)
    (advice,) = plans.advise(plan)
    assert advice.node.name == "Sort"
    assert re.fullmatch(r"SET work_mem = '\d+MB'", advice.sql)


def test_an_estimate_that_is_far_off_is_marked_where_the_error_begins(pg: Server) -> None:
    sql = "SELECT * FROM metrics WHERE step + 0 = step ORDER BY value"
    plan = plans.explain(pg, sql)
    (advice,) = plans.advise(plan)
    assert advice.node.name == "Seq Scan"
    assert "20,000 came" in advice.words
    marks = [mark.word for step in drawing.steps(plan) for mark in step.marks]
    assert marks.count("200 × more rows") == 2


# Nothing that is explained stays done.


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM runs WHERE experiment = 3",
        "UPDATE runs SET name = 'x'",
        "INSERT INTO runs SELECT concat('x', run_uuid), name, 1 FROM metrics JOIN runs "
        "USING (run_uuid) WHERE step = 1 AND experiment = 3 AND length(run_uuid) < 32",
        "-- a remark; with a semicolon\nDELETE FROM runs;",
    ],
)
def test_a_change_is_rolled_back_and_the_panel_says_so(server: Server, sql: str) -> None:
    count = "SELECT concat(count(*), '-', count(DISTINCT name)) FROM runs"
    before = run(server, count)
    panel = plans.explore(server, sql)
    assert panel.status.state == "done"
    assert run(server, count) == before
    assert panel.plan is not None
    assert panel.plan.changes
    assert panel.plan.ran[0] == "BEGIN"
    assert panel.plan.ran[-1] == "ROLLBACK"
    assert "rolled back" in panel.tree.data["caution"]
    assert "rolled back" in panel.static_text()
    panel.close()


def test_a_change_hidden_in_a_with_query_is_rolled_back_too(pg: Server) -> None:
    sql = "WITH gone AS (DELETE FROM runs RETURNING *) SELECT count(*) FROM gone"
    plan = plans.explain(pg, sql)
    assert plan.changes
    assert run(pg, "SELECT count(*) FROM runs") == 1000


def test_a_table_without_transactions_is_owned_up_to(my: Server) -> None:
    run(my, "CREATE TABLE old (n int) ENGINE = MyISAM", "INSERT INTO old VALUES (1), (2)")
    panel = plans.explore(my, "DELETE FROM old WHERE n = 1")
    assert panel.plan is not None
    assert panel.plan.kept
    assert run(my, "SELECT count(*) FROM old") == 1
    assert "stays" in panel.tree.data["caution"]
    panel.close()
    run(my, "DROP TABLE old")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; DELETE FROM runs",
        "SELECT 1; COMMIT; DELETE FROM runs; COMMIT",
        "BEGIN; DELETE FROM runs; COMMIT",
        "",
        "-- nothing",
    ],
)
def test_only_a_single_statement_is_ever_sent(server: Server, sql: str) -> None:
    with pytest.raises(UsageError, match="statement"):
        plans.explain(server, sql)
    assert run(server, "SELECT count(*) FROM runs") == 1000


@pytest.mark.parametrize("name", ["work_mem; DROP TABLE runs", "work_mem = 1 --", "A"])
def test_a_setting_is_a_name_and_nothing_else(server: Server, name: str) -> None:
    with pytest.raises(UsageError, match="setting"):
        plans.explain(server, "SELECT 1", settings={name: "1"})


def test_the_value_of_a_setting_is_quoted(pg: Server) -> None:
    with pytest.raises(SQLError, match="work_mem"):
        plans.explain(pg, "SELECT 1", settings={"work_mem": "1'; DROP TABLE runs; --"})
    assert run(pg, "SELECT count(*) FROM runs") == 1000


# The panel.


def test_the_panel_shows_the_statements_that_ran(server: Server) -> None:
    panel = plans.explore(server, "SELECT count(*) FROM runs WHERE name LIKE '%7%'")
    assert panel.strip is not None
    assert panel.strip.text.startswith("BEGIN;\n")
    assert "FORMAT" in panel.strip.text
    assert "LIKE '%7%'" in panel.strip.text
    assert panel.strip.text.endswith("\nROLLBACK;")
    panel.close()


def test_a_saved_plan_is_the_same_every_time(server: Server) -> None:
    sql = "SELECT r.name, max(value) FROM runs r JOIN metrics m ON m.run_uuid = r.run_uuid \
           WHERE r.experiment < 5 GROUP BY r.run_uuid, r.name ORDER BY 2 DESC LIMIT 5"
    panel = plans.explore(server, sql)
    html, text = panel.static_html(), panel.static_text()
    for _ in range(3):
        panel.run()
        assert (panel.static_html(), panel.static_text()) == (html, text)
    assert not re.search(r"\d (µs|ms|s)\b", text)
    assert "seen live" in text
    panel.close()


def test_two_plans_can_be_compared_in_the_explorer(server: Server) -> None:
    panel = plans.explore(server, "SELECT * FROM runs WHERE name = 'Run 7'")
    assert panel.both.disabled
    panel.run("SELECT * FROM runs WHERE run_uuid = md5('7')")
    panel.both.value = True
    assert panel.diff.layout.display is None
    assert panel.tree.layout.display == "none"
    assert [line.mark.word for line in panel.diff.lines if line.main] == ["replaced"]
    assert "Before" in panel.static_text()
    panel.close()


@pytest.mark.parametrize(
    ("sql", "hint"),
    [
        ("SELEC 1", "place shown"),
        ("SELECT nothing FROM runs", "columns"),
        ("SELECT * FROM nowhere", "tree"),
        ("VACUUM runs", "console"),
        ("EXPLAIN SELECT 1", "without EXPLAIN"),
    ],
)
def test_a_refusal_is_shown_as_the_server_says_it_and_the_panel_goes_on(
    server: Server, sql: str, hint: str
) -> None:
    panel = plans.explore(server, sql)
    if sql == "EXPLAIN SELECT 1" and panel.plan is not None:
        pytest.skip("this server explains an EXPLAIN")
    assert panel.status.state == "failed"
    assert "ERROR" in panel.static_text()
    assert not panel.tree.steps
    assert panel.run("SELECT 1") is not None
    assert panel.status.state == "done"
    panel.close()
    with pytest.raises(SQLError, match=hint):
        plans.explain(server, sql)


def test_hostile_names_are_data(pg: Server) -> None:
    quoted = HOSTILE.replace('"', '""')
    run(pg, f'CREATE TABLE "{quoted}" ("{quoted}" text)')
    panel = plans.explore(pg, f'SELECT * FROM "{quoted}" WHERE "{quoted}" = \'{HOSTILE}\'')
    assert panel.status.state == "done"
    assert "<script" not in panel.static_html()
    assert "<script>alert(1)</script>" in unescape(panel.static_html())
    assert panel.tree.data["steps"][0]["target"] == f"on {HOSTILE}"
    panel.close()
    run(pg, f'DROP TABLE "{quoted}"')


LONG = {
    "postgresql": "SELECT count(*) FROM metrics a, metrics b, metrics c",
    "mysql": "SELECT count(*) FROM metrics a, metrics b, metrics c WHERE a.value + b.step > c.step",
}


def test_a_long_statement_can_be_cancelled(server: Server) -> None:
    panel = plans.explore(server)
    panel.editor.value = LONG[server.database]
    thread = panel.background(panel.run)
    await_true(lambda: _running(server), "the statement runs")
    panel.cancel.click()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert panel.status.state == "failed"
    assert "ERROR" in panel.static_text()
    assert panel.run("SELECT 1") is not None
    panel.close()


def _running(server: Server) -> bool:
    table = "pg_stat_activity" if server.database == "postgresql" else "processlist"
    columns = {"pg_stat_activity": "query", "processlist": "info"}
    schema = "" if server.database == "postgresql" else "information_schema."
    sql = f"SELECT count(*) FROM {schema}{table} WHERE {columns[table]} LIKE '%metrics c%'"
    return int(run(server, f"{sql} AND {columns[table]} NOT LIKE '%LIKE%'")) > 0


def test_a_server_that_ends_in_mid_statement_is_reported_and_found_again() -> None:
    with start("postgresql", name="plans-dying", durable=True) as dying:
        panel = plans.explore(dying)
        panel.editor.value = "SELECT pg_sleep(60)"
        thread = panel.background(panel.run)
        await_true(
            lambda: (
                run(dying, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
                == 1
            ),
            "the statement sleeps",
        )
        dying.kill()
        thread.join(timeout=20)
        assert panel.status.state == "failed"
        assert "restart()" in panel.static_text()
        assert dying.password not in panel.static_html()
        dying.restart()
        assert panel.run("SELECT 1") is not None
        panel.close()


def test_a_server_without_plans_is_refused_in_words() -> None:
    with pytest.raises(UsageError, match="PostgreSQL"):
        plans.explain("sqlite://", "SELECT 1")


# MLflow's two problems.


def test_the_unindexed_foreign_key_is_found_and_mended(server: Server) -> None:
    case = plan_cases.foreign_keys(server)
    before = plans.explain(server, case.query)
    advised = [advice.sql for advice in plans.advise(before)]
    assert any(re.search(r"plan_keys[._]metrics \(run_uuid\)", sql) for sql in advised)
    case.mend()
    after = plans.explain(server, case.query)
    main = plans.compare(before, after).comparison.main
    assert main is not None
    assert main.change == "replaced"
    assert main.node.relation.endswith("metrics")
    assert main.before is not None
    assert main.before.handled == 30_000
    assert main.node.handled == 150
    assert plans.advise(after) == []


def test_the_bloated_table_is_found_and_mended(server: Server) -> None:
    case = plan_cases.bloated(server)
    before = plans.explain(server, case.query)
    case.mend()
    after = plans.explain(server, case.query)
    main = plans.compare(before, after).comparison.main
    assert main is not None
    assert main.node.relation.endswith("metrics")
    assert main.figures == ["pages"]
    assert main.before is not None
    assert (main.before.pages or 0) > 5 * (main.node.pages or 0)
    if server.database == "postgresql":
        (advice,) = plans.advise(before)
        assert advice.sql == case.cure


def test_mending_names_another_open_transaction_and_works_once_that_has_ended(
    my: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with plan_cases._session(my) as other:
        other.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        case = plan_cases.bloated(my)
        monkeypatch.setattr(plan_cases, "PATIENCE", 1.0)
        with pytest.raises(SQLError, match="another transaction is still open"):
            case.mend()
    monkeypatch.undo()
    case.mend()
    pages = [node.pages or 0 for node in plans.explain(my, case.query).nodes]
    assert 0 < sum(pages) < 100


def test_a_case_can_be_built_again_and_looks_the_same(server: Server) -> None:
    pictures = set()
    for _ in range(2):
        case = plan_cases.foreign_keys(server)
        before = plans.explain(server, case.query)
        case.mend()
        pictures.add(plans.compare(before, plans.explain(server, case.query)).static_html())
    assert len(pictures) == 1

"""Every shape of plan is read from every PostgreSQL that is installed, and from MariaDB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from kit import databases
from kit.labs import plans
from kit.labs.plan.words import words
from kit.launch.choice import within_reach
from kit.launch.server import Server
from kit.launch.start import start
from tests.labs.sql.plans.tables import PARALLEL, POSTGRESQL, fill, run


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
        fill(other, POSTGRESQL)
        yield other


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

"""Advice on a plan: given only where it helps, and MLflow's two problems are mended by it."""

from __future__ import annotations

import re

import pytest

from kit.errors import SQLError
from kit.labs import plan_cases, plans
from kit.labs.plan import condition, drawing
from kit.labs.plan.node import Node
from kit.launch.server import Server
from tests.labs.sql.plans.tables import run


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

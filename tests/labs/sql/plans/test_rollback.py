"""Nothing that is explained stays done, and nothing but the one statement is sent."""

from __future__ import annotations

import pytest

from kit.errors import SQLError, UsageError
from kit.labs import plans
from kit.launch.server import Server
from tests.labs.sql.plans.tables import run


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

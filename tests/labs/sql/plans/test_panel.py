"""The plan explorer's panel: what ran is shown, refusals and lost servers too, and it goes on."""

from __future__ import annotations

import re
from html import unescape

import pytest

from kit.errors import SQLError, UsageError
from kit.labs import plans
from kit.launch.server import Server
from kit.launch.start import start
from tests.labs.sql.plans.tables import run
from tests.traces import await_true

HOSTILE = '<script>alert(1)</script>"`'


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

"""Scripts, given or of one's own: each ends as the server ends it, at the level asked for."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

import pytest

from kit.errors import UnknownName, UsageError
from kit.labs import source, stepper
from kit.labs.stepper.play import Play
from kit.labs.stepper.stage import SCHEMA, Stage
from kit.launch.server import Server
from tests.labs.sql.stepper.observed import HOLD, outcomes, until


@pytest.mark.parametrize("name", ["deadlock", "write skew", "observed transaction vanishes"])
def test_a_script_ends_the_same_way_each_time(
    panel: Callable[..., stepper.Stepper], name: str
) -> None:
    told = {panel(name, isolation="serializable").static_html() for _ in range(3)}
    assert len(told) == 1


def test_a_saved_notebook_shows_how_it_ends_and_the_live_panel_how_it_begins(
    server: Server, panel: Callable[..., stepper.Stepper]
) -> None:
    shown = panel("lost update", isolation="read committed")
    assert shown.play is None
    assert "waits for" not in shown.lanes.html
    assert "10 and 5 and 3 are 18" not in shown.lanes.html
    assert "10 and 5 and 3 are 18" in shown.static_html()
    assert "waited for T1, until step 7" in shown.static_text()
    while shown.step():
        pass
    assert "10 and 5 and 3 are 18" in shown.lanes.html
    for told in (shown.static_html(), shown.static_text()):
        assert server.password not in told
        assert str(server.port) not in told
        assert not re.search(rf"{SCHEMA}_\w", told)


def test_the_isolation_level_that_is_asked_for_is_the_one_that_is_used(
    server: Server, panel: Callable[..., stepper.Stepper]
) -> None:
    asked = {"postgresql": "SHOW transaction_isolation", "mysql": "SELECT @@tx_isolation"}
    if server.product == "MySQL":
        asked["mysql"] = "SELECT @@transaction_isolation"
    script = f"T1 BEGIN\nT1 {asked[server.database]}\nT1 COMMIT"
    for level in stepper.LEVELS:
        shown = panel(script, isolation=level.lower())
        assert level in shown.static_text().upper().replace("-", " ").split("\n\n")[1]


def test_without_a_level_it_is_the_servers_own(
    server: Server, panel: Callable[..., stepper.Stepper]
) -> None:
    known = {"postgresql": "READ COMMITTED", "mysql": "REPEATABLE READ"}
    shown = panel("lost update")
    assert shown.level == shown.levels.value == known[server.database]


def test_a_statement_that_fails_is_shown_as_the_server_says_it(
    server: Server, panel: Callable[..., stepper.Stepper]
) -> None:
    shown = panel(
        "T1 BEGIN\nT1 UPDATE quota SET hours = 11 WHERE id = 1\n"
        "T1 INSERT INTO quota VALUES (1, 'again', 1)\n"
        "T1 UPDATE quota SET hours = 12 WHERE id = 2\nT1 COMMIT"
    )
    shown.run()
    assert shown.status.state == "done"
    assert "ERROR" in outcomes(shown)[2]
    if server.database == "postgresql":
        # The transaction is aborted: PostgreSQL answers COMMIT with ROLLBACK.
        assert outcomes(shown)[3:] == ["not sent: its transaction is over", "ROLLBACK"]
        assert shown.lanes.course.lanes[0].word == "rolled back"
    else:
        assert outcomes(shown)[3].startswith("OK, 1 row")
        assert shown.lanes.course.lanes[0].word == "committed"


def test_a_script_of_ones_own_is_stepped_through(panel: Callable[..., stepper.Stepper]) -> None:
    shown = panel(HOLD)
    shown.run()
    assert outcomes(shown)[-1].startswith("waits for T1")
    assert shown.buttons["step"].disabled
    assert shown.lanes.course.closing == ""


def test_starting_over_begins_with_a_fresh_table(panel: Callable[..., stepper.Stepper]) -> None:
    shown = panel(HOLD, isolation="read committed")
    for _ in range(2):
        shown.run()
        assert outcomes(shown)[-1].startswith("waits for T1")
        shown.restart()
        assert shown.play is None
        assert shown.status.state == "empty"


def test_another_script_or_level_begins_anew(panel: Callable[..., stepper.Stepper]) -> None:
    shown = panel("lost update", isolation="read committed")
    shown.step()
    shown.levels.value = "SERIALIZABLE"
    until(lambda: shown.level == "SERIALIZABLE" and shown.play is None)
    shown.scripts.value = next(s for s in stepper.ANOMALIES if s.code == "G2")
    until(lambda: shown.script.code == "G2" and "one team at most" in shown.lanes.html)
    shown.run()
    assert "It did not happen at SERIALIZABLE" in shown.lanes.course.closing


def test_a_url_serves_as_well_as_a_server(server: Server) -> None:
    shown = stepper.stepper(str(server.url), "P4", isolation="serializable")
    assert "It did not happen at SERIALIZABLE" in shown.static_text()
    shown.close()


def test_unknown_names_are_answered_with_the_nearest(server: Server) -> None:
    with pytest.raises(UnknownName, match="lost update"):
        stepper.stepper(server, "lost updates")
    with pytest.raises(UnknownName, match="repeatable read"):
        stepper.stepper(server, isolation="repeatable reads")


@pytest.mark.parametrize(
    "script", ["T1 BEGIN\nUPDATE quota SET hours = 1", "T2 BEGIN", "T1 BEGIN\nT5 BEGIN", "T1"]
)
def test_a_script_that_cannot_be_read_is_refused_with_an_example(script: str) -> None:
    with pytest.raises(UsageError, match="T1 BEGIN"):
        stepper.parse(script + "\n")


def test_lines_may_have_colons_comments_and_semicolons() -> None:
    steps = stepper.parse("-- two\nT1: BEGIN;\n\nT2  SELECT 1 ;")
    assert [(s.session, s.statement) for s in steps] == [("T1", "BEGIN"), ("T2", "SELECT 1")]


def test_hostile_text_is_shown_inert(panel: Callable[..., stepper.Stepper]) -> None:
    shown = panel("T1 SELECT '<script>alert(1)</script>' AS \"x\"")
    shown.run()
    for told in (shown.lanes.html, shown.static_html()):
        assert "<script>" not in told
        assert "&lt;script&gt;" in told


def test_a_play_can_be_told_without_a_panel(server: Server) -> None:
    read = source.read(server)
    script = next(one for one in stepper.ANOMALIES if one.code == "P4")
    stage = Stage(read, script.sessions)
    try:
        play = Play(stage, script, "READ COMMITTED")
        play.run()
        assert play.happened is True
        assert play.seen is not None
        assert play.seen.final == {1: 13, 2: 20}
        assert play.seen.committed == {"T1", "T2"}
    finally:
        stage.close()
    assert not {thread.name for thread in threading.enumerate()} & {"kit-T1", "kit-T2"}

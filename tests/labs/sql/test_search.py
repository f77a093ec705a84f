"""The JSONB and full-text lab: real hits, real plans, and an index that is said to help only if."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.errors import Unsupported
from kit.labs import search
from kit.labs.search import QUESTIONS, Question, Search
from kit.launch.server import Server
from kit.launch.start import start
from kit.widgets import values
from tests.traces import await_true

CONTAINS, PATH, EXTRACTED, WORD, PHRASE = range(5)


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("postgresql", name="search") as running:
        yield running


@pytest.fixture(scope="module")
def panel(server: Server) -> Iterator[Search]:
    opened = search.search(server)
    yield opened
    opened.close()


def ask(panel: Search, place: int) -> search.Answer:
    panel.question.value = place
    await_true(lambda: not panel.go.disabled, "the question chosen has been asked")
    found = panel.run()
    assert found is not None, panel.notice.static_text()
    return found


def count(server: Server, condition: str) -> int:
    with server.connect() as connection:
        query = f"SELECT count(*) FROM lab_search.trials WHERE {condition}"
        return int(connection.execute(query).fetchone()[0])


@pytest.mark.parametrize(
    ("place", "condition", "helped"),
    [
        (CONTAINS, "config->>'optimizer' = 'lion' AND config->'layers' @> '512'", True),
        (PATH, "(config->'augment'->>'crop')::int = 28", True),
        (EXTRACTED, 'config @> \'{"optimizer": "lion"}\'', False),
        (WORD, "note ~* 'overfit'", True),
        (PHRASE, "note ~ 'may overfit'", True),
    ],
)
def test_a_question_finds_what_another_spelling_counts_and_tells_whether_the_index_served(
    panel: Search, server: Server, place: int, condition: str, helped: bool
) -> None:
    found = ask(panel, place)
    assert len(found.rows) == count(server, condition) > 0
    assert found.helped == helped
    assert not any(node.index == "trials_index" for node in found.plans[0].nodes)
    assert len(found.times[0].values) == len(found.times[1].values) == 7
    assert ("index was used" in panel.status.value) == helped


def test_hits_are_marked_and_ranked(panel: Search) -> None:
    ranks = [row[1] for row in ask(panel, WORD).rows]
    assert ranks == sorted(ranks, reverse=True)
    assert "<mark>overfits</mark>" in panel.table.html
    assert "[overfits]" in panel.static_text()


def test_the_saved_panel_has_hits_plans_and_sql_but_no_time(panel: Search) -> None:
    ask(panel, CONTAINS)
    saved = panel.static_html() + panel.static_text()
    assert "Bitmap Index Scan" in saved
    assert "CREATE INDEX trials_index" in saved
    assert not re.search(r"\d (ms|µs|s)\b", saved)


def test_a_query_of_ones_own_is_asked_and_a_bad_one_refused_in_the_panel(panel: Search) -> None:
    ask(panel, CONTAINS)
    panel.editor.value = "SELECT id FROM lab_search.trials WHERE config ? 'nothing of the kind'"
    found = panel.run()
    assert found is not None
    assert found.rows == []
    panel.editor.value = "SELECT nope FROM lab_search.trials"
    assert panel.run() is None
    assert 'column "nope" does not exist' in panel.notice.static_text()
    panel.editor.value = "SELECT 1; SELECT 2"
    assert panel.run() is None
    assert "several" in panel.notice.static_text()
    panel.editor.value = QUESTIONS[CONTAINS].sql
    assert panel.run() is not None
    assert panel.notice.value == ""


def test_a_lost_server_is_one_message_and_the_panel_works_after_its_restart(home: Path) -> None:
    with start("postgresql", name="search-lost") as victim:
        panel = search.search(victim)
        victim.kill()
        assert panel.run() is None
        assert "restart()" in panel.notice.static_text()
        assert victim.password not in panel.notice.value
        victim.restart()
        assert panel.run() is not None
        panel.close()


def test_another_database_is_refused_with_a_hint() -> None:
    with pytest.raises(Unsupported, match="PostgreSQL"):
        search.search("sqlite://")


def test_markup_in_a_marked_text_stays_text() -> None:
    hostile = values.Marked("<b>hit</b> <script>alert(1)</script> <b><img src=x></b> </b><b>")
    shown = values.cell(hostile)
    assert shown.startswith("<mark>hit</mark>")
    assert "<script" not in shown
    assert "<img" not in shown
    assert shown.count("<mark>") == shown.count("</mark>") == 2
    assert str(values.Marked("a <b>hit</b>")) == "a [hit]"


def test_every_ready_question_says_what_to_look_for() -> None:
    assert all(isinstance(one, Question) and one.watch and one.title for one in QUESTIONS)
    assert len({one.sql for one in QUESTIONS}) == len(QUESTIONS)

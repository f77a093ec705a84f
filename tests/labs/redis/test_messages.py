"""Latency, messages, sessions, boards and figures, measured and kept on a real Redis."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.labs.redis import dashboard, latency, messages, service
from kit.labs.redis.messages import CHANNEL, STREAM
from kit.launch.server import Server
from kit.launch.start import start
from tests.traces import await_true


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("redis", name="messages") as running:
        yield running


def test_a_command_is_timed_alone_bare_and_in_company_and_counted_by_the_server(
    server: Server, client: Any
) -> None:
    client.config_resetstat()
    times = latency.measure(server, commands=200, batch=50)
    assert (len(times.single), len(times.plain)) == (200, 200)
    assert times.calls == 200 + 200 + 50 * len(times.pipelined)
    assert max(times.histogram.values()) == times.calls
    assert 0 < times.server < min(times.plain)
    assert min(times.pipelined) < min(times.single)
    assert sum(times.parts.values()) == pytest.approx(sorted(times.single)[100], rel=0.5)
    assert client.dbsize() == 0


def test_the_latency_panel_draws_three_distributions_and_saves_no_figure(server: Server) -> None:
    panel = latency.panel(server, commands=100, batch=10)
    assert panel.status.state == "done", panel.notice.static_text()
    assert len(panel.histogram.rows) == 3
    assert panel.bars.bars[0].label == "Redis"
    saved = panel.static_html() + panel.static_text()
    assert "GET over a bare socket" in saved
    assert not re.search(r"\d (ms|µs|s)\b", saved)
    panel.close()


def test_a_late_subscriber_misses_what_came_before_and_a_stream_reader_does_not(
    server: Server, client: Any
) -> None:
    panel = messages.panel(server)
    assert [panel.publish("one"), panel.publish("two")] == [1, 1]
    panel.open_late()
    assert panel.publish("three") == 2
    heard = {name: desk.messages for name, desk in panel.desks.items()}
    assert heard == {
        "early": ["one", "two", "three"],
        "late": ["three"],
        "stream": ["one", "two", "three"],
    }
    assert "2 messages came before" in panel.static_text()
    assert client.xlen(STREAM) == 3
    panel.close()
    await_true(lambda: client.pubsub_numsub(CHANNEL)[0][1] == 0, "nobody listens any more")
    assert not [one for one in threading.enumerate() if one.name == "kit-watch"]


def test_what_another_notebook_publishes_appears_by_itself(server: Server, client: Any) -> None:
    panel = messages.panel(server)
    assert client.publish(CHANNEL, "from elsewhere") == 1
    await_true(lambda: "from elsewhere" in panel.tables["early"].html, "it is shown")
    panel.close()


def test_a_hostile_message_is_shown_as_text(server: Server) -> None:
    panel = messages.panel(server)
    panel.publish("<script>alert(1)</script>\u202e")
    panel.publish("<b>bold</b>")
    shown = "".join(table.html for table in panel.tables.values()) + panel.static_html()
    assert "<script" not in shown
    assert "<b>" not in shown
    assert "&lt;b&gt;bold" in shown
    panel.close()


def test_listening_is_lost_with_the_server_told_and_begun_again(home: Path) -> None:
    with start("redis", name="silent") as victim:
        panel = messages.panel(victim)
        panel.publish("before")
        victim.kill()
        await_true(lambda: panel.status.state == "failed", "the loss is told")
        assert "restart()" in panel.notice.static_text()
        assert panel.publish("nobody hears") is None
        victim.restart()
        panel.open_early()
        assert panel.publish("again") == 1
        assert panel.desks["early"].messages == ["again"]
        panel.close()


def test_a_session_lives_on_with_each_visit_and_is_over_for_good(client: Any) -> None:
    token = service.log_in(client, "user-1", life=100, team="vision")
    client.expire(f"session:{token}", 10)
    found = service.visit(client, token, life=100)
    assert found == {"user": "user-1", "pages": "1", "team": "vision"}
    assert client.ttl(f"session:{token}") > 90
    assert service.log_out(client, token)
    assert service.visit(client, token) is None
    assert client.dbsize() == 0
    short = service.log_in(client, "user-2", life=1)
    client.pexpire(f"session:{short}", 1)
    await_true(lambda: not client.exists(f"session:{short}"), "it has expired")
    assert service.visit(client, short) is None


def test_a_board_keeps_the_best_of_each_model_and_ranks_them(client: Any) -> None:
    for model, accuracy in (("a", 0.9), ("b", 0.95), ("a", 0.8), ("c", 0.7)):
        service.score(client, model, accuracy)
    assert service.top(client, 2) == [("b", 0.95), ("a", 0.9)]
    assert [service.rank(client, model) for model in ("b", "a", "c", "d")] == [1, 2, 3, None]


def test_figures_add_up_over_minutes_and_count_a_user_once(client: Any) -> None:
    for number in range(50):
        service.record(client, "linear", f"user {number % 10}", 0.002)
    minute = int(client.time()[0]) // 60 - 1
    client.hset(f"metrics:linear:{minute}", mapping={"requests": 50, "microseconds": 0})
    client.pfadd(f"users:linear:{minute}", "user 3", "somebody else")
    found = service.figures(client, "linear")
    assert (found["requests"], found["users"]) == (100, 11)
    assert found["seconds"] == pytest.approx(0.001)
    assert all(
        client.ttl(key) > 0 for key in client.keys("*:linear:*") if str(minute) not in str(key)
    )


def test_only_the_recent_runs_are_kept(client: Any) -> None:
    for number in range(15):
        service.remember_run(client, f"run {number}", {"loss": number / 10})
    runs = service.recent_runs(client)
    assert [run["run"] for run in runs] == [f"run {n}" for n in range(14, 4, -1)]
    assert runs[0]["loss"] == 1.4


def test_the_dashboard_shows_what_redis_knows(server: Server, client: Any) -> None:
    panel = dashboard.panel(server, users=10, seconds=0.5)
    assert panel.status.state == "done", panel.notice.static_text()
    rows = dict(panel.minute.grids[0].rows)
    assert rows["predictions"] == service.figures(client, "linear")["requests"] > 0
    assert rows["users, by HyperLogLog"] == rows["users of this run, counted"]
    assert panel.board.grids[0].rows[0][1] == "linear"
    assert panel.sessions.grids[0].rows[0][0] == "user 1"
    saved = panel.static_html() + panel.static_text()
    assert not re.search(r"\d (ms|µs|s)\b", saved)
    panel.close()

"""Rate limiters on a real Redis: what they admit is what they define, whoever asks and how many."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.errors import UnknownName, UsageError
from kit.labs.redis import limiter
from kit.labs.redis.limits import KINDS, Decision, Limiter
from kit.launch.server import Server
from kit.launch.start import start
from tests.traces import await_true

CLIENTS = 16


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("redis", name="limits") as running:
        yield running


def storm(server: Server, kind: str, *, limit: int, window: float, each: int) -> list[Decision]:
    """Have 16 clients ask as fast as they can, all at once."""
    said: list[list[Decision]] = [[] for _ in range(CLIENTS)]
    together = threading.Barrier(CLIENTS)

    def ask(number: int) -> None:
        with server.connect(protocol=2) as own:
            mine = Limiter(own, kind, limit=limit, window=window)
            together.wait()
            said[number] += [mine.ask("storm") for _ in range(each)]

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted((one for each_ in said for one in each_), key=lambda one: one.at)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("limit", "window"), [(1, 0.05), (7, 0.05), (100, 0.2), (40, 30.0)])
def test_sixteen_clients_at_once_get_exactly_what_the_definition_allows(
    server: Server, client: Any, kind: str, limit: int, window: float
) -> None:
    said = storm(server, kind, limit=limit, window=window, each=60)
    assert len(said) == CLIENTS * 60
    defined = KINDS[kind].defined([one.at for one in said], limit, round(window * 1e6))
    assert [one.admitted for one in said] == defined
    assert any(defined)
    assert not all(defined)


@pytest.mark.parametrize("kind", ["sliding", "bucket"])
def test_no_more_than_the_limit_ever_passes_in_a_span_shorter_than_a_refill(
    server: Server, client: Any, kind: str
) -> None:
    said = storm(server, kind, limit=50, window=600.0, each=20)
    assert sum(one.admitted for one in said) == 50


def test_a_refused_client_is_told_how_long_to_wait_and_is_then_admitted(client: Any) -> None:
    for kind in KINDS:
        asked = Limiter(client, kind, limit=1, window=0.2)
        assert asked.ask("one").admitted
        refused = asked.ask("one")
        assert not refused.admitted
        assert 0 < refused.wait <= 200_000
        threading.Event().wait(refused.wait / 1e6)
        assert asked.ask("one").admitted, kind


def test_a_fixed_window_lets_twice_the_limit_pass_at_its_edge_and_a_sliding_one_does_not(
    server: Server,
) -> None:
    trial = limiter.compare(server, limit=20, window=0.5, clients=CLIENTS)
    assert trial.most("sliding") == 20
    assert trial.most("fixed") > 20
    assert {kind: trial.wrong(kind) for kind in KINDS} == dict.fromkeys(KINDS, 0)


def test_time_is_the_servers_and_state_goes_away_by_itself(client: Any) -> None:
    for kind in KINDS:
        asked = Limiter(client, kind, limit=3, window=0.1)
        before, decision = client.time(), asked.ask("short")
        assert decision.at >= before[0] * 1_000_000 + before[1]
        assert 0 < client.pttl(asked.key("short")) <= 101
        await_true(lambda a=asked: not client.exists(a.key("short")), "its state has expired")


def test_names_are_limited_apart_and_may_hold_anything(client: Any) -> None:
    asked = Limiter(client, "fixed", limit=1, window=60)
    for name in ("a", "b", "x\n{y} \u202e", "9" * 300):
        assert asked.ask(name).admitted
        assert not asked.ask(name).admitted


def test_the_panel_draws_every_request_and_shows_the_scripts(server: Server) -> None:
    panel = limiter.panel(server, limit=5, window=0.5, clients=4)
    assert panel.status.state == "done", panel.notice.static_text()
    assert "every verdict as defined" in panel.status.value
    assert [lane.label for lane in panel.timeline.lanes] == [k.title for k in KINDS.values()]
    assert panel.trial is not None
    asked = len(panel.trial.decisions["fixed"])
    assert all(len(lane.spans) == asked for lane in panel.timeline.lanes)
    assert panel.strip is not None
    assert "redis.call('TIME')" in panel.strip.text
    saved = panel.static_html() + panel.static_text()
    assert not re.search(r"\d (ms|µs|s)\b", saved)
    assert str(server.port) not in saved
    panel.close()


def test_a_panel_can_be_stopped_and_a_lost_server_is_told(home: Path) -> None:
    with start("redis", name="gone") as victim:
        panel = limiter.panel(victim, limit=5, window=0.5, clients=2)
        panel.window.value = 2.0
        panel.go.click()
        await_true(lambda: panel.status.state == "running", "it runs")
        panel.cancel.click()
        await_true(lambda: panel.status.state == "done", "it has stopped")
        assert "stopped" in panel.status.value
        victim.kill()
        panel.run()
        assert panel.status.state == "failed"
        assert "restart()" in panel.notice.static_text()
        victim.restart()
        panel.window.value = 0.5
        panel.run()
        assert panel.status.state == "done"
        panel.close()


@pytest.mark.parametrize("options", [{"limit": 0, "window": 1}, {"limit": 1, "window": 0}])
def test_a_limit_that_admits_nothing_is_refused(client: Any, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Limiter(client, "fixed", **options)
    with pytest.raises(UnknownName, match="bucket"):
        Limiter(client, "buket", limit=1, window=1)

"""The prediction cache on a real Redis and a real model: hits, lives, evictions, stampedes."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.errors import UnknownName
from kit.labs.redis import cache, serving, stampede, traffic
from kit.labs.redis import source as sources
from kit.labs.redis.serving import PREFIX, Model, Zipf
from kit.labs.redis.traffic import Setting
from kit.launch.server import Server
from kit.launch.start import start
from tests.traces import await_true

MEMORY = ("maxmemory", "maxmemory-policy")


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("redis", name="cache") as running:
        yield running


@pytest.fixture(scope="module")
def linear() -> Model:
    return serving.model("linear")


@pytest.fixture(scope="module")
def forest() -> Model:
    return serving.model("forest")


def run(server: Server, model: Model, *, misses: int = 50, **setting: Any) -> traffic.Report:
    """Let the load run until so many answers were computed, however long a busy machine takes."""
    enough = threading.Event()

    def look(report: traffic.Report) -> None:
        if len(report.misses) >= misses and (report.hits or not report.setting.cached):
            enough.set()

    wanted = Setting(seconds=60.0, **setting)
    return traffic.run(sources.read(server), model, wanted, stop=enough, tick=look)


@pytest.mark.parametrize("name", serving.MODELS)
def test_the_model_is_real_and_its_answers_are_right_far_more_often_than_not(name: str) -> None:
    from kit import data

    model, labels = serving.model(name), data.digits(0).test_labels
    said = [json.loads(model.predict(n)) for n in range(100)]
    right = sum(one["digit"] == int(label) for one, label in zip(said, labels, strict=False))
    assert right > 85
    assert all(abs(sum(one["probabilities"]) - 1) < 0.01 for one in said)
    with pytest.raises(UnknownName, match="forest"):
        serving.model("forrest")


def test_a_key_names_the_model_and_the_input_so_that_no_answer_is_mistaken(
    linear: Model, forest: Model
) -> None:
    keys = {model.key(n) for model in (linear, forest) for n in range(1797)}
    different = {model.inputs[n].tobytes() for model in (linear,) for n in range(1797)}
    assert len(keys) == 2 * len(different)


def test_what_the_cache_answers_is_what_the_model_computed(
    server: Server, client: Any, linear: Model
) -> None:
    report = run(server, linear)
    assert report.hits
    assert report.misses
    for number in range(400):
        kept = client.get(linear.key(number))
        assert kept is None or kept == linear.predict(number)
    assert report.kept == client.dbsize() == len(list(client.scan_iter(f"{PREFIX}:*")))
    assert 0 < client.pttl(linear.key(0)) <= 60_000


def test_without_a_cache_nothing_is_kept_and_nothing_hits(
    server: Server, client: Any, linear: Model
) -> None:
    report = run(server, linear, cached=False)
    assert (report.hits, report.ratio, client.dbsize()) == ([], 0.0, 0)
    assert report.misses


def test_a_skewed_load_hits_more_often_than_an_even_one_where_memory_is_short(
    server: Server, linear: Model
) -> None:
    even, skewed = (
        run(server, linear, misses=300, skew=skew, inputs=1797, room=400_000) for skew in (0.0, 1.4)
    )
    assert skewed.ratio > even.ratio


def test_draws_follow_zipfs_law() -> None:
    import random

    zipf, chance = Zipf(100, 1.0), random.Random(0)
    drawn = [zipf.draw(chance) for _ in range(20_000)]
    assert set(drawn) <= set(range(100))
    first, tenth = drawn.count(0), drawn.count(9)
    assert first / tenth == pytest.approx(10, rel=0.3)


def test_a_full_memory_throws_out_or_refuses_as_its_policy_says_and_every_answer_is_served(
    server: Server, client: Any, linear: Model
) -> None:
    before = {name: client.config_get(name) for name in MEMORY}
    full = {"misses": 900, "inputs": 1797, "skew": 0.0, "room": 150_000}
    thrown = run(server, linear, **full, policy="allkeys-lru")
    refused = run(server, linear, **full, policy="noeviction")
    assert (thrown.evicted > 0, thrown.unkept) == (True, 0)
    assert (refused.evicted, refused.unkept > 0) == (0, True)
    assert not thrown.errors
    assert not refused.errors
    assert {name: client.config_get(name) for name in MEMORY} == before


def test_short_lives_are_over_and_counted_by_the_server(server: Server, linear: Model) -> None:
    report = run(server, linear, ttl=0.05, inputs=10)
    assert report.expired > 0
    assert report.misses[10:]


def test_only_what_the_lesson_cached_is_removed(server: Server, client: Any, linear: Model) -> None:
    client.set("mine", 1)
    run(server, linear)
    serving.forget(client)
    assert client.keys() == [b"mine"]


def test_the_panel_compares_runs_and_saves_no_figures(server: Server, client: Any) -> None:
    panel = cache.panel(server, "linear", seconds=0.4)
    assert panel.status.state == "done", panel.notice.static_text()
    assert [label for label, _ in panel.reports] == ["linear, no cache", "linear, 60 seconds"]
    panel.policy.value, panel.room.value = "allkeys-lfu", 2e5
    panel.run()
    assert panel.reports[-1][0].endswith("allkeys-lfu in 200 kB")
    assert panel.strip is not None
    assert "CONFIG SET maxmemory-policy allkeys-lfu" in panel.strip.text
    saved = panel.static_html() + panel.static_text()
    assert "linear, no cache" in saved
    assert not re.search(r"\d (ms|µs|s)\b", saved)
    assert not re.search(r"\d%", saved)
    panel.close()


def test_a_server_that_dies_in_mid_load_is_told_and_the_panel_goes_on(home: Path) -> None:
    with start("redis", name="dying") as victim:
        panel = cache.panel(victim, "linear", seconds=0.2, compare=False)
        panel.seconds = 3.0
        panel.go.click()
        await_true(lambda: panel.reports and panel.reports[-1][1].hits, "it is in mid-load")
        victim.kill()
        await_true(lambda: panel.status.state == "failed", "the loss is told")
        assert "restart()" in panel.notice.static_text()
        assert victim.password not in panel.static_html()
        victim.restart()
        panel.seconds = 0.2
        await_true(lambda: not panel.go.disabled, "it can be run again")
        panel.run()
        assert panel.status.state == "done"
        panel.close()


def test_a_load_is_cancelled(server: Server) -> None:
    panel = cache.panel(server, "linear", seconds=0.2, compare=False)
    panel.seconds = 60.0
    panel.go.click()
    await_true(lambda: panel.status.state == "running", "it runs")
    panel.cancel.click()
    await_true(lambda: panel.status.state == "done", "it has stopped")
    panel.close()


def test_a_stampede_computes_side_by_side_and_a_lock_lets_one_through(
    server: Server, client: Any, forest: Model
) -> None:
    wild, locked, early = (
        stampede.rush(server, forest, remedy, ttl=0.25, seconds=1.2) for remedy in stampede.REMEDIES
    )
    assert wild.at_once > 1
    assert locked.at_once == 1
    assert locked.computed < wild.computed
    assert early.computed
    assert client.dbsize() == 0


def test_every_visitor_of_a_stampede_has_a_lane(server: Server) -> None:
    panel = stampede.panel(server, "lock", seconds=0.8)
    assert panel.status.state == "done", panel.notice.static_text()
    assert [lane.label for lane in panel.timeline.lanes] == [f"visitor {n}" for n in range(1, 9)]
    assert panel.strip is not None
    assert "NX PX" in panel.strip.text
    with pytest.raises(UnknownName, match="lock"):
        stampede.rush(server, serving.model("linear"), "locks")
    panel.close()

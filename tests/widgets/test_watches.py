"""A watch looks again while somebody may see it, and leaves no thread when it ends."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import pytest

from kit.widgets import watch as watches
from kit.widgets.panel import Panel
from kit.widgets.watch import Watch, _after_cell, rest_unseen
from tests.traces import await_true


def watching() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "kit-watch"]


def test_a_watch_looks_again_until_it_is_stopped_and_leaves_no_thread() -> None:
    looks: list[int] = []

    def look() -> float:
        looks.append(1)
        return 0.001

    watch = Watch(look)
    watch.start()
    watch.start()
    await_true(lambda: len(looks) > 3, "it looked again")
    assert len(watching()) == 1
    watch.stop()
    assert not watch.running
    assert not watching()
    seen = len(looks)
    watch.start()
    await_true(lambda: len(looks) > seen, "it looks again after a new start")
    watch.stop()


def test_a_watch_looks_again_when_the_page_has_drawn_and_does_not_wait_for_a_closed_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watches, "PATIENCE", 600.0)
    sent: list[Any] = []
    panel, looks = Panel("Live"), threading.Semaphore(0)
    monkeypatch.setattr(panel.rule, "send", sent.append)
    page = panel.rule._listeners

    def look() -> float:
        looks.release()
        return 0.0

    watch = Watch(look)
    rest_unseen(watch, panel.rule)
    panel.rule.views.add("view")
    watch.start()
    for turn in (1, 2, 3):
        assert looks.acquire(timeout=60)
        await_true(lambda n=turn: sent[-1:] == [{"event": "draw", "value": n}], "it asks")
        page["drawn"](turn - 1)
        assert not looks.acquire(blocking=False)
        page["drawn"](turn)
    watch.stop()
    assert not watch.running
    panel.rule.views.clear()
    watch.start()
    for _ in range(5):
        assert looks.acquire(timeout=60)
    watch.stop()
    panel.close()


def test_an_interrupted_cell_ends_every_watch_and_another_error_none() -> None:
    @dataclass
    class Outcome:
        error_in_exec: BaseException | None

    said: list[str] = []
    watch = Watch(lambda: 60.0, stopped=lambda: said.append("stopped"))
    watch.start()
    _after_cell(Outcome(ValueError()))
    assert watch.running
    _after_cell(Outcome(KeyboardInterrupt()))
    assert not watch.running
    assert said == ["stopped"]

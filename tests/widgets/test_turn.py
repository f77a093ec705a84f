"""A click counts: whose turn it is while work goes on, is tidied up, or is over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kit.labs import plans, sql, stepper
from kit.launch.server import Server
from kit.launch.start import start
from kit.widgets.turn import Turn
from tests.traces import await_true

DONE = 10.0


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("postgresql", name="turn") as running:
        yield running


def beside(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_what_is_asked_for_meanwhile_is_done_afterwards_and_the_last_wish_counts() -> None:
    turn, ready = Turn(), threading.Event()
    done: list[str] = []

    def work(name: str) -> None:
        done.append(name)
        ready.set()

    with turn:
        for name in ("first", "second", "third"):
            turn.ask(beside, partial(work, name))
        assert not done
    assert ready.wait(DONE)
    with turn:
        assert done == ["third"]


def test_work_that_takes_its_turn_again_does_not_wait_for_itself() -> None:
    turn, ready = Turn(), threading.Event()

    def work() -> None:
        with turn:
            ready.set()

    turn.ask(beside, work)
    assert ready.wait(DONE)


def test_work_that_fails_gives_its_turn_back() -> None:
    turn, ready = Turn(), threading.Event()

    def work() -> None:
        raise ValueError

    def forgiving(begin: Callable[[], object]) -> None:
        with suppress(ValueError):
            begin()

    turn.ask(forgiving, work)
    turn.ask(beside, ready.set)
    assert ready.wait(DONE)


def test_nothing_begins_after_the_end() -> None:
    turn = Turn()
    done: list[int] = []
    threads: list[threading.Thread] = []
    with turn:
        turn.ask(lambda work: threads.append(beside(work)), lambda: done.append(1))
        turn.end()
    threads[0].join(DONE)
    assert not done


def in_console(server: Server) -> tuple[Any, Any, Callable[[], bool]]:
    panel = sql.console(server, "SELECT 1", tree=False)
    panel.editor.value = "SELECT 2"
    return panel, panel.go, lambda: panel.results[0].rows == [(2,)]


def in_explorer(server: Server) -> tuple[Any, Any, Callable[[], bool]]:
    panel = plans.explore(server, "SELECT 1")
    return panel, panel.go, lambda: len(panel.plans) == 2


def in_stepper(server: Server) -> tuple[Any, Any, Callable[[], bool]]:
    panel = stepper.stepper(server, "queue")
    return panel, panel.buttons["step"], lambda: panel.play is not None and bool(panel.play.moves)


@pytest.mark.parametrize("opened", [in_console, in_explorer, in_stepper])
def test_a_click_while_the_work_before_it_is_tidied_up_is_not_lost(
    server: Server, opened: Callable[[Server], tuple[Any, Any, Callable[[], bool]]]
) -> None:
    panel, button, brought = opened(server)
    try:
        with panel._turn:
            button.click()
            assert not brought()
        await_true(brought, "the click has brought its work")
    finally:
        panel.close()

"""The pipeline builder under the hand: typing, mistakes, moving and switching off, by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.visit import SHOTS
from tests.browser.window import Window

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

CELLS = [
    "import kit\nfrom kit.labs import mongodb\nserver = kit.start('mongodb', name='typed')",
    "runs = server.connect().mlops_db.experiments\n"
    "runs.insert_many({'n': n, 'odd': n % 2 == 1} for n in range(10)).acknowledged",
    "builder = mongodb.pipeline(server, [{'$match': {'odd': True}}, {'$limit': 3}])\nbuilder",
    "import threading\nran = threading.Event()\n"
    "builder.steps.observe(lambda change: '10 → 5' in str(change.new) and ran.set(), 'outcomes')",
]


@pytest.fixture(scope="module")
def page(window: Window) -> Iterator[Any]:
    window.lab.write("typed.ipynb", CELLS)
    with window.notebook("typed.ipynb"):
        assert window.run("run-all-cells")
        yield window.page
        window.picture(SHOTS / "pipeline-typed.png")
        window.command("docmanager:save")


def row(page: Any, number: int) -> Any:
    return page.locator(".kit-step-row").nth(number - 1)


def typed(page: Any, number: int, text: str) -> None:
    row(page, number).locator("textarea").fill(text)
    page.keyboard.press("Control+Enter")


def test_ctrl_enter_runs_what_stands_there_at_once(page: Any) -> None:
    typed(page, 1, '{"n": {"$gte": 8}}')
    expect(row(page, 1).locator(".kit-step-figures")).to_contain_text("10 → 2 documents")
    expect(row(page, 2).locator(".kit-step-figures")).to_contain_text("2 → 2 documents")


def test_malformed_json_is_told_in_its_row_and_the_text_stays(page: Any) -> None:
    typed(page, 1, '{"n": ')
    expect(row(page, 1).locator(".kit-step-said")).to_contain_text("ends too early")
    expect(row(page, 2).locator(".kit-step-figures")).to_contain_text("not run")
    assert row(page, 1).locator("textarea").input_value() == '{"n": '


def test_run_right_after_typing_takes_what_was_typed(page: Any) -> None:
    row(page, 1).locator("textarea").fill('{"n": {"$lt": 4}}')
    page.get_by_role("button", name="Run", exact=True).last.click()
    expect(row(page, 1).locator(".kit-step-figures")).to_contain_text("10 → 4 documents")


def test_a_running_cell_holds_back_neither_what_is_typed_nor_the_click(page: Any) -> None:
    page.evaluate("() => { window.cell = look.ask('ran.wait(60)') }")
    page.get_by_text("Python 3 (ipykernel) | Busy").wait_for()
    row(page, 1).locator("textarea").fill('{"n": {"$lt": 5}}')
    page.get_by_role("button", name="Run", exact=True).last.click()
    expect(row(page, 1).locator(".kit-step-figures")).to_contain_text("10 → 5 documents")
    assert page.evaluate("window.cell") == "'true'"


def test_a_change_marks_what_was_measured_before_it(page: Any) -> None:
    row(page, 2).locator("textarea").fill("1")
    expect(row(page, 2)).to_have_class("kit-step-row kit-step-stale")
    assert "stale" not in (row(page, 1).get_attribute("class") or "")


def test_a_stage_moves_by_the_keyboard_and_keeps_the_cursor(page: Any) -> None:
    area = row(page, 2).locator("textarea")
    area.focus()
    page.keyboard.press("Alt+ArrowUp")
    assert row(page, 1).locator(".kit-step-kind").input_value() == "$limit"
    page.keyboard.press("Control+Enter")
    expect(row(page, 1).locator(".kit-step-figures")).to_contain_text("10 → 1 document")


def test_a_stage_that_is_switched_off_is_passed_by(page: Any) -> None:
    row(page, 1).get_by_role("checkbox").uncheck()
    page.get_by_role("button", name="Run", exact=True).last.click()
    expect(row(page, 1).locator(".kit-step-figures")).to_contain_text("switched off")
    expect(row(page, 2).locator(".kit-step-figures")).to_contain_text("10 → 5 documents")


def test_an_unknown_stage_can_be_typed_and_a_stage_removed(page: Any) -> None:
    row(page, 1).locator(".kit-step-kind").fill("$limt")
    row(page, 1).get_by_role("checkbox").check()
    page.get_by_role("button", name="Run", exact=True).last.click()
    expect(row(page, 1).locator(".kit-step-said")).to_contain_text("Did you mean $limit?")
    row(page, 1).get_by_role("button", name="Remove").click()
    expect(page.locator(".kit-step-row")).to_have_count(1)

"""Words offered in a console's editor: typed, seen, picked by keyboard, and run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.visit import SHOTS
from tests.browser.window import Window

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

CELLS = [
    "import kit\n"
    "from kit.labs import prometheus as lab\n"
    "prom = kit.start('prometheus', name='offered')\n"
    "lab.until(prom, 'up == 1')\n"
    "lab.console(prom)",
    "from kit.labs.influxdb import console\n"
    "ix = kit.start('influxdb', name='offered-too')\n"
    "ix.connect().write_points(['gpu_use,run_id=run-a percent=50 1'], protocol='line')\n"
    "console.console(ix)",
    "prom.stop()\nix.stop()",
]


@pytest.fixture(scope="module")
def page(window: Window) -> Iterator[Any]:
    window.lab.write("offered.ipynb", CELLS)
    with window.notebook("offered.ipynb"):
        assert window.run("run-all-above", at=2), window.content()
        yield window.page
        window.run("run-all-below", at=2)
        assert (window.troubles, window.outside) == ([], [])
        window.command("docmanager:save")


def panel(page: Any, number: int) -> Any:
    return page.locator(".kit-panel").nth(number)


def area(page: Any, number: int) -> Any:
    return panel(page, number).locator(".kit-completing textarea")


def offers(page: Any, number: int) -> Any:
    return panel(page, number).get_by_role("listbox", name="Words that fit").get_by_role("option")


def test_a_metric_and_a_label_are_picked_by_keyboard_and_the_expression_runs(
    page: Any, window: Window
) -> None:
    typing = area(page, 0)
    typing.click()
    page.keyboard.type("prometheus_bui")
    expect(offers(page, 0)).to_have_count(1)
    expect(offers(page, 0)).to_contain_text("prometheus_build_info")
    expect(typing).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Enter")
    assert typing.input_value() == "prometheus_build_info"
    page.keyboard.type("{")
    page.keyboard.type("jo")
    expect(offers(page, 0).first).to_contain_text("job")
    for theme in ("dark", "light"):
        window.dress(theme)
        typing.click()
        page.keyboard.press("End")
        page.keyboard.press("Control+Space")
        expect(offers(page, 0).first).to_be_visible()
        page.screenshot(path=SHOTS / f"completion-{theme}.png")
    page.keyboard.press("Tab")
    page.keyboard.type('="pro')
    page.keyboard.press("Enter")
    assert typing.input_value() == 'prometheus_build_info{job="prometheus"'
    page.keyboard.type("}")
    page.keyboard.press("Control+Enter")
    expect(panel(page, 0).locator(".kit-status")).to_contain_text("1 series")
    expect(panel(page, 0).locator("table.kit-table")).to_contain_text("prometheus_build_info")


def test_arrows_choose_among_several_words_and_escape_offers_none(page: Any) -> None:
    typing = area(page, 0)
    typing.fill("")
    page.keyboard.type("coun")
    expect(offers(page, 0).first).to_have_attribute("aria-selected", "true")
    first, second = (offers(page, 0).nth(n).get_attribute("data-word") for n in (0, 1))
    page.keyboard.press("ArrowDown")
    expect(offers(page, 0).nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert typing.input_value() == second != first
    page.keyboard.press("Backspace")
    expect(typing).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(typing).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    assert typing.input_value().endswith("\n")


def test_influxql_offers_measurements_and_fields_by_the_same_keys(page: Any) -> None:
    typing = area(page, 1)
    typing.fill("")
    page.keyboard.type("SELECT mean(perc")
    expect(offers(page, 1).first).to_contain_text("percent")
    page.keyboard.press("Enter")
    page.keyboard.type(") FROM gpu")
    expect(offers(page, 1).first).to_contain_text("gpu_use")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+Enter")
    expect(panel(page, 1).locator(".kit-status")).to_contain_text("1 row")
    expect(panel(page, 1).locator("table.kit-table")).to_contain_text("50")

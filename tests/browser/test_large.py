"""A result of a million rows, and drawings: scrolled, read off by keyboard, in both themes."""

from __future__ import annotations

import pytest

from tests.browser.visit import SHOTS
from tests.browser.window import Window

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

CELLS = [
    "import kit\n"
    "from kit.labs import sql\n"
    "pg = kit.start('postgresql', name='large')\n"
    "console = sql.console(pg, 'SELECT n, n::text || \\' rows\\' AS said, NULL AS nothing '\n"
    "    'FROM generate_series(1, 1000000) n', limit=1_000_000, tree=False)\n"
    "console",
    "from kit.widgets.bars import Bar, Bars\n"
    "from kit.widgets.histogram import Distribution, Histogram\n"
    "from kit.widgets.panel import Panel\n"
    "from kit.widgets.timeline import Lane, Mark, Span, Timeline\n"
    "bars, shape, line = Bars('s', of='latency'), Histogram('s', of='latency'), Timeline()\n"
    "bars.show([Bar('without', 0.012, 0.01, 0.015), Bar('with', 0.002, note='GIN')])\n"
    "shape.show([Distribution('reads', [0.001 * 1.1 ** (n % 30) for n in range(900)])])\n"
    "line.show([Lane('node 1', [Span(0, 2, 'up'), Span(2, 3, 'down')], [Mark(2, 'kill')])])\n"
    "Panel('Drawings', body=[bars, shape, line])",
    "pg.stop()",
]


def test_a_million_rows_are_scrolled_and_drawings_read_off_by_keyboard(window: Window) -> None:
    window.lab.write("large.ipynb", CELLS)
    with window.notebook("large.ipynb"):
        assert window.run("run-all-cells"), window.content()
        sheet = window.page.locator(".kit-sheet-view:visible")
        place = window.page.locator(".kit-sheet-place:visible")
        assert "Rows 1 to 12 of 1,000,000" in place.inner_text()
        sheet.focus()
        window.page.keyboard.press("End")
        window.page.get_by_text("1000000 rows", exact=True).wait_for()
        assert "Rows 999,989 to 1,000,000" in place.inner_text()
        assert window.page.locator(".kit-sheet-row").count() == 13
        said = []
        for drawing in window.page.locator(".kit-drawing").all():
            drawing.locator(".kit-sheet").focus()
            window.page.keyboard.press("Home")
            said.append(drawing.locator(".kit-said").inner_text())
        assert said[0] == "without: 12 ms (from 10 ms to 15 ms)"
        assert "of 900" in said[1]
        assert said[2].startswith("node 1: up from")
        for theme in ("light", "dark"):
            window.dress(theme)
            window.picture(SHOTS / f"large-{theme}.png")
            assert window.barriers() == []
        window.dress("light")
        assert (window.troubles, window.outside) == ([], [])

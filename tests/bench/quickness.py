"""Panels in a real JupyterLab: a console's answers, a million rows, charts that live long."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from tests.bench.rows import Row, percentile, row
from tests.browser import chromium
from tests.browser import window as windows
from tests.browser.window import Window

STEPS = 100
_SET_UP = "import kit\nfrom tests.bench import subjects\npg = kit.start('postgresql', name='bench')"
_RUN = '[...look.panels()[0].querySelectorAll("button")].find((b) => b.innerText === "Run")'
# The time of the query stands in every row, so that each answer is another one.
_ROW = 'document.querySelector(".kit-table")?.rows[100]?.textContent'
_CLICK = f"{{ window.was = {_ROW}; {_RUN}.click(); }}"
_ANEW = f"{_ROW} && {_ROW} !== window.was"
_SHEET = 'document.querySelector(".kit-sheet-view")'


@contextmanager
def opened() -> Iterator[Window | None]:
    """Give a browser with JupyterLab in it, None where there is no browser."""
    if chromium.program() is None:
        yield None
        return
    with windows.opened() as window:
        yield window


def measure_console(window: Window, rounds: int) -> list[Row]:
    """Set a console's hundred rows against the driver's: till `run` returns, and till seen."""
    with _notebook(window, "subject = subjects.Console(pg, limit=100)\nsubject.panel"):
        turns = window.ask(f"subject.hundred({rounds * 4})")
        seen = [_seconds(window, _CLICK, _ANEW) for _ in range(rounds * 4)]
    driver = [bare for bare, _ in turns]
    extra = [whole - bare for bare, whole in turns]
    beyond = [max(one - median(driver), 0.0) for one in seen]
    return [
        row("console, 100 rows: beyond the bare driver (aim: 20 ms)", extra, [0.020], 1.0),
        row("console, 100 rows: click to sight, beyond the driver", beyond, [0.020], None),
    ]


def measure_large(window: Window, rounds: int) -> list[Row]:
    """Open a million rows by a click, then scroll them by key, page and jump."""
    server, driver, seen = [], [], []
    with _notebook(window, "subject = subjects.Console(pg, limit=1_000_000)\nsubject.panel"):
        for turn in range(rounds):
            alone, bare = window.ask(f"subject.million({turn})")
            there = f'{_SHEET}?.textContent.includes("turn {turn} · 12")'
            seen.append(_seconds(window, f"{_RUN}.click()", there))
            server.append(alone)
            driver.append(bare)
        steps = {key: _scroll(window, key) for key in ("ArrowDown", "PageDown", "End")}
    beyond = [one - median(server) for one in seen]
    extra = [one - median(driver) for one in seen]
    what = "console, a million rows: click to sight, beyond"
    return [
        row(f"{what} the server's own time (aim: 1 s)", beyond, [1.0], 1.0),
        row(f"{what} the bare driver's fetchall", extra, driver, None),
        *(
            row(f"a million rows: {key}, to sight (aim: 50 ms)", steps[key], [0.05], 1.0)
            for key in steps
        ),
    ]


def measure_live(window: Window, seconds: float) -> list[Row]:
    """Let charts live; see whether they keep pace, and what they take from kernel and page."""
    with _notebook(window, "subject = subjects.Live()\nsubject.panel"):
        page = window.page.context.new_cdp_session(window.page)
        idle = [_echo(window) for _ in range(30)]
        window.ask("subject.begin()")
        _wait(window, seconds / 5)
        before = _burden(window, page)
        window.page.evaluate(_COUNT)
        updates, began = window.ask("subject.updates"), time.monotonic()
        echoes = _wait(window, seconds)
        pace = (window.ask("subject.updates") - updates) / (time.monotonic() - began)
        drawn = window.page.evaluate("window.drawn") / (time.monotonic() - began)
        after = _burden(window, page)
        window.ask("subject.watch.stop()")
    lasting = f"charts live for {seconds:g} s: "
    return [
        row(f"{lasting}pace aimed at / updates", [10.0], [pace], 1.05, unit="Hz"),
        row(f"{lasting}pace aimed at / drawn in the page", [10.0], [drawn], 1.05, unit="Hz"),
        row(f"{lasting}an echo by the kernel (aim: 100 ms)", echoes, [0.1], 1.0),
        row(f"{lasting}the slowest of 20 echoes / idle", [percentile(echoes, 95)], idle, None),
        *(
            row(f"{lasting}{what}, after / before", [after[what]], [before[what]], 1.1, unit=unit)
            for what, unit in (("kernel", "MB"), ("page", "MB"), ("nodes", ""), ("listeners", ""))
        ),
    ]


# A line's path is set anew once for every update that reaches the page.
_COUNT = """() => {
  window.drawn = 0;
  const path = document.querySelector(".kit-chart path.line");
  const count = new MutationObserver(() => { window.drawn += 1; });
  count.observe(path, { attributes: true, attributeFilter: ["d"] });
}"""


@contextmanager
def _notebook(window: Window, cell: str) -> Iterator[None]:
    window.lab.write("bench.ipynb", [_SET_UP, cell])
    with window.notebook("bench.ipynb"):
        assert window.run("run-all-cells"), window.content()
        yield
        window.ask("pg.stop()")


def _seconds(window: Window, act: str, seen: str) -> float:
    return float(window.page.evaluate(f"look.took(() => {act}, () => {seen})"))


def _scroll(window: Window, key: str) -> list[float]:
    """Return the seconds of many steps; a jump goes from one end to the other and back."""
    keys = [key, "Home"] if key == "End" else [key]
    window.page.evaluate(f"look.took(() => {_press('Home')}, () => {_complete()})")
    return [_seconds(window, _press(keys[n % len(keys)]), _complete()) for n in range(STEPS)]


def _press(key: str) -> str:
    event = json.dumps({"key": key, "bubbles": True, "cancelable": True})
    return f'{_SHEET}.dispatchEvent(new KeyboardEvent("keydown", {event}))'


def _complete() -> str:
    """Tell that no cell in sight is still being asked for."""
    return f'![...{_SHEET}.querySelectorAll(".kit-sheet-cell")].some((c) => c.textContent === "…")'


def _echo(window: Window) -> float:
    return float(window.page.evaluate("look.echo()"))


def _wait(window: Window, seconds: float) -> list[float]:
    """Ask the kernel for a sign of life, twice a second."""
    echoes, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        echoes.append(_echo(window))
        window.page.wait_for_timeout(500)
    return echoes


def _burden(window: Window, page: Any) -> dict[str, float]:
    page.send("HeapProfiler.enable")
    page.send("HeapProfiler.collectGarbage")
    counted = page.send("Memory.getDOMCounters")
    return {
        "kernel": float(window.ask("subject.memory()")),
        "page": page.send("Runtime.getHeapUsage")["usedSize"] / 1e6,
        "nodes": float(counted["nodes"]),
        "listeners": float(counted["jsEventListeners"]),
    }

"""One visit to a notebook, as a learner would make it: read, run, use, stop, save, come back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import ElementHandle, TimeoutError

from tests.browser import reach
from tests.browser.window import Cell, Window
from tests.notebooks import book

ANSWERS = 15_000  # milliseconds
SHOTS = book.ROOT / "build" / "screenshots"
STANDINS = ("Error displaying widget", "Loading widget", "Click to show javascript error")


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Say what a panel showed at first, and how it looked once its main control had been used."""

    cell: int
    title: str
    tables: bool
    charts: bool
    width: float
    height: float
    before: str
    state: str
    notice: str
    cut: Sequence[str]
    control: str
    answered: bool

    @property
    def broke(self) -> bool:
        """Tell whether the panel was well until its control was used."""
        return self.state == "failed" != self.before

    def pictured(self, cells: Sequence[Cell]) -> bool:
        """Tell whether a cell shows the panel's title and the like of its tables and charts.

        A table of measurements alone has nothing to save: its drawing stands for it. A panel that
        goes on after it was shown may be shown once more further down, as it is by then.
        """
        return any(
            self.title in cell.text
            and (cell.tables + cell.charts > 0 or not self.tables)
            and (cell.charts > 0 or not self.charts)
            for cell in cells[self.cell :]
        )


@dataclass
class Visit:
    """Hold what was seen, for tests to judge.

    The cells were seen thrice: as found, as left, and again in the notebook that was saved.
    """

    found: list[Cell] = field(default_factory=list)
    left: list[Cell] = field(default_factory=list)
    again: list[Cell] = field(default_factory=list)
    content: Any = None
    panels: list[Panel] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    barriers: list[str] = field(default_factory=list)
    misfits: list[str] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)

    def errors(self) -> list[str]:
        """Return what stands in the outputs as an error, or on the standard error stream."""
        said = []
        for number, cell in enumerate(self.content["cells"]):
            for output in cell.get("outputs", []):
                if output["output_type"] == "error":
                    said.append(f"cell {number}: {output['ename']}: {output['evalue']}")
                elif output.get("name") == "stderr":
                    said.append(f"cell {number}: {output['text']}")
        return said

    def unrun(self) -> list[int]:
        """Return the numbers of the code cells that did not run to their end."""
        return [
            number
            for number, cell in enumerate(self.content["cells"])
            if cell["cell_type"] == "code" and cell["source"] and cell["execution_count"] is None
        ]


def standins(cells: Sequence[Cell]) -> list[tuple[int, str]]:
    """Return the cells in which there are only words where a widget should be."""
    return [(n, words) for n, cell in enumerate(cells) for words in STANDINS if words in cell.text]


def visit(at: Window, name: str) -> Visit:
    """Run a notebook, use every panel while its servers live, stop them, save it and come back."""
    seen = Visit()
    with at.notebook(name):
        seen.found = at.read()
        at.dress("dark")
        at.picture(SHOTS / f"{Path(name).stem}-unrun-dark.png")
        stop = _stop(at.content())
        at.run("run-all-above" if stop else "run-all-cells", at=stop)
        seen.panels = use_panels(at)
        seen.barriers = pictures(at, Path(name).stem)
        seen.misfits = reach.faults(at, SHOTS / Path(name).stem)
        seen.unreached = reach.keyboard(at)
        if stop:
            at.run("run-all-below", at=stop)
        seen.content, seen.left = at.content(), at.read()
        at.command("docmanager:save")
        seen.troubles, seen.outside = [*at.troubles], [*at.outside]
    with at.notebook(name):
        seen.again = at.read()
    return seen


def use_panels(at: Window) -> list[Panel]:
    """Operate each panel's main control and return what was seen."""
    return [_use(at, panel) for panel in at.panels()]


def pictures(at: Window, name: str) -> list[str]:
    """Keep pictures of the notebook in both themes, for people to look at.

    Return what keeps some people from using its panels: the rules of WCAG 2.1, A and AA, broken.
    """
    found = []
    for theme in ("dark", "light"):
        at.dress(theme)
        at.picture(SHOTS / f"{name}-{theme}.png")
        found += [f"{theme}: {barrier}" for barrier in at.barriers()]
    return found


def _stop(content: Any) -> int:
    """Return the number of the cell that ends the servers, 0 where there is none."""
    numbered = enumerate(content["cells"])
    return next((n for n, cell in numbered if "stop" in cell["metadata"].get("tags", [])), 0)


def _use(at: Window, panel: ElementHandle) -> Panel:
    """Operate a panel's main control and wait for the result."""
    first = panel.evaluate("panel => look.describe(panel)")
    control = panel.evaluate_handle("panel => look.control(panel)").as_element()
    label = (control.evaluate("control => look.label(control)") or "unlabelled") if control else ""
    answered = control is not None and _operate(at, panel, control)
    then = panel.evaluate("panel => look.describe(panel)")
    shown = {kind: first[kind] for kind in ("tables", "charts")}
    return Panel(**then | shown, before=first["state"], control=label, answered=answered)


def _operate(at: Window, panel: ElementHandle, control: ElementHandle) -> bool:
    choices = control.evaluate("control => control.options?.length ?? 0")
    if not choices:
        return _answered(at, panel, lambda: _press(at, control))
    chosen = control.evaluate("control => control.selectedIndex")
    # Another choice and the first one again: the notebook goes on as it was.
    steps = [(chosen + 1) % choices, chosen]
    return all(_answered(at, panel, lambda n=n: control.select_option(index=n)) for n in steps)


def _press(at: Window, control: ElementHandle) -> None:
    """Fire a control by the keyboard; that the mouse reaches it is seen by its place."""
    control.focus()
    at.page.keyboard.press("Enter")


def _answered(at: Window, panel: ElementHandle, act: Callable[[], object]) -> bool:
    panel.evaluate("panel => look.watch(panel)")
    try:
        act()
        at.page.evaluate("look.handled()")
        at.page.wait_for_function("panel => look.answered(panel)", arg=panel, timeout=ANSWERS)
    except TimeoutError:
        return False
    return True

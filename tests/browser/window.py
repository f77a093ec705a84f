"""A browser window with JupyterLab in it, and a list of all that went wrong there."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Dialog,
    ElementHandle,
    Page,
    Playwright,
    TimeoutError,
    ViewportSize,
    sync_playwright,
)

from tests.browser import chromium
from tests.browser import lab as labs
from tests.browser.lab import Lab

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No name is looked up and no other machine is reached; what was asked for is still reported.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
IDLE = "Python 3 (ipykernel) | Idle"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
WAITS = 60_000  # milliseconds
SETTLES = 10_000
SIZE: ViewportSize = {"width": 1280, "height": 900}
LOOK = Path(__file__).with_name("look.js")
REACH = Path(__file__).with_name("reach.js")
BARS = 200  # pixels, at least what JupyterLab's own bars take


@dataclass(frozen=True)
class Cell:
    """What can be read in a cell's outputs, and how many tables and drawings are seen there."""

    text: str
    tables: int
    charts: int


@contextmanager
def opened() -> Iterator[Window]:
    """Open a browser on a JupyterLab of its own."""
    with (
        sync_playwright() as playwright,
        browser(playwright) as started,
        labs.running() as lab,
    ):
        yield Window(started, lab)


@contextmanager
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Run a browser without a screen that reaches nothing but this machine."""
    started = playwright.chromium.launch(executable_path=chromium.__file__, args=FLAGS)
    try:
        yield started
    finally:
        started.close()


class Window:
    """One page of JupyterLab, in which one notebook at a time is open.

    `troubles` are the faults that the page reported, `outside` what it wanted from elsewhere,
    both since the notebook was opened.
    """

    def __init__(self, browser: Browser, lab: Lab) -> None:
        self.browser = browser
        self.lab = lab
        self.troubles: list[str] = []
        self.outside: list[str] = []
        context = browser.new_context(viewport=SIZE, service_workers="block")
        context.add_init_script(path=LOOK)
        context.add_init_script(path=REACH)
        context.on("request", lambda request: self._reach(request.url))
        self.page = context.new_page()
        self.page.set_default_timeout(WAITS)
        self._listen(self.page)
        self.page.goto(lab.url)
        self.page.wait_for_function("window.jupyterapp")
        self.page.evaluate("window.jupyterapp.restored.then(() => null)")

    @contextmanager
    def notebook(self, name: str) -> Iterator[None]:
        """Open a notebook of the lab's folder with a fresh kernel, and leave nothing of it."""
        self.troubles.clear()
        self.outside.clear()
        self.command("docmanager:open", path=name)
        try:
            self.page.wait_for_function("name => look.ready(name)", arg=name)
            self.page.get_by_text(IDLE).wait_for()
            yield
        finally:
            self.page.evaluate("look.leave()")

    def run(self, which: str, *, at: int = 0) -> bool:
        """Run cells by a command of JupyterLab's Run menu, with cell number `at` selected.

        Returns whether all of them succeeded.
        """
        self.page.evaluate("at => { look.notebook().content.activeCellIndex = at }", at)
        succeeded = self.page.evaluate("which => look.run(which)", which)
        self.page.get_by_text(IDLE).wait_for()
        self.page.wait_for_function("look.drawn()")
        return bool(succeeded)

    def ask(self, expression: str) -> Any:
        """Return what an expression is worth in the notebook's kernel, by way of JSON."""
        return json.loads(ast.literal_eval(self.page.evaluate("look.ask", expression)))

    def command(self, name: str, **arguments: object) -> None:
        """Execute one of JupyterLab's commands and wait for its end."""
        script = "([name, given]) => window.jupyterapp.commands.execute(name, given).then(() => {})"
        self.page.evaluate(script, [name, arguments])

    def dress(self, theme: str) -> None:
        """Change to the light or the dark theme, and wait until the page wears it.

        The command ends before the style sheets are exchanged, and between two of them the page
        has no layout.
        """
        self.command("apputils:change-theme", theme=THEMES[theme])
        self.page.wait_for_function(
            "name => document.body.dataset.jpThemeName === name && look.frame().width > 0",
            arg=THEMES[theme],
        )
        light = str(theme == "light").lower()
        self.page.locator(f"body[data-jp-theme-light={light}]").wait_for(state="attached")

    def content(self) -> Any:
        """Return the notebook as it would be saved."""
        return self.page.evaluate("look.notebook().content.model.toJSON()")

    def read(self) -> list[Cell]:
        """Return what can be seen in each cell, once nothing in it is being loaded any more."""
        with suppress(TimeoutError):  # what is loading for ever shows in the text
            self.page.wait_for_function("look.loaded()", timeout=SETTLES)
        return [Cell(**cell) for cell in self.page.evaluate("look.read()")]

    def read_page(self, html: str, shot: Path) -> list[Cell]:
        """Return what can be seen in each cell of a page made of a notebook, without scripts."""
        context = self.browser.new_context(viewport=SIZE, java_script_enabled=False)
        page = context.new_page()
        page.set_content(html)
        page.evaluate(LOOK.read_text())
        seen = [Cell(**cell) for cell in page.evaluate("look.page()")]
        page.screenshot(path=shot, full_page=True)
        context.close()
        return seen

    def picture(self, file: Path) -> None:
        """Take a picture of the whole notebook."""
        file.parent.mkdir(parents=True, exist_ok=True)
        height = self.page.evaluate("look.frame().height")
        width = (self.page.viewport_size or SIZE)["width"]
        with self.sized(width, int(height) + BARS):
            self.page.screenshot(path=file, clip=self.page.evaluate("look.frame()"))

    @contextmanager
    def sized(self, width: int, height: int) -> Iterator[None]:
        """Give the window another size for a while."""
        before = self.page.viewport_size or SIZE
        self.page.set_viewport_size({"width": width, "height": height})
        try:
            self.page.evaluate("look.settled()")
            yield
        finally:
            self.page.set_viewport_size(before)

    def panels(self) -> list[ElementHandle]:
        """Return all panels of the notebook."""
        found = self.page.evaluate_handle("look.panels()").get_properties().values()
        return [element for one in found if (element := one.as_element())]

    def barriers(self) -> list[str]:
        """Return which rules of WCAG 2.1, A and AA, the panels break, and where."""
        if not self.page.locator(".kit-panel").count():
            return []
        options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
        run = Axe().run(self.page, context=".kit-panel", options=options)
        return [
            f"{broken['id']}: {node['html'][:160]}: {' '.join(node['failureSummary'].split())}"
            for broken in run.response["violations"]
            for node in broken["nodes"]
        ]

    def _listen(self, page: Page) -> None:
        page.on("websocket", lambda socket: self._reach(socket.url))
        page.on("pageerror", lambda error: self.troubles.append(f"uncaught: {error}"))
        page.on("dialog", self._dismiss)
        page.on("console", self._hear)

    def _reach(self, url: str) -> None:
        if re.match(r"https?|wss?|ftp|file", url) and urlsplit(url).hostname != "127.0.0.1":
            self.outside.append(url)

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.troubles.append(f"console: {said.text}")

    def _dismiss(self, dialog: Dialog) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

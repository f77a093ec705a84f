"""One JupyterLab and one browser for all tests of this package, ended with the last of them.

Playwright keeps an event loop running in the thread that started it, and tests of other packages
want to run one of their own: hence the scope.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.browser import lab as labs
from tests.browser import window as windows
from tests.browser.visit import Visit, visit
from tests.browser.window import Window
from tests.notebooks import book

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="package")
def window() -> Iterator[Window]:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(PROGRAMS)} is on PATH")
    with (
        sync_playwright() as playwright,
        windows.browser(playwright, program) as browser,
        labs.running() as lab,
    ):
        yield Window(browser, lab)


@pytest.fixture(scope="package", params=book.everything(), ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture(scope="package")
def seen(window: Window, path: Path) -> Visit:
    """Visit a notebook once, however many tests ask what was seen."""
    return visit(window, path.name)

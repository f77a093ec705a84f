"""One JupyterLab and one browser for all tests of this package, ended with the last of them.

Playwright keeps an event loop running in the thread that started it, and tests of other packages
want to run one of their own: hence the scope.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import chromium
from tests.browser import window as windows
from tests.browser.visit import Visit, visit
from tests.browser.window import Window
from tests.notebooks import book


@pytest.fixture(scope="package")
def window() -> Iterator[Window]:
    if chromium.program() is None:
        pytest.skip(f"no browser: none of {', '.join(chromium.NAMES)} is on PATH")
    with windows.opened() as window:
        yield window


@pytest.fixture(scope="package", params=book.everything(), ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture(scope="package")
def seen(window: Window, path: Path) -> Visit:
    """Visit a notebook once, however many tests ask what was seen."""
    return visit(window, path.name)

"""JupyterLab neither asks a learner about its own news nor looks for them elsewhere."""

from __future__ import annotations

import pytest

from tests.browser.window import Window

pytestmark = pytest.mark.browser

SETTINGS = """
fetch(`/lab/api/settings/@jupyterlab/apputils-extension:notification`)
    .then(answer => answer.json()).then(({schema}) => schema.properties)
"""


def test_jupyterlab_keeps_its_news_to_itself(window: Window) -> None:
    properties = window.page.evaluate(SETTINGS)
    assert properties["fetchNews"]["default"] == "false"
    assert properties["checkForUpdates"]["default"] is False
    assert window.page.get_by_text("official Jupyter news").count() == 0

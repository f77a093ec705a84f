"""What is new elsewhere disturbs no page: JupyterLab's news, and networks of this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from kit.launch.processes import open_files
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


@pytest.mark.skipif(sys.platform != "linux", reason="Linux announces its networks on sockets")
def test_the_browser_does_not_hear_of_networks_that_come_and_go(window: Window) -> None:
    processes = [one for one in psutil.Process().children(recursive=True) if _browses(one)]
    assert processes
    table = Path("/proc/net/netlink").read_text().splitlines()
    announcing = {f"socket:[{line.split()[-1]}]" for line in table}
    assert {file for one in processes for file in open_files(one.pid)} & announcing == set()


def _browses(process: psutil.Process) -> bool:
    try:
        return "chrom" in process.name()
    except psutil.NoSuchProcess:
        return False

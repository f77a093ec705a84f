"""What is new elsewhere disturbs no page: JupyterLab's news, and networks of this machine."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
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


@pytest.mark.skipif(sys.platform != "linux", reason="Linux announces its networks on sockets")
def test_the_browser_does_not_hear_of_networks_that_come_and_go(window: Window) -> None:
    processes = [one for one in psutil.Process().children(recursive=True) if _browses(one)]
    assert processes
    announced = {line.split()[-1] for line in Path("/proc/net/netlink").read_text().splitlines()}
    assert {socket for one in processes for socket in _sockets(one)} & announced == set()


def _browses(process: psutil.Process) -> bool:
    return "chrom" in process.name()


def _sockets(process: psutil.Process) -> Iterator[str]:
    """Give the numbers of a process's sockets."""
    for file in Path(f"/proc/{process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            if (found := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(file))) is not None:
                yield found[1]

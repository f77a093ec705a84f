"""Every test run works in directories of its own and must leave nothing behind."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.launch.server import Server
from tests.traces import kit_home

_CACHE = pytest.StashKey[Path]()
MARKED = {
    "": "On local processes, or without a server",
    "browser": "In a browser",
    "container": "On servers in containers",
    "external": "On external servers",
}


def pytest_configure(config: pytest.Config) -> None:
    """Choose one template cache for the whole run: its workers inherit the environment."""
    if not hasattr(config, "workerinput"):
        cache = Path(tempfile.mkdtemp(dir="/tmp", prefix="kit-cache-"))
        cache.chmod(0o711)
        config.stash[_CACHE] = cache
        os.environ["KIT_CACHE"] = str(cache)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the template cache."""
    if cache := config.stash.get(_CACHE, None):
        shutil.rmtree(cache, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which backends the run covered: a skipped one must not pass for a tested one."""
    passed = [one for one in terminalreporter.getreports("passed") if one.when == "call"]
    skipped = terminalreporter.getreports("skipped")
    for marker, what in MARKED.items():
        ran = sum(_is(report, marker) for report in passed)
        left = [report for report in skipped if _is(report, marker)]
        if ran or left:
            terminalreporter.write_line(f"{what}: {ran} tests ran, {len(left)} were skipped")
        for reason, number in Counter(map(_reason, left)).most_common():
            terminalreporter.write_line(f"    {number} skipped: {reason}")


def _is(report: pytest.TestReport, marker: str) -> bool:
    """Tell whether a test has a marker; the empty one stands for none of the others."""
    return marker in report.keywords if marker else not set(MARKED) & {*report.keywords} - {""}


def _reason(report: pytest.TestReport) -> str:
    said = report.longrepr
    return said[2].removeprefix("Skipped: ") if isinstance(said, (tuple, list)) else str(said)


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give this worker a kit home, and fail at the end if a test left a server running in it."""
    with kit_home() as place, pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIT_HOME", str(place))
        patch.setenv("KIT_PROGRESS_FILE", str(tmp_path_factory.mktemp("kit") / "progress.json"))
        yield place


@pytest.fixture
def own_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give one test a kit home, where it may end the supervisor; nothing may be left in it."""
    with kit_home() as place:
        monkeypatch.setenv("KIT_HOME", str(place))
        yield place


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    """Open a client on the Redis that a file's own `server` is, emptied before each test."""
    opened = server.connect(protocol=2)
    opened.flushall()
    yield opened
    opened.close()

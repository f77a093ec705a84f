"""A progress file of the test's own, and the trial section in the place of the lessons' own."""

from __future__ import annotations

from pathlib import Path

import pytest

import kit.exercises
from kit.exercises import Section
from kit.exercises import exercise as registry
from tests.exercises.trial import TRIAL


@pytest.fixture
def progress_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "progress.json"
    monkeypatch.setenv("KIT_PROGRESS_FILE", str(path))
    return path


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> Section:
    for module in (registry, kit.exercises):
        monkeypatch.setattr(module, "sections", lambda: (TRIAL,))
    return TRIAL

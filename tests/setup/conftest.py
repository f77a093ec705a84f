"""A machine on which nothing is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from binder import servers


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Hide every program of this machine; the directory returned is all of PATH."""
    monkeypatch.setattr(servers, "find_program", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path

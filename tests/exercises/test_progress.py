"""What is remembered: what is solved stays so, and a progress file that is broken is set aside."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kit.exercises import Section, check, progress
from kit.exercises.store import ProgressFile, Tries
from tests.exercises.trial import ROWS

pytestmark = pytest.mark.usefixtures("progress_path")


def test_a_right_answer_is_true_says_so_and_stays_solved(trial: Section) -> None:
    verdict = check("tr-1", ROWS)
    assert verdict
    assert repr(verdict) == "✓ tr-1 · Runs by status\n  Right."
    assert not check("tr-1", [])
    assert ProgressFile().read() == {"tr-1": Tries(solved=True, wrong=1)}


def test_progress_counts_what_is_solved_section_by_section(trial: Section) -> None:
    check("tr-2", 0.93)
    check("tr-3", {"a"})
    (row,) = progress().sections
    assert (row.title, row.solved, row.total) == ("Trial", 1, 3)
    assert dict(row.marks) == {"tr-1": "not yet", "tr-2": "right", "tr-3": "off"}
    assert repr(progress()) == "Trial   1 of 3  ○ tr-1  ✓ tr-2  ✗ tr-3"
    assert "1 of 3" in progress()._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"tr-1": true}', "\ud800", '{"tr-1": {}}'])
def test_a_broken_progress_file_is_set_aside_and_said(
    trial: Section, progress_path: Path, content: str
) -> None:
    broken = content.encode("utf-8", "surrogatepass")
    progress_path.write_bytes(broken)
    verdict = check("tr-1", ROWS)
    aside = progress_path.with_name("progress.json.broken")
    assert verdict
    assert str(aside) in "".join(verdict.notes)
    assert aside.read_bytes() == broken
    assert ProgressFile().read() == {"tr-1": Tries(solved=True)}


def test_a_second_broken_file_does_not_overwrite_the_first(progress_path: Path) -> None:
    for content in ("first", "second"):
        progress_path.write_text(content)
        assert progress().notes
    names = {path.name for path in progress_path.parent.glob("*.broken*")}
    assert names == {"progress.json.broken", "progress.json.broken-2"}


def test_where_nothing_can_be_saved_the_verdict_still_comes_and_says_so(
    trial: Section, progress_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress_path.write_text("in the way")
    monkeypatch.setenv("KIT_PROGRESS_FILE", str(progress_path / "progress.json"))
    verdict = check("tr-1", ROWS)
    assert verdict
    assert "cannot be saved" in "".join(verdict.notes)
    assert "cannot be read" in "".join(progress().notes)


def test_two_kernels_at_once_lose_no_try(progress_path: Path) -> None:
    code = (
        "from kit.exercises.store import ProgressFile\n"
        "for _ in range(40): ProgressFile().record('tr-1', right=False)"
    )
    both = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert json.loads(progress_path.read_text()) == {"tr-1": {"solved": False, "wrong": 80}}
    assert {path.name for path in progress_path.parent.iterdir()} == {
        "progress.json",
        "progress.json.lock",
    }

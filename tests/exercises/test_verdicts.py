"""What a learner is told: a verdict for every answer however odd, and one hint after the other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.exercises import Section, check
from kit.exercises.exercise import sections as every_section
from tests.exercises.trial import ROWS

pytestmark = pytest.mark.usefixtures("progress_path")


def test_the_stub_is_not_yet_an_answer_and_leaves_no_trace(
    trial: Section, progress_path: Path
) -> None:
    for stub in (..., None):
        assert check("tr-1", stub).state == "not yet"
    assert check("tr-1").state == "not yet"
    assert not progress_path.exists()


def test_the_second_wrong_try_gets_the_second_hint(trial: Section) -> None:
    hints = [check("tr-1", []).hint for _ in range(3)]
    assert hints == [
        "Group by the status.",
        "SELECT status, count(*) …",
        "SELECT status, count(*) …",
    ]


def test_a_wrong_id_is_answered_with_the_nearest_right_one(trial: Section) -> None:
    assert "Did you mean 'tr-1'?" in check("TR1", ROWS).message
    assert "tr-1, tr-2, tr-3" in check("nothing like it", ROWS).message
    assert check(5, ROWS).state == "unchecked"  # type: ignore[arg-type]


class Thorny:
    """An answer that fails on whatever is done with it."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("do not compare me")

    def __iter__(self) -> Iterator[object]:
        raise RuntimeError("do not read me")

    def __hash__(self) -> int:
        return 0


@pytest.mark.parametrize("answer", [Thorny(), [Thorny()], {"a": Thorny()}, object(), lambda: 1])
def test_no_answer_however_odd_makes_a_check_raise(trial: Section, answer: object) -> None:
    for exercise in trial.exercises:
        assert check(exercise.id, answer).state in {"off", "unchecked"}


def test_a_verdict_is_shown_as_text_and_as_escaped_markup(trial: Section) -> None:
    verdict = check("tr-2", "<script>alert(1)</script>")
    bundle = verdict._repr_mimebundle_()
    assert bundle["text/plain"] == repr(verdict)
    assert "<script>" in bundle["text/plain"]
    assert "<script>" not in bundle["text/html"]
    assert "&lt;script&gt;" in bundle["text/html"]
    assert "var(--jp-" in bundle["text/html"]


def test_the_same_answer_gets_the_same_words_every_time(
    trial: Section, progress_path: Path
) -> None:
    first = check("tr-2", 1)._repr_mimebundle_()
    progress_path.unlink()
    assert check("tr-2", 1)._repr_mimebundle_() == first


def test_every_exercise_has_its_own_id_and_two_hints() -> None:
    ids = [exercise.id for section in every_section() for exercise in section.exercises]
    assert len(set(ids)) == len(ids)
    for section in every_section():
        for exercise in section.exercises:
            assert len(exercise.hints) == 2, exercise.id
            assert exercise.expected is not None or exercise.verify is not None, exercise.id


def test_loading_the_exercises_loads_nothing_heavy() -> None:
    code = (
        "import sys, kit.exercises\n"
        "kit.exercises.check('pg-1', ...)\n"
        "heavy = {'pandas', 'numpy', 'sqlalchemy', 'psycopg', 'ipywidgets', 'IPython', 'docker'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

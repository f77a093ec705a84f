"""The exercises: what counts as right, what a learner is told, what is remembered."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy
import pandas
import pytest
import sqlalchemy

import kit.exercises
from kit.exercises import Exercise, Section, check, progress
from kit.exercises import exercise as registry
from kit.exercises.comparison import difference
from kit.exercises.exercise import sections as every_section
from kit.exercises.store import ProgressFile, Tries
from kit.launch.server import Server
from kit.launch.start import start
from tests.traces import kit_home

ROWS = [("FINISHED", 3), ("FAILED", 1)]

TRIAL = Section(
    notebook="99_trial",
    title="Trial",
    exercises=(
        Exercise(
            id="tr-1",
            title="Runs by status",
            expected=ROWS,
            columns=("status", "runs"),
            hints=("Group by the status.", "SELECT status, count(*) …"),
        ),
        Exercise(id="tr-2", title="A number", expected=0.93, hints=("Look at the metrics.",)),
        Exercise(id="tr-3", title="No hint", expected={"a", "b"}, hints=()),
    ),
)


@pytest.fixture(autouse=True)
def progress_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "progress.json"
    monkeypatch.setenv("KIT_PROGRESS_FILE", str(path))
    return path


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> Section:
    for module in (registry, kit.exercises):
        monkeypatch.setattr(module, "sections", lambda: (TRIAL,))
    return TRIAL


@pytest.fixture
def result_set() -> Iterator[Callable[[str], Any]]:
    """Run a query as %sql does and hand over its own result type."""
    from sql.run import ResultSet

    config = SimpleNamespace(autolimit=0, displaylimit=0, style="_DEPRECATED_DEFAULT")
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.connect() as connection:
        yield lambda query: ResultSet(connection.execute(sqlalchemy.text(query)), config)
    engine.dispose()


RIGHT_FORMS = {
    "tuples": [("FAILED", 1), ("FINISHED", 3)],
    "lists": [["FINISHED", 3], ["FAILED", 1]],
    "dicts": [{"status": "FINISHED", "runs": 3}, {"status": "FAILED", "runs": 1}],
    "dicts with the columns turned round": [
        {"runs": 3, "status": "FINISHED"},
        {"runs": 1, "status": "FAILED"},
    ],
    "a mapping": {"FAILED": 1, "FINISHED": 3},
    "a set": {("FAILED", 1), ("FINISHED", 3)},
    "a generator": (row for row in ROWS),
    "an array": numpy.array([["FINISHED", 3], ["FAILED", 1]], dtype=object),
    "a DataFrame": pandas.DataFrame(ROWS, columns=["status", "runs"]),
    "a DataFrame with the columns turned round": pandas.DataFrame(
        {"Runs": [3, 1], "Status": ["FINISHED", "FAILED"]}
    ),
    "a DataFrame with an index of its own": pandas.DataFrame(
        ROWS, columns=["status", "runs"]
    ).set_index("status"),
    "a grouped Series": pandas.Series(["FINISHED"] * 3 + ["FAILED"], name="status")
    .to_frame()
    .groupby("status")
    .size(),
}


@pytest.mark.parametrize("answer", RIGHT_FORMS.values(), ids=RIGHT_FORMS)
def test_a_right_answer_is_right_in_whatever_form_it_comes(answer: object) -> None:
    assert difference(answer, ROWS, columns=("status", "runs")) is None


def test_a_result_of_the_sql_magic_is_read_with_its_column_names(
    result_set: Callable[[str], Any],
) -> None:
    query = "SELECT 3 AS runs, 'FINISHED' AS status UNION SELECT 1, 'FAILED'"
    assert difference(result_set(query), ROWS, columns=("status", "runs")) is None


def test_a_result_of_one_cell_equals_the_single_value(result_set: Callable[[str], Any]) -> None:
    assert difference(result_set("SELECT 0.93 AS best"), 0.93) is None
    assert difference(0.93, result_set("SELECT 0.93 AS best")) is None


def test_one_row_is_right_as_a_row_of_the_database_and_as_a_bare_tuple(
    result_set: Callable[[str], Any],
) -> None:
    right = [("lr-0.1", 0.93)]
    assert difference(("lr-0.1", 0.93), right) is None
    assert difference(result_set("SELECT 'lr-0.1' AS run, 0.93 AS best")[0], right) is None


VALUES: dict[str, tuple[object, object]] = {
    "a float within the tolerance": (0.9300000001, 0.93),
    "a decimal": (Decimal("0.93"), 0.93),
    "a NumPy float": (numpy.float64(0.93), 0.93),
    "NaN and NULL": ([(1, float("nan"))], [(1, None)]),
    "NaT and NULL": ([(1, pandas.NaT)], [(1, None)]),
    "a time stamp": (pandas.Timestamp("2026-01-01", tz="UTC"), datetime(2026, 1, 1, tzinfo=UTC)),
    "bytes": (bytearray(b"x"), memoryview(b"x")),
    "nested values": ([("a", {"lr": [0.1, 0.2]})], [("a", {"lr": [0.1 + 1e-12, 0.2]})]),
    "no rows at all": ([], []),
    "flat values in another order": (["b", "a"], {"a", "b"}),
    "floats that sort differently": (
        [(1.0000001, "b"), (1.0, "a")],
        [(1.0, "b"), (1.0000001, "a")],
    ),
}


@pytest.mark.parametrize(("answer", "right"), VALUES.values(), ids=VALUES)
def test_values_that_mean_the_same_are_the_same(answer: object, right: object) -> None:
    assert difference(answer, right) is None


COMPLAINTS: dict[str, tuple[object, object, str]] = {
    "too few rows": ([("FAILED", 1)], ROWS, "It has 1 row, not 2."),
    "too many columns": ([("FAILED", 1, 2), ("F", 3, 4)], ROWS, "Its rows have 3 columns, not 2."),
    "nothing": ([], ROWS, "There are no rows in it."),
    "a stray row": (
        [("FAILED", 2), ("FINISHED", 3)],
        ROWS,
        "The row ('FAILED', 2) does not belong",
    ),
    "a row twice": ([("FAILED", 1), ("FAILED", 1)], ROWS, "The row ('FAILED', 1) does not belong"),
    "a stray value": (["a", "c"], {"a", "b"}, "The value 'c' does not belong there."),
    "text for a number": ("0.93", 0.93, "'0.93' is text; a number was asked for."),
    "a number for text": (3, "three", "3 is a number; text was asked for."),
    "another case": ("failed ", "FAILED", "differs only in spaces or in upper and lower case"),
    "another number": (0.94, 0.93, "0.94 is not it."),
    "another kind": (object, 0.93, "is not it."),
    "whole numbers close together": (1_700_000_000_001, 1_700_000_000_000, "is not it."),
}


@pytest.mark.parametrize(("answer", "right", "said"), COMPLAINTS.values(), ids=COMPLAINTS)
def test_what_is_off_is_said_in_the_answers_own_terms(
    answer: object, right: object, said: str
) -> None:
    assert said in str(difference(answer, right))


def test_what_is_off_never_gives_the_right_answer_away() -> None:
    for answer in (0, "x", [], ["x"], [("a", 1)], {"a": 1}, [("a", 1), ("b", 2), ("c", 3)]):
        complaint = difference(answer, [("secret", 4711), ("hidden", 4712)])
        assert complaint is not None
        assert not any(word in complaint for word in ("secret", "hidden", "4711", "4712"))


def test_order_counts_only_where_it_was_asked_for() -> None:
    backwards = list(reversed(ROWS))
    assert difference(backwards, ROWS) is None
    assert difference(backwards, ROWS, ordered=True) == "The rows are right, their order is not."


def test_a_wider_tolerance_accepts_a_rounded_answer() -> None:
    assert difference([("a", 0.93)], [("a", 0.9312)]) is not None
    assert difference([("a", 0.93)], [("a", 0.9312)], tolerance=0.01) is None


def test_ten_thousand_rows_in_another_order_are_compared_in_a_moment() -> None:
    rows = [(number % 97, number / 7) for number in range(10_000)]
    assert difference(list(reversed(rows)), rows) is None


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


def test_a_right_answer_is_true_says_so_and_stays_solved(trial: Section) -> None:
    verdict = check("tr-1", ROWS)
    assert verdict
    assert repr(verdict) == "✓ tr-1 · Runs by status\n  Right."
    assert not check("tr-1", [])
    assert ProgressFile().read() == {"tr-1": Tries(solved=True, wrong=1)}


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


@pytest.fixture(scope="module")
def tracked() -> Iterator[Server]:
    """Start PostgreSQL with as much of MLflow's tables as the exercises read."""
    with kit_home() as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIT_HOME", str(home))
        with start("postgresql") as server:
            with server.connect() as connection:
                connection.execute(MLFLOW)
            yield server


MLFLOW = """
    CREATE TABLE runs (run_uuid text PRIMARY KEY, name text, status text);
    CREATE TABLE metrics (run_uuid text, key text, value float, step int);
    CREATE TABLE tags (run_uuid text, key text, value text);
    INSERT INTO runs VALUES
        ('a', 'slow', 'FINISHED'), ('b', 'fast', 'FINISHED'), ('c', 'bad', 'FAILED');
    INSERT INTO metrics VALUES
        ('a', 'accuracy', 0.7, 0), ('b', 'accuracy', 0.9, 0), ('b', 'loss', 3, 0);
    INSERT INTO tags VALUES ('a', 'stage', 'champion');
    CREATE DOMAIN rate AS double precision CHECK (VALUE > 0);
    CREATE DOMAIN lax AS double precision CHECK (VALUE >= 0);
    CREATE DOMAIN strict AS double precision CHECK (VALUE > 1);"""


def test_what_is_right_is_asked_of_the_running_server_each_time(tracked: Server) -> None:
    assert check("pg-1", {"FINISHED": 2, "FAILED": 1})
    with tracked.connect() as connection:
        connection.execute("INSERT INTO runs VALUES ('d', 'late', 'RUNNING')")
    assert check("pg-1", {"FINISHED": 2, "FAILED": 1}).message == "It has 2 rows, not 3."


def test_a_server_can_be_named(tracked: Server) -> None:
    assert check("pg-2", [("fast", 0.9), ("slow", 0.7)], server=tracked)


def test_the_right_name_is_not_enough_where_something_was_to_be_done(tracked: Server) -> None:
    assert "another run" in check("pg-4", "fast").message
    with tracked.connect() as connection:
        connection.execute("INSERT INTO tags VALUES ('b', 'stage', 'champion')")
    assert "2 runs are champion" in check("pg-4", "fast").message
    with tracked.connect() as connection:
        connection.execute("DELETE FROM tags WHERE run_uuid = 'a'")
    assert check("pg-4", "fast")
    assert not check("pg-4", "slow")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (5, "as text"),
        ("nothing", "no type of that name"),
        ("lax", "lets 0 pass"),
        ("strict", "refuses 0.1"),
        ("rate; DROP TABLE runs", "no type of that name"),
    ],
)
def test_a_type_is_judged_by_what_it_refuses(tracked: Server, answer: object, said: str) -> None:
    assert check("pg-6", "rate")
    assert said in check("pg-6", answer).message


def test_without_a_running_server_the_check_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    verdict = check("pg-1", ROWS)
    assert verdict.state == "unchecked"
    assert "Run the notebook from its beginning" in verdict.message

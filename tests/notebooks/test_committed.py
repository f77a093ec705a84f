"""The notebooks as committed: made by rendering, with nothing in them that must not get out."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tests.notebooks import book, leaks
from tests.notebooks.clean import clean

NOTEBOOKS = pytest.mark.parametrize("path", book.everything(), ids=lambda path: path.stem)

CAUGHT = {
    "password in a URL": "postgresql+psycopg://mlflow:k3Jx-9@127.0.0.1/mlflow",
    "password in a setting": "{'user': 'mlflow', 'password': 'k3Jx-9'}",
    "time stamp": "2026-03-01 14:02:11.123+00:00",
    "epoch": "1774526531123",
    "address": "<object at 0x7f3a12bc>",
    "run id": "runs/5d41402abc4b2a76b9719d911017c592",
    "uuid": "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
    "port": "listening on 127.0.0.1:41234",
    "process": "postgres, pid 4711",
    "timing": "3 rows in 2.5 ms",
    "path": "cannot open /home/somebody/lessons/mlruns",
}
SPARED = [
    "postgresql+psycopg://mlflow:***@localhost/mlflow",
    "password: ••••••••",
    "0.9714 after 12 epochs, 64 units",
    "https://www.postgresql.org/docs/current/tutorial.html",
    "<td>and/or</td><div/></div>",
    "GET /api/v1/query and 127.0.0.1",
    "SELECT mean(loss) FROM training_metrics GROUP BY time(10s)",
    "sum(rate(model_requests_total[5s]))",
    '<img src="data:image/png;base64,iVBO+5s/0x7f3a12bc/tmp/Rw0KGgo=">',
    '<i style="transition: opacity 0.2s"></i><style>a {animation: 3s}</style>',
]


@NOTEBOOKS
def test_a_committed_notebook_is_what_rendering_makes_of_it(path: Path) -> None:
    committed = book.load(path)
    assert clean(committed) == committed


@NOTEBOOKS
def test_no_committed_output_shows_a_secret_or_what_changes_from_run_to_run(path: Path) -> None:
    shown = list(leaks.texts(book.load(path)))
    assert [(cell, problem) for cell, text in shown for problem in leaks.found(text)] == []


def test_every_pattern_has_a_text_that_it_catches() -> None:
    assert set(CAUGHT) == leaks.SECRET.keys() | leaks.VOLATILE.keys()


@pytest.mark.parametrize(("name", "text"), CAUGHT.items(), ids=CAUGHT)
def test_a_leak_is_caught_in_text_and_in_markup(name: str, text: str) -> None:
    for shown in (text, f"<td>{text}</td>", f'<td title="{text}"></td>'):
        assert any(problem.startswith(f"{name}:") for problem in leaks.found(shown)), shown


@pytest.mark.parametrize("text", SPARED)
def test_what_may_stay_is_left_alone(text: str) -> None:
    assert list(leaks.found(text)) == []
    assert leaks.masked(text) == text


@pytest.mark.parametrize("name", leaks.VOLATILE)
def test_what_was_masked_is_not_caught_again(name: str) -> None:
    assert list(leaks.found(leaks.masked(CAUGHT[name]))) == []


def test_a_leak_is_found_inside_a_drawing() -> None:
    drawn = base64.b64encode(b"<svg><text>127.0.0.1:41234</text></svg>").decode()
    shown = new_output(
        "display_data", {"text/html": f'<img src="data:image/svg+xml;base64,{drawn}">'}
    )
    notebook = new_notebook(cells=[new_code_cell("x", outputs=[shown])])
    assert any(
        "port" in problem for _, text in leaks.texts(notebook) for problem in leaks.found(text)
    )


@pytest.mark.parametrize("name", leaks.SECRET)
def test_a_secret_is_never_masked_into_passing(name: str) -> None:
    assert list(leaks.found(leaks.masked(CAUGHT[name])))

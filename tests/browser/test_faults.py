"""The tests of this package see what they are there to see: a notebook with every fault at once."""

from __future__ import annotations

import pytest

from tests.browser import visit as visits
from tests.browser.visit import Visit, standins, visit
from tests.browser.window import Window

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

ELSEWHERE = "https://cdn.example.org/library.js"
CELLS = [
    f"from IPython.display import HTML, display\nHTML('<script src=\"{ELSEWHERE}\"></script>')",
    "import ipywidgets\n"
    "from traitlets import Unicode\n"
    "class Absent(ipywidgets.DOMWidget):\n"
    "    _model_module = _view_name = Unicode('absent').tag(sync=True)\n"
    "Absent()",
    "idle = ipywidgets.Button(description='A button that does nothing', layout={'width': '40px'})\n"
    "controls = ipywidgets.HBox([idle]).add_class('kit-controls')\n"
    "title = ipywidgets.HTML('<div class=\"kit-title\">Idle</div>')\n"
    "ipywidgets.VBox([title, controls]).add_class('kit-panel')",
    "HTML('<script>setTimeout(() => alert(\"hello\"))</script>')",
    "1 / 0",
    "'never run'",
]


@pytest.fixture(scope="module")
def faulty(window: Window) -> Visit:
    window.lab.write("faulty.ipynb", CELLS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(visits, "ANSWERS", 1000)
        return visit(window, "faulty.ipynb")


def test_an_error_and_the_cells_behind_it_are_seen(faulty: Visit) -> None:
    assert faulty.errors() == ["cell 4: ZeroDivisionError: division by zero"]
    assert faulty.unrun() == [5]


def test_a_request_to_another_machine_is_seen_and_fails(faulty: Visit) -> None:
    assert faulty.outside == [ELSEWHERE]
    assert any("ERR_NAME_NOT_RESOLVED" in trouble for trouble in faulty.troubles)


def test_a_widget_that_cannot_be_drawn_is_seen(faulty: Visit) -> None:
    assert [number for number, _ in standins(faulty.left)] == [1]
    assert any("absent" in trouble for trouble in faulty.troubles)


def test_a_dialog_is_seen(faulty: Visit) -> None:
    assert "dialog: hello" in faulty.troubles


def test_a_panel_without_an_answer_room_or_picture_is_seen(faulty: Visit) -> None:
    (panel,) = faulty.panels
    assert (panel.title, panel.control) == ("Idle", "A button that does nothing")
    assert not panel.answered
    assert panel.cut
    assert not panel.pictured(faulty.found)

"""Every notebook in a browser: read as committed, run, its panels used, saved and read again."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbconvert import HTMLExporter
from PIL import Image

from tests.browser.reach import SCREENS
from tests.browser.visit import SHOTS, Panel, Visit, standins
from tests.browser.window import Cell, Window

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def unpictured(panels: list[Panel], cells: list[Cell]) -> list[tuple[Panel, Cell]]:
    return [(panel, cells[panel.cell]) for panel in panels if not panel.pictured(cells)]


def test_every_cell_runs_to_its_end_and_writes_no_error(seen: Visit) -> None:
    assert seen.errors() == []
    assert seen.unrun() == []


def test_the_browser_reports_no_fault_and_no_widget_is_missing(seen: Visit) -> None:
    assert seen.troubles == []
    assert standins(seen.left) == []


def test_nothing_is_wanted_from_another_machine(seen: Visit) -> None:
    assert seen.outside == []


def test_every_panel_has_a_size_and_all_its_words_fit(seen: Visit) -> None:
    assert [panel for panel in seen.panels if panel.width < 200 or panel.height < 40] == []
    assert [panel for panel in seen.panels if panel.cut] == []


def test_every_panel_answers_to_its_main_control_and_stays_well(seen: Visit) -> None:
    silent = [panel for panel in seen.panels if panel.control and not panel.answered]
    assert silent == []
    assert [panel for panel in seen.panels if panel.broke] == []


def test_nothing_in_a_panel_keeps_anybody_from_using_it(seen: Visit) -> None:
    assert seen.barriers == []


def test_every_panel_fits_a_projector_and_a_page_at_200_percent(seen: Visit) -> None:
    assert seen.misfits == []


def test_every_control_is_reached_by_tab_and_shows_that_it_has_the_focus(seen: Visit) -> None:
    assert seen.unreached == []


def test_a_picture_of_the_whole_notebook_is_kept_in_both_themes_and_on_both_screens(
    seen: Visit, path: Path
) -> None:
    panels = sum(panel.height for panel in seen.panels)
    for what in ("light", "dark", *SCREENS):
        with Image.open(SHOTS / f"{path.stem}-{what}.png") as picture:
            assert picture.height > panels


def test_a_committed_notebook_pictures_its_panels_before_anything_is_run(seen: Visit) -> None:
    assert standins(seen.found) == []
    assert unpictured(seen.panels, seen.found) == []


def test_a_notebook_that_was_run_and_saved_pictures_its_panels_when_it_is_opened_again(
    seen: Visit,
) -> None:
    assert standins(seen.again) == []
    assert unpictured(seen.panels, seen.again) == []


@pytest.mark.parametrize("version", ["committed", "saved"])
def test_a_page_that_is_made_without_a_kernel_pictures_the_panels(
    window: Window, seen: Visit, path: Path, version: str
) -> None:
    source = path if version == "committed" else window.lab.folder / path.name
    shot = SHOTS / f"{path.stem}-{version}-page.png"
    page, _ = HTMLExporter().from_filename(str(source))
    assert unpictured(seen.panels, window.read_page(page, shot)) == []

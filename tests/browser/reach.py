"""Who can use a panel: on a projector, at 200 % zoom, by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.browser.window import Window

# A browser at 200 % lays a page out for half of the screen's pixels.
SCREENS = {"projector": (1280, 720), "zoomed": (640, 360)}


@contextmanager
def screen(at: Window, name: str) -> Iterator[None]:
    """Show the notebook on a small screen; the file browser is closed where there is no room."""
    width, height = SCREENS[name]
    narrow = name == "zoomed"
    if narrow:
        at.command("application:toggle-left-area")
    try:
        with at.sized(width, height):
            yield
    finally:
        if narrow:
            at.command("application:toggle-left-area")


def faults(at: Window, shot: Path) -> list[str]:
    """Return what does not fit, on either screen, and keep pictures of both."""
    found = []
    for name in SCREENS:
        with screen(at, name):
            said = at.page.evaluate("reach.faults()")
            found += [f"{name}: {one}" for one in said]
            at.picture(shot.with_name(f"{shot.name}-{name}.png"))
    return found


def keyboard(at: Window) -> list[str]:
    """Walk through every panel by Tab; return what is not reached, or does not show the focus."""
    found: list[str] = []
    for panel in at.panels():
        stops = panel.evaluate("panel => reach.begin(panel)")
        for step in range(stops + 5):
            if not panel.evaluate("panel => reach.note(panel)"):
                break
            if step == 1:
                # The first had its focus from a script: only a key has it shown.
                at.page.keyboard.press("Shift+Tab")
                panel.evaluate("panel => reach.note(panel)")
                at.page.keyboard.press("Tab")
            at.page.keyboard.press("Tab")
        found += panel.evaluate("panel => reach.missed(panel)")
    return found

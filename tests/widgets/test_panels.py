"""A panel: each state has its word, code and secrets stay what they are, and nothing leaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kit.widgets.code import Code, Secret
from kit.widgets.panel import Panel
from kit.widgets.parts import VIEW
from kit.widgets.table import Grid, Table
from tests.panels import said
from tests.widgets.seen import HOSTILE, inert, states


def test_code_is_escaped_whole_and_copied_as_it_is() -> None:
    strip = Code()
    strip.show(f"SELECT '{HOSTILE}' -- {HOSTILE}", saved="SELECT 1")
    assert inert(strip.html)
    assert strip.text == f"SELECT '{HOSTILE}' -- {HOSTILE}"
    assert strip.static_html() == (
        "<details><summary>SQL that ran</summary><pre>SELECT 1</pre></details>"
    )


def test_a_secret_leaves_the_kernel_only_when_it_is_asked_for() -> None:
    sent: list[Any] = []
    secret = Secret("Connect", "x://u:***@h", lambda: "x://u:hunter2@h", "Copy URL")
    assert "hunter2" not in states(secret) + str(secret._repr_mimebundle_())
    secret.send = lambda content: sent.append(content)  # type: ignore[method-assign]
    secret._hear(secret, {"event": "ask"}, [])
    assert sent == [{"event": "text", "value": "x://u:hunter2@h"}]
    assert "hunter2" not in states(secret)


def test_a_panel_carries_its_live_view_and_its_pictures() -> None:
    table = Table()
    table.show(Grid(columns=["n"], rows=[[41]]))
    panel = Panel("Runs", note="all of them", body=[table], strip=Code())
    bundle = panel._repr_mimebundle_()
    assert set(bundle) == {VIEW, "text/html", "text/plain"}
    assert "<td" in bundle["text/html"]
    assert bundle["text/plain"].splitlines()[0] == "Runs · all of them"
    assert "41" in bundle["text/plain"]


def test_each_state_of_a_panel_has_an_icon_and_a_word() -> None:
    panel = Panel("P")
    seen = set()
    for enter in (
        lambda: panel.empty("Nothing here.", "Run `x`."),
        lambda: panel.wait("waiting for a server"),
        lambda: panel.start(cancel=lambda: None),
        lambda: panel.done("3 rows", seconds=0.00412),
        lambda: panel.fail(HOSTILE, "Try again."),
    ):
        enter()
        seen.add(said(panel))
        assert inert(panel.status.value + panel.notice.value)
    assert seen == {
        "○ nothing yet",
        "◌ waiting for a server",
        "◐ running",
        "✓ 3 rows · 4.1 ms",
        "✗ failed",
    }
    assert "4.1" not in panel.static_html()


ENDS: dict[str, Callable[[Panel], None]] = {
    "done": Panel.done,
    "failed": lambda panel: panel.fail("It broke."),
    "halted": lambda panel: panel.halt("cancelled", state="empty"),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_cancel_is_offered_only_while_something_runs_and_calls_back_once(
    end: Callable[[Panel], None],
) -> None:
    called: list[bool] = []
    panel = Panel("P")
    panel.start(cancel=lambda: called.append(True))
    assert panel.cancel.layout.display is None
    panel.cancel.click()
    end(panel)
    panel.cancel.click()
    assert called == [True]
    assert panel.cancel.layout.display == "none"


def test_a_false_accent_cannot_bring_style_along() -> None:
    panel = Panel("P", accent='#123456;background:url("x")')
    assert panel.children[0].accent == ""
    assert Panel("P", accent="#336791").children[0].accent == "#336791"


def test_closing_a_panel_closes_all_its_parts() -> None:
    table, strip = Table(), Code()
    panel = Panel("P", body=[table], strip=strip)
    panel.close()
    assert {table.comm, strip.comm, panel.comm, panel.status.comm} == {None}

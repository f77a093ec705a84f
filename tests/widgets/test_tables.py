"""Values, tables and trees: what comes from a database is text, and what is left out is said."""

from __future__ import annotations

import math
import re
from decimal import Decimal

import pytest

from kit.widgets import units, values
from kit.widgets.parts import VIEW
from kit.widgets.table import Grid, Table, grid_html, grid_text
from kit.widgets.tree import Node, Tree
from tests.widgets.seen import HOSTILE, inert


@pytest.mark.parametrize("value", [HOSTILE, HOSTILE * 500, {HOSTILE: [HOSTILE]}, HOSTILE.encode()])
def test_a_hostile_value_is_text_in_a_cell_and_in_its_hover(value: object) -> None:
    assert inert(values.cell(value))


def test_null_an_empty_text_and_the_word_null_look_different() -> None:
    cells = {values.cell(value) for value in (None, "", "NULL")}
    assert len(cells) == 3


def test_a_long_text_is_clipped_and_whole_on_hover_up_to_a_limit() -> None:
    shown = values.cell("x" * 300)
    assert shown.count("x" * 300) == 1
    assert "…</span>" in shown
    assert len(values.cell("x" * 10_000_000)) < 3000
    assert "10 MB" in values.cell("x" * 10_000_000)


def test_characters_that_turn_or_hide_text_are_shown_as_a_sign() -> None:
    assert values.visible("user\u202egnp.exe") == "user\N{REPLACEMENT CHARACTER}gnp.exe"
    assert values.visible("a\x1b[31mb\x00") == (
        "a\N{REPLACEMENT CHARACTER}[31mb\N{REPLACEMENT CHARACTER}"
    )
    assert values.visible("one\ntwo\tthree") == "one⏎two⇥three"
    assert values.visible("שלום 漢字 👩‍🔬") == "שלום 漢字 👩‍🔬"


def test_only_columns_of_numbers_stand_on_the_right() -> None:
    rows = [(1, "a", True, Decimal("1.5"), None), (2, "b", False, None, None)]
    html = grid_html(Grid(columns=["int", "text", "bool", "decimal", "null"], rows=rows))
    aligned = re.findall(r"<th[^>]*?class=\"kit-number\"[^>]*>(\w+)<", html)
    assert aligned == ["int", "decimal"]


@pytest.mark.parametrize("static", [False, True])
def test_hostile_names_captions_keys_and_notes_of_a_table_are_text(static: bool) -> None:
    grid = Grid(columns=[HOSTILE], rows=[[HOSTILE]], keys=[HOSTILE], caption=HOSTILE, note=HOSTILE)
    assert inert(grid_html(grid, static=static))
    message = Grid(columns=[], rows=[], caption=HOSTILE, message=HOSTILE)
    assert inert(grid_html(message, static=static))


def test_a_table_says_how_many_rows_it_leaves_out() -> None:
    rows = [(i,) for i in range(100)]
    assert "First 100 of 1,797 rows" in grid_html(Grid(columns=["i"], rows=rows, total=1797))
    assert "First 100 rows; there are more" in grid_text(Grid(columns=["i"], rows=rows, more=True))
    assert "First" not in grid_html(Grid(columns=["i"], rows=rows, total=100))


def test_a_saved_table_holds_few_rows_and_nothing_that_changes_by_itself() -> None:
    table = Table()
    rows = [(i, "3.2 s") for i in range(100)]
    table.show(Grid(columns=["i", "took"], rows=rows, volatile=frozenset({"took"}), seconds=0.123))
    assert "3.2 s" in table.html
    assert "3.2 s" not in table.static_html() + table.static_text()
    assert "123" not in table.static_html()
    assert "First 20 of 100 rows" in table.static_text()
    assert VIEW in table._repr_mimebundle_()


def test_a_table_with_two_columns_of_one_name_shows_both() -> None:
    assert grid_text(Grid(columns=["a", "a"], rows=[[1, 2]])).splitlines()[2] == "1  2"


def test_the_names_in_a_tree_are_data_for_its_script_and_text_in_its_picture() -> None:
    tree = Tree(HOSTILE)
    tree.show([Node(label=HOSTILE, note=HOSTILE, children=[Node(label=HOSTILE)])])
    assert inert(tree.static_html())
    assert tree.nodes[0]["children"][0]["label"] == HOSTILE
    assert tree.static_text().endswith("1 entry")


def test_picking_a_node_hands_over_its_text() -> None:
    picked: list[str] = []
    tree = Tree("Schema", picked=picked.append)
    tree._hear(tree, {"event": "picked", "value": '"weird name"'}, [])
    assert picked == ['"weird name"']


def test_units_are_those_that_people_read() -> None:
    spans = [units.duration(s) for s in (0.0000012, 0.0123, 0.5, 12.34, 600.0)]
    assert spans == ["1 µs", "12.3 ms", "500 ms", "12.3 s", "10 min 0 s"]
    assert [units.size(n) for n in (999, 1000, 10_000_000)] == ["999 bytes", "1 kB", "10 MB"]
    assert [units.figure(v) for v in (0.5, 1e-9, -math.inf)] == ["0.5000", "1.000e-09", "−∞"]
    assert units.plural(1797, "row") == "1,797 rows"

"""What comes from a database is text: markup and scripts in it are shown, and nothing runs."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module

import pytest

import kit
from kit import databases
from kit.widgets.panel import Panel
from tests.browser import reach
from tests.browser.hostile.content import Case
from tests.browser.hostile.unreached import UNREACHED
from tests.browser.visit import pictures, use_panels
from tests.browser.window import Window

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

# Each fits into a name of 63 bytes; each would set window.ran if it were taken for markup.
HOSTILE = [
    "<script>window.ran=1</script>",
    '<img src=x onerror="window.ran=1">',
    "\"'><svg onload=window.ran=1>",
    "</textarea></pre></td><iframe onload=parent.ran=1>",
    "{{7*7}}`<b onclick=window.ran=1>`&lt;i&gt;",
]
TABLE, COLUMN, VALUE, SCHEMA, WRONG = HOSTILE

CELLS = [
    "import kit\n"
    "from IPython.display import HTML, display\n"
    "from psycopg.sql import SQL, Identifier, Literal\n"
    "from kit.labs import sql, tracking\n"
    "pg = kit.start('postgresql')\n"
    "kit.sql(pg)\n"
    f"table, column, value, schema, wrong = {HOSTILE!r}\n"
    "pg",
    "with pg.connect() as connection:\n"
    "    connection.execute(SQL('CREATE SCHEMA {}').format(Identifier(schema)))\n"
    "    kind = SQL('CREATE TYPE {} AS ENUM ({})').format(Identifier(wrong), Literal(value))\n"
    "    connection.execute(kind)\n"
    "    for place in ('public', schema):\n"
    "        made = SQL('CREATE TABLE {} ({} {} DEFAULT {})').format(\n"
    "            Identifier(place, table), Identifier(column), Identifier(wrong), Literal(value))\n"
    "        filled = SQL('INSERT INTO {} DEFAULT VALUES').format(Identifier(place, table))\n"
    "        connection.execute(made)\n"
    "        connection.execute(filled)",
    "rows = SQL('SELECT *, {} AS {} FROM {}').format(\n"
    "    Literal(schema), Identifier(wrong), Identifier(table)).as_string()\n"
    "console = sql.console(pg, rows)\n"
    "console",
    "get_ipython().run_line_magic('sql', rows)",
    "refused = sql.console(pg, SQL('SELECT {}').format(Identifier(wrong)).as_string())\nrefused",
    "import mlflow\n"
    "mlflow.set_tracking_uri(pg.url)\n"
    "mlflow.set_experiment(experiment_id=mlflow.create_experiment(table))\n"
    "for name in (column, value):\n"
    "    with mlflow.start_run(run_name=name, tags={'note': name}):\n"
    "        mlflow.log_params({'setting': name, 'same': schema})\n"
    "        mlflow.log_metric('loss', 0.5, step=1)\n"
    "        mlflow.log_metric('loss', 0.25, step=2)\n"
    "explorer = tracking.explorer(pg, experiment=table, watch=False)\n"
    "explorer",
    "for panel in (console, refused, explorer):\n    display(HTML(panel.static_html()))",
    "try:\n"
    "    get_ipython().run_line_magic('sql', 'SELECT \"' + wrong + '\"')\n"
    "except kit.KitError as error:\n"
    "    print(error)",
]
READABLE = {2: [TABLE, COLUMN, VALUE, SCHEMA, WRONG], 3: [COLUMN, VALUE, SCHEMA, WRONG]}
READABLE |= {
    4: [WRONG],
    5: [TABLE, COLUMN, VALUE, SCHEMA],
    6: [COLUMN, VALUE, SCHEMA, WRONG],
    7: [WRONG],
}


def unfold(at: Window) -> None:
    """Open every branch of every tree."""
    closed = at.page.locator('.kit-tree li[aria-expanded="false"] > .kit-node:visible')
    while closed.count():
        closed.first.click()


def test_markup_in_names_values_and_errors_is_shown_as_text_and_runs_nowhere(
    window: Window,
) -> None:
    window.lab.write("hostile.ipynb", CELLS)
    with window.notebook("hostile.ipynb"):
        assert window.run("run-all-cells"), window.content()
        panels = use_panels(window)
        unfold(window)
        cells = window.read()
        pictures(window, "hostile")
        assert window.page.evaluate("window.ran") is None
        assert window.page.locator('.jp-OutputArea :is(iframe, [onload], [src="x"])').count() == 0
        assert (window.troubles, window.outside) == ([], [])
    assert [panel for panel in panels if not panel.answered or panel.cut] == []
    missing = {n: [t for t in texts if t not in cells[n].text] for n, texts in READABLE.items()}
    assert missing == {n: [] for n in READABLE}


# What is seen of any hostile text, wherever it is cut.
SEEN = r"/<(script|img|svg|iframe|a|b|i)\b|svg onload|\{\{7|textarea/"


def cases(database: str) -> list[Case]:
    found: list[Case] = import_module(f"tests.browser.hostile.{database}").CASES
    return found


def wide_on_any_screen(window: Window) -> list[str]:
    found = []
    for screen in reach.SCREENS:
        with reach.screen(window, screen):
            found += [f"{screen}: {one}" for one in window.page.evaluate("reach.wide()")]
    return found


def spelled(panel: type[Panel]) -> str:
    return f"{panel.__module__}.{panel.__qualname__}"


def descendants(panel: type[Panel]) -> Iterator[type[Panel]]:
    for child in panel.__subclasses__():
        yield child
        yield from descendants(child)


def test_every_panel_shows_hostile_content_or_there_is_a_reason_why_it_cannot() -> None:
    for module in pkgutil.walk_packages(kit.__path__, "kit."):
        if module.name.startswith(("kit.labs", "kit.widgets")):
            import_module(module.name)
    panels = {spelled(one) for one in descendants(Panel) if one.__module__.startswith("kit.")}
    shown = {spelled(case.panel) for name in databases.names() for case in cases(name)}
    assert shown | set(UNREACHED) == panels
    assert shown & set(UNREACHED) == set()


@pytest.mark.parametrize("database", databases.names())
def test_hostile_content_of_a_database_is_text_in_every_panel_that_shows_it(
    window: Window, database: str
) -> None:
    name, count = f"hostile-{database}", len(cases(database))
    show = "shown.append(hostile.CASES[{}].show(at))\nshown[-1]"
    window.lab.write(
        f"{name}.ipynb",
        [
            f"from IPython.display import HTML, display\n"
            f"from tests.browser.hostile import {database} as hostile\n"
            "at, shown = hostile.begin(), []",
            *(show.format(n) for n in range(count)),
            "for panel in shown:\n    display(HTML(panel.static_html()))",
        ],
    )
    with window.notebook(f"{name}.ipynb"):
        assert window.run("run-all-cells"), window.content()
        assert window.ask("[type(one) is case.panel for one, case in zip(shown, hostile.CASES)]")
        unfold(window)
        harmless = window.page.evaluate(f"reach.without({SEEN})")
        wide = wide_on_any_screen(window)
        pictures(window, name)
        assert window.page.evaluate("window.ran") is None
        assert window.page.locator('.jp-OutputArea :is(iframe, [onload], [src="x"])').count() == 0
        assert (window.troubles, window.outside) == ([], [])
    assert harmless == []
    assert wide == []

"""The rows of a cell: shown safely and told apart, kept whole, taken on as frames and tables."""

from __future__ import annotations

from html.parser import HTMLParser

from tests.magics.notebook import Notebook


def test_rows_come_as_a_table_in_html_and_in_text(notebook: Notebook) -> None:
    result = notebook("%sql SELECT 7 AS answer, 'adam' AS optimiser")
    assert "<th" in result._repr_html_()
    assert "adam" in result._repr_html_()
    assert repr(result).splitlines()[1:] == [
        "| answer | optimiser |",
        "+--------+-----------+",
        "|      7 | adam      |",
        "+--------+-----------+",
        "(1 row)",
    ]
    assert str(result) == repr(result)


class Tags(HTMLParser):
    """Collect the tags of a piece of HTML, as a browser would find them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)


def test_markup_in_cells_and_in_column_names_is_shown_and_never_obeyed(notebook: Notebook) -> None:
    quote = '"' if notebook.server.database == "postgresql" else "`"
    name = f"{quote}<img src=x onerror=alert(1)>{quote}"
    html = notebook(f"%%sql\nSELECT '<script>alert(1)</script>&amp;' AS {name}")._repr_html_()
    assert Tags(html).found <= {"table", "thead", "tbody", "tr", "th", "td", "p"}
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;" in html


def test_escape_sequences_in_a_row_do_not_reach_the_terminal(notebook: Notebook) -> None:
    quote = "E" if notebook.server.database == "postgresql" else ""
    char = r"\x1b" if quote else "\x1b"
    result = notebook(f"%%sql\nSELECT {quote}'{char}[2J' AS screen")
    assert "\x1b" not in repr(result)
    assert "\x1b" not in result._repr_html_()


def test_null_is_told_from_the_word_and_from_the_empty_text(notebook: Notebook) -> None:
    result = notebook("%sql SELECT NULL AS a, 'NULL' AS b, '' AS c")
    html = result._repr_html_()
    assert html.count(">NULL</em>") == 1
    assert ">NULL</td>" in html
    assert "| NULL |" in repr(result)
    assert result[0][0] is None


def test_many_rows_are_all_kept_and_the_first_are_shown(notebook: Notebook) -> None:
    values = ", ".join(f"({number}, 'x')" for number in range(1234))
    notebook(f"%%sql\nINSERT INTO runs VALUES {values}")
    result = notebook("%sql SELECT * FROM runs")
    assert len(result.DataFrame()) == 1234
    assert "(1,234 rows, the first 50 shown)" in repr(result)
    assert result._repr_html_().count("<tr>") == 51
    notebook("%config SqlMagic.displaylimit = 3")
    assert result._repr_html_().count("<tr>") == 4


def test_a_limit_on_fetching_is_said_under_the_rows(notebook: Notebook) -> None:
    notebook("%%sql\nINSERT INTO runs VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    notebook("%config SqlMagic.autolimit = 2")
    assert "(first 2 rows fetched" in repr(notebook("%sql SELECT * FROM runs"))
    assert notebook.rows("SELECT count(*) FROM runs") == [(3,)]


def test_a_frame_has_its_columns_even_when_no_row_came(notebook: Notebook) -> None:
    frame = notebook("%sql SELECT id, name FROM runs").DataFrame()
    assert list(frame.columns) == ["id", "name"]
    assert len(frame) == 0
    notebook("%config SqlMagic.autopandas = True")
    assert list(notebook("%sql SELECT id FROM runs").columns) == ["id"]


def test_columns_of_one_name_are_both_kept(notebook: Notebook) -> None:
    result = notebook("%sql SELECT 1 AS a, 2 AS a")
    assert list(result.DataFrame().columns) == ["a", "a_1"]
    assert result._repr_html_().count("<th") - result._repr_html_().count("<thead") == 2


def test_rows_can_be_kept_in_a_variable(notebook: Notebook) -> None:
    assert notebook("%%sql answer <<\nSELECT 7 AS seven") is None
    notebook("other = %sql SELECT 8 AS eight")
    assert notebook.shell.user_ns["answer"][0].seven == 7
    assert notebook.shell.user_ns["other"][0].eight == 8


def test_a_frame_becomes_a_table_within_the_open_transaction(notebook: Notebook) -> None:
    notebook("%sql DROP TABLE IF EXISTS frame")
    notebook("import pandas; frame = pandas.DataFrame({'a%b': [1, 2]})")
    notebook("%sql --persist frame")
    notebook("%sql BEGIN")
    notebook("%sql --append frame")
    assert notebook.rows("SELECT count(*) FROM frame") == [(4,)]
    notebook("%sql ROLLBACK")
    assert notebook.rows("SELECT count(*) FROM frame") == [(2,)]
    assert "already exists" in notebook.refuses("%sql -p frame")
    assert "nothing_here" in notebook.refuses("%sql -p nothing_here")

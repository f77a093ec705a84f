"""What InfluxDB's lab reads and writes is judged by the server: points, queries, refusals."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.errors import KitError, UsageError
from kit.labs.influxdb import influxql, line
from kit.labs.influxdb.influxql import AGGREGATES, FILLS, Query
from kit.labs.influxdb.session import Refused, Session
from kit.launch.server import Server
from kit.launch.start import start

HOSTILE = "<script>alert(1)</script>\"'\\ ,=;--"

GOOD = r"""
cpu value=1
cpu,host=a  value=1
cpu value=1e3,b=-1.5e-3,c=1.e5,d=.5
cpu value=-1i
cpu value="text",other="a \"q\" b \\ c"
cpu value=t,b=FALSE,c=True,d=f
c\ p\,u,ta\ g=v\=x value=1
cpu va"lue=1
  cpu value=1
cpu value=1 -5
cpu value="comma, = and space" 1
cpu value=1  5
cpu,b=2,a=1 value=1 1774526400000000000
größe,läuft=ja value="µ"
""".strip().split("\n")

BAD = r"""
cpu value=
cpu value
cpu
cpu,
cpu,host value=1
cpu,host= value=1
cpu,=a value=1
,host=a value=1
cpu,host=a value=1 abc
cpu,host=a value=1 1.5
cpu value=nan
cpu value=NaN
cpu value=inf
cpu value=+Inf
cpu value=1.5i
cpu value=99999999999999999999i
cpu value="open
cpu value=text
cpu value=tRue
cpu value=1,
cpu value=1,b
cpu value=1,=2
cpu =2
cpu value=1, b=2
cpu,a=b,a=c value=1
cpu value==1
cpu value=1=2
cpu value=1 1774526400000000000 x
cpu value=1 99999999999999999999
cpu,a=b\ value=1
cpu,time=5 value=1
cpu,a=b,=c value=1
cpu,a=b, value=1
cpu value=0x10
cpu value=1_000
cpu value=1e
cpu value=1i2
cpu,a=b=c value=1
cpu,a=b
""".strip().split("\n")

_numbers = itertools.count()


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("influxdb", name="lines") as found:
        yield found


@pytest.fixture
def session(server: Server) -> Iterator[Session]:
    """Ask in an empty database of its own."""
    database = f"test{next(_numbers)}"
    opened = Session(server, database)
    opened.ask(f"CREATE DATABASE {database}")
    yield opened
    opened.ask(f"DROP DATABASE {database}")
    opened.close()


@pytest.mark.parametrize("text", GOOD)
def test_a_point_is_read_as_the_server_stores_it(session: Session, text: str) -> None:
    (point,) = line.read(text)
    session.write([text])
    (stored,) = session.one(f"SELECT * FROM {influxql.identifier(point.measurement)}")
    row = dict(zip(stored.columns, stored.rows[0], strict=True))
    time = row.pop("time")
    assert row == {**point.tags, **point.fields}
    assert point.time is None or time == point.time


@pytest.mark.parametrize("text", BAD)
def test_a_mistake_in_a_point_is_told_in_the_servers_words(session: Session, text: str) -> None:
    with pytest.raises(line.Mistake) as told:
        line.read(text)
    with pytest.raises(Refused) as said:
        session.write([text])
    assert told.value.words in said.value.message


@pytest.mark.parametrize(
    ("text", "column", "mark"),
    [
        ("cpu,host= value=1", 10, "cpu,host= value=1\n         ▲ missing tag value"),
        ("cpu value=1,b=nan", 15, "cpu value=1,b=nan\n              ▲ invalid number"),
        ('cpu a="x', 7, 'cpu a="x\n      ▲ unbalanced quotes'),
        ("cpu value=1 soon", 13, "cpu value=1 soon\n            ▲ bad timestamp"),
    ],
)
def test_a_mistake_is_shown_at_its_place(text: str, column: int, mark: str) -> None:
    with pytest.raises(line.Mistake) as told:
        line.read(text)
    assert (told.value.line, told.value.column) == (1, column)
    assert line.pointed(text, told.value) == mark


def test_a_mistake_among_many_lines_names_its_line_and_comments_are_no_points() -> None:
    text = "# a comment\n\ncpu value=1\ncpu value=\n"
    with pytest.raises(line.Mistake) as told:
        line.read(text)
    assert told.value.line == 4
    assert "line 4: missing field value" in line.pointed(text, told.value)
    assert len(line.read("# a comment\n\ncpu value=1\n")) == 1


@pytest.mark.parametrize(
    "query",
    [
        Query("loss"),
        Query("loss", ["value"]),
        Query("loss", ["value", "other"], "mean", every="1m", fill="null"),
        Query("loss", ["value"], "max", policy="autogen", by=["run"]),
        Query("loss", ["value"], where={"run": "a", "model": "b"}, since="1h"),
        Query("loss", ["value"], "last", every="10s", by=["run", "model"], fill="previous"),
        Query(HOSTILE, [HOSTILE], "mean", "autogen", {HOSTILE: HOSTILE}, "5m", "1m", [HOSTILE]),
        *(Query("loss", ["value"], name, since="1h", every="1m") for name in AGGREGATES),
        *(Query("loss", ["value"], "mean", since="1h", every="1m", fill=fill) for fill in FILLS),
    ],
    ids=lambda query: query.text().replace("\n", " ")[:60],
)
def test_what_the_builder_writes_the_server_takes_and_the_builder_reads_back(
    session: Session, query: Query
) -> None:
    session.ask(query.text())
    again = influxql.read(query.text())
    assert again is not None
    assert again.text() == query.text()


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("select value from loss", Query("loss", ["value"])),
        ("SELECT * FROM autogen.loss;", Query("loss", policy="autogen")),
        (
            "select MEAN(value) from loss where time > now() - 2h and run='a' "
            "group by run, time(5m) fill(none)",
            Query("loss", ["value"], "mean", "", {"run": "a"}, "2h", "5m", ["run"], "none"),
        ),
    ],
)
def test_a_query_typed_by_hand_is_read_where_the_builder_can_show_it(
    text: str, query: Query
) -> None:
    found = influxql.read(text)
    assert found is not None
    assert found.text() == query.text()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SHOW MEASUREMENTS",
        "SELECT value FROM loss LIMIT 5",
        "SELECT value FROM loss ORDER BY time DESC",
        "SELECT mean(value), max(value) FROM loss",
        "SELECT percentile(value, 95) FROM loss",
        "SELECT value FROM loss WHERE run = 'a' OR run = 'b'",
        "SELECT value FROM loss WHERE run =~ /a/",
        "SELECT value FROM (SELECT mean(value) FROM loss GROUP BY time(1m))",
        "SELECT mean(value) FROM loss GROUP BY time(1m, 10s)",
        "SELECT value * 2 FROM loss",
        "SELECT value FROM a.b.c",
        "SELECT value FROM loss; DROP MEASUREMENT loss",
        "DROP DATABASE mlops",
        "SELECT 'x",
    ],
)
def test_a_query_beyond_the_builder_is_left_to_the_editor(text: str) -> None:
    assert influxql.read(text) is None


def test_a_hostile_name_is_only_a_name(session: Session) -> None:
    session.write(["loss,run=a value=1"])
    name = 'loss"; DROP MEASUREMENT "loss'
    assert session.one(Query(name, [HOSTILE], where={HOSTILE: HOSTILE}).text()) == []
    assert session.value('SELECT value FROM "loss"', "value") == 1


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("SELECT", "found EOF, expected", "names the place"),
        ("SELECT * FROM nowhere.autogen.loss", "database not found: nowhere", "SHOW DATABASES"),
        ("SELECT * FROM nowhere.loss", "retention policy not found", "SHOW RETENTION"),
    ],
)
def test_a_bad_query_is_refused_in_the_servers_words_with_what_to_do(
    session: Session, text: str, said: str, hint: str
) -> None:
    with pytest.raises(Refused) as refusal:
        session.ask(text)
    assert said in refusal.value.message
    assert hint in refusal.value.hint


def test_a_field_that_changes_its_type_is_refused_and_explained(session: Session) -> None:
    session.write(["loss value=1 5"])
    with pytest.raises(Refused, match="field type conflict") as refusal:
        session.write(["loss value=1i 6"])
    assert "1.0" in refusal.value.hint


def test_values_that_are_missing_or_are_text_are_no_numbers_in_a_chart(session: Session) -> None:
    session.write(['loss value=1,note="x" 1000000000', 'loss note="y" 2000000000'])
    (series,) = session.one("SELECT value, note FROM loss")
    assert series.points("value")[0] == (1.0, 1.0)
    assert all(value != value for _, value in [series.points("value")[1], *series.points("note")])


def test_a_server_that_came_back_is_asked_again_and_a_lost_one_named(home: Path) -> None:
    with start("influxdb", name="lost") as server:
        session = Session(server)
        session.write(["loss value=1"])
        server.kill()
        with pytest.raises(KitError, match=r"restart\(\)"):
            session.ask("SELECT value FROM loss")
        server.restart()
        assert session.value("SELECT value FROM loss", "value") == 1
        session.close()


def test_only_influxdb_is_taken() -> None:
    with pytest.raises(UsageError, match=r'kit\.start\("influxdb"\)'):
        Session("http://localhost")  # type: ignore[arg-type]

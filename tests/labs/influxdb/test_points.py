"""Points that InfluxDB's lab reads and writes are judged by the server: stored, or refused."""

from __future__ import annotations

import pytest

from kit.errors import UsageError
from kit.labs.influxdb import influxql, line
from kit.labs.influxdb.session import Refused, Session
from tests.labs.influxdb.databases import server as server
from tests.labs.influxdb.databases import session as session

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


def test_only_influxdb_is_taken() -> None:
    with pytest.raises(UsageError, match=r'kit\.start\("influxdb"\)'):
        Session("http://localhost")  # type: ignore[arg-type]

"""Queries that InfluxDB's lab writes and reads are judged by the server: answered, or refused."""

from __future__ import annotations

import pytest

from kit.labs.influxdb import influxql
from kit.labs.influxdb.influxql import AGGREGATES, FILLS, Query
from kit.labs.influxdb.session import Refused, Session
from tests.labs.influxdb.databases import server as server
from tests.labs.influxdb.databases import session as session

HOSTILE = "<script>alert(1)</script>\"'\\ ,=;--"


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

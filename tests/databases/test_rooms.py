"""A room on every database: learners never meet, whatever they are called and however they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from kit import databases
from kit.errors import Unsupported
from kit.launch import sharing
from kit.launch.server import Server
from kit.launch.start import start
from tests.databases.learners import Come
from tests.mongod import MONGOD, named

TOLD = [name for name in [*databases.names(), MONGOD] if name != "prometheus"]


def _open_door(shared: Server, monkeypatch: pytest.MonkeyPatch) -> Come:
    """Let learners in by an address that names no database."""
    kind = databases.get(shared.database)
    address = kind.url(replace(shared.endpoint, catalog="", named=False))

    def come(name: str) -> Server:
        monkeypatch.setenv(sharing.LEARNER, name)
        return start(shared.database, url=address)

    return come


@pytest.mark.parametrize(
    "name", ["one", "Learner.L-7", "naïve\r\nflush_all", "x" * 200, "a b", "a_b"]
)
def test_any_name_makes_a_key_that_memcached_takes(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(sharing.LEARNER, name)
    plain = sharing.learner()
    assert plain.isascii()
    assert plain.isprintable()
    assert " " not in plain
    assert len(plain) <= 24


def test_names_that_look_alike_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    made = set()
    for name in ("a b", "a\tb", "a-b", "x" * 60, "x" * 61):
        monkeypatch.setenv(sharing.LEARNER, name)
        made.add(sharing.learner())
    assert len(made) == 5
    monkeypatch.delenv(sharing.LEARNER)
    assert sharing.learner() == sharing.learner()


@pytest.fixture(scope="module", params=TOLD)
def everybodys(request: pytest.FixtureRequest, home: Path) -> Iterator[Server]:
    with named(request.param) as database, start(database, name="everybodys") as running:
        yield running


HOSTILE = (
    ("one", "other"),
    ("Learner", "learner"),
    ("a.b", "a-b"),
    ("a", "a.b"),
    ("a", "a_b"),
    ("x'; DROP DATABASE mlflow; --", "x`; DROP DATABASE mlflow; --"),
    ("naïve\r\nflush_all", "../../admin$cmd"),
    ("x" * 200, "x" * 201),
)


@pytest.mark.parametrize(("mine", "theirs"), HOSTILE)
def test_two_learners_never_meet_whatever_they_are_called(
    mine: str, theirs: str, everybodys: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    come = _open_door(everybodys, monkeypatch)
    servers = (everybodys, come(mine), come(theirs))
    tokens = [tell(server) for server in servers]
    assert [[knows(server, token) for token in tokens] for server in servers] == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ]
    come(mine).stop()
    assert [knows(server, token) for server, token in zip(servers, tokens, strict=True)] == [
        True,
        False,
        True,
    ]
    come(theirs).stop()
    assert knows(everybodys, tokens[0])


def test_a_learner_is_told_where_their_data_are_and_finds_them_again(
    everybodys: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    come = _open_door(everybodys, monkeypatch)
    one, other = come("one"), come("other")
    assert "server" in one.note
    assert one.note != other.note
    token = tell(one)
    assert knows(come("one"), token)
    one.stop()
    one.stop()
    assert not knows(come("one"), token)
    for server in (come("one"), other):
        server.stop()
    assert everybodys.note == ""


def test_the_address_of_a_room_leads_into_it_and_does_not_empty_it(
    everybodys: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    come = _open_door(everybodys, monkeypatch)
    one = come("one")
    token = tell(one)
    monkeypatch.setenv(sharing.LEARNER, "one")
    same = start(everybodys.database, url=one.url)
    assert knows(same, token)
    if same.catalog:  # a Memcached has no name for a part of it
        same.stop()
        assert knows(one, token)
    one.stop()


def test_a_shared_prometheus_is_asked_and_not_told(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start("prometheus", name="shared") as shared:
        one = _open_door(shared, monkeypatch)("one")
        assert "those who run it" in one.note
        assert one.connect().custom_query("vector(1)")
        for act in (lambda: one.write("rules/mine.yml", ""), lambda: one.read("prometheus.yml")):
            with pytest.raises(Unsupported, match="others may be using it"):
                act()


def test_an_address_that_names_a_database_is_taken_at_its_word(home: Path) -> None:
    with start("postgresql", name="shared") as shared:
        token = tell(shared)
        same = start("postgresql", url=shared.url)
        assert knows(same, token)
        same.stop()
        assert knows(shared, token)


def _reader_of_postgresql(client: Any) -> None:
    client.execute("CREATE ROLE reader LOGIN PASSWORD 'known'")
    client.commit()


def _reader_of_mysql(client: Any) -> None:
    with client.cursor() as cursor:
        cursor.execute("CREATE USER 'reader'@'%' IDENTIFIED BY 'known'")
        cursor.execute("GRANT SELECT ON mlflow.* TO 'reader'@'%'")


def _reader_of_influxdb(client: Any) -> None:
    client.create_user("reader", "known")
    client.grant_privilege("read", "mlops", "reader")


@pytest.mark.parametrize(
    ("name", "admit"),
    [
        ("postgresql", _reader_of_postgresql),
        ("mysql", _reader_of_mysql),
        ("influxdb", _reader_of_influxdb),
    ],
)
def test_an_account_that_may_create_no_database_is_told_to_name_one(
    name: str, admit: Callable[[Any], None], home: Path
) -> None:
    kind = databases.get(name)
    with start(name, name="strict") as shared:
        with closing(shared.connect()) as client:
            admit(client)
        entry = replace(shared.endpoint, user="reader", password="known", catalog="", named=False)
        with pytest.raises(Unsupported, match=f"may not create a database.*{name}"):
            start(name, url=kind.url(entry))
        named = replace(entry, catalog=kind.catalog, named=True)
        assert start(name, url=kind.url(named)).catalog == kind.catalog


def tell(server: Server) -> str:
    kind = databases.get(server.database)
    client = server.connect()
    try:
        return _insert(client) if server.database in SQL else kind.remember(client)
    finally:
        kind.close(client)


def knows(server: Server, token: str) -> bool:
    kind = databases.get(server.database)
    client = None
    try:
        client = server.connect()
        return _selects(client, token) if server.database in SQL else kind.recall(client, token)
    except Exception:  # where nobody has told anything, there is no table or no database either
        return False
    finally:
        if client is not None:
            kind.close(client)


SQL = ("postgresql", "mysql")


def _insert(client: Any) -> str:
    token = uuid4().hex
    with client.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS facts (token varchar(32))")
        cursor.execute("INSERT INTO facts VALUES (%s)", [token])
    client.commit()
    return token


def _selects(client: Any, token: str) -> bool:
    with client.cursor() as cursor:
        cursor.execute("SELECT 1 FROM facts WHERE token = %s", [token])
        return cursor.fetchone() is not None

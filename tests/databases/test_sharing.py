"""Several learners on one server: each has a room, cleans it up, and harms nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from kit import databases
from kit.databases.rooms import redis as rooms
from kit.errors import KitError, Unsupported, UsageError
from kit.labs import memcached, mongodb, stepper
from kit.labs.redis import messages, serving, source, traffic
from kit.labs.redis.commandline import CommandLine
from kit.launch import sharing
from kit.launch.server import Server
from kit.launch.start import start
from tests.mongod import MONGOD, named

Come = Callable[[str], Server]
ROOMED = ["redis", "memcached"]
TOLD = [name for name in [*databases.names(), MONGOD] if name != "prometheus"]


@pytest.fixture(params=ROOMED)
def shared(request: pytest.FixtureRequest, home: Path) -> Iterator[Server]:
    with start(request.param, name="shared") as running:
        yield running


@pytest.fixture
def redis(home: Path) -> Iterator[Server]:
    with start("redis", name="shared", settings={"databases": 3}) as running:
        yield running


@pytest.fixture
def come(shared: Server, monkeypatch: pytest.MonkeyPatch) -> Come:
    return _door(shared, monkeypatch)


def _door(shared: Server, monkeypatch: pytest.MonkeyPatch) -> Come:
    def come(name: str) -> Server:
        monkeypatch.setenv(sharing.LEARNER, name)
        return start(shared.database, url=shared.url)

    return come


def _open_door(shared: Server, monkeypatch: pytest.MonkeyPatch) -> Come:
    """Let learners in by an address that names no database."""
    kind = databases.get(shared.database)
    address = kind.url(replace(shared.endpoint, catalog="", named=False))

    def come(name: str) -> Server:
        monkeypatch.setenv(sharing.LEARNER, name)
        return start(shared.database, url=address)

    return come


def write(server: Server, value: bytes, keys: int = 1) -> None:
    with closing(server.connect()) as client:
        for number in range(keys):
            client.set(f"key {number}".replace(" ", ":"), value)
        client.get("key:0")  # a memcached may still be busy with what wants no reply


def read(server: Server) -> bytes | None:
    with closing(server.connect()) as client:
        value: bytes | None = client.get("key:0")
    return value


def test_two_learners_and_the_servers_owner_do_not_see_each_others_data(
    shared: Server, come: Come
) -> None:
    one, other = come("one"), come("other")
    for who, value in ((shared, b"owner"), (one, b"one"), (other, b"other")):
        write(who, value)
    assert [read(who) for who in (shared, one, other)] == [b"owner", b"one", b"other"]


def test_a_learner_who_stops_takes_only_their_own_data_along(shared: Server, come: Come) -> None:
    one, other = come("one"), come("other")
    write(shared, b"owner")
    write(other, b"other")
    write(one, b"one", keys=1200)
    one.stop()
    assert shared.state == "running"
    assert [read(who) for who in (shared, one, other)] == [b"owner", None, b"other"]
    one.stop()
    assert [read(who) for who in (shared, other)] == [b"owner", b"other"]


def test_a_learner_who_comes_again_finds_what_was_left(come: Come) -> None:
    write(come("one"), b"before")
    come("other")
    assert read(come("one")) == b"before"


def test_the_handle_says_where_the_data_are(come: Come) -> None:
    note = come("one").note
    assert "server" in note
    assert note != come("other").note


def test_nothing_of_a_room_is_left_on_the_server_afterwards(shared: Server, come: Come) -> None:
    one = come("one")
    write(one, b"1", keys=700)
    one.stop()
    if shared.database == "redis":
        with closing(shared.connect()) as client:
            assert client.info("keyspace") == {}
    else:
        assert memcached.stats(shared)["curr_items"] == 0


def test_the_kits_own_servers_have_no_rooms(shared: Server) -> None:
    assert shared.endpoint.room == ""
    assert shared.note == ""
    shared.require_own("does anything at all")


def test_a_lesson_that_would_harm_a_shared_server_refuses_and_says_why(come: Come) -> None:
    one = come("one")
    with pytest.raises(Unsupported, match=r"empties it, and others may be using this server.*mine"):
        one.require_own("empties it")
    for act in (one.kill, one.restart):
        with pytest.raises(Unsupported, match="others may be using it"):
            act()


def test_the_memcached_panels_that_would_harm_others_refuse_and_the_others_work(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start("memcached", name="shared") as shared:
        one = _door(shared, monkeypatch)("one")
        for panel in (
            memcached.memory(one),
            memcached.concurrency(one),
            memcached.volatile(one),
        ):
            panel.run()
            assert "others may be using this server" in panel.notice.static_text()
            panel.close()
        assert memcached.stats(shared)["curr_items"] == 0
        desk = memcached.desk(one)
        assert desk.run("set", "model:7", "0.93", expire=60).refusal is None
        assert desk.strip is not None
        assert "> set kit:one:model:7 0 60 4" in desk.strip.text
        assert memcached.play(one, "gets and cas")[1] == b"m1 m2 m3"
        desk.close()


def test_a_shared_redis_keeps_its_memory_limit(
    redis: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = _door(redis, monkeypatch)("one")
    with pytest.raises(Unsupported, match=r"memory limit.* others may be using this server"):
        traffic.run(source.read(one), serving.model("linear"), traffic.Setting(room=1_000_000))
    with redis.connect() as client:
        assert client.config_get("maxmemory") == {"maxmemory": "0"}


def test_the_redis_command_line_stays_in_its_room_and_does_no_harm(
    redis: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = _door(redis, monkeypatch)("one")
    desk = CommandLine(source.read(one))
    assert desk.run("SET mine 1")
    with one.connect() as client:
        assert client.get("mine") == b"1"
    for command in ("FLUSHALL", "flushall async", "Config Set maxmemory 1", "SELECT 0", "SHUTDOWN"):
        assert not desk.run(command)
        assert "others may be using this server" in desk.terminal.static_text()
        desk.terminal.clear()
    assert desk.run("FLUSHDB")
    desk.close()
    mine = CommandLine(source.read(redis))
    assert mine.run("CONFIG RESETSTAT")
    mine.close()


def test_learners_on_one_redis_do_not_hear_each_others_messages(
    redis: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    come = _door(redis, monkeypatch)
    desks = [messages.panel(come(name)) for name in ("one", "other")]
    for number, desk in enumerate(desks):
        assert desk.publish(f"model {number} is live") == 1
    assert [desk.desks["early"].messages for desk in desks] == [
        ["model 0 is live"],
        ["model 1 is live"],
    ]
    for desk in desks:
        desk.close()


def test_panels_that_kill_a_server_refuse_before_they_write_anything(home: Path) -> None:
    with (
        start("postgresql", name="shared", durable=True) as postgresql,
        start("mongodb", name="shared-documents") as documents,
    ):
        for shared, crash in ((postgresql, stepper.crash), (documents, mongodb.losses)):
            one = start(shared.database, url=shared.url)
            try:
                said = crash(one).notice.static_text()
            except Unsupported as error:
                said = str(error)
            assert "kills the server, and others may be using this server" in said
            assert shared.state == "running"


def test_a_server_of_ones_own_is_had_beside_a_shared_one(
    redis: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_REDIS_URL", redis.url)
    for backend in ("auto", "external"):
        monkeypatch.setenv("KIT_BACKEND", backend)
        assert start("redis").address == redis.address
        with start("redis", own=True) as mine:
            assert (mine.backend, mine.name) != ("external", redis.name)
            assert mine.address != redis.address
    with pytest.raises(UsageError, match="Leave one of the two out"):
        start("redis", own=True, url=redis.url)


def test_a_database_that_is_in_use_is_nobodys_room(
    redis: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    come = _door(redis, monkeypatch)
    with redis.connect(db=1) as client:
        client.set("theirs", 1)
    assert come("one").endpoint.catalog == "2"
    with pytest.raises(Unsupported, match=r"All 2 databases .* redis://host/3"):
        come("other")
    come("one").stop()
    assert come("other").endpoint.catalog == "2"
    with redis.connect(db=1) as client:
        assert client.get("theirs") == b"1"


def test_a_database_that_was_named_is_used_as_it_is_and_not_emptied(redis: Server) -> None:
    named = start("redis", url=f"{redis.url.rpartition('/')[0]}/2")
    write(named, b"mine")
    named.stop()
    assert read(named) == b"mine"
    with redis.connect() as client:
        assert client.keys(f"{rooms.CLAIM}*") == []


def test_a_room_that_became_somebody_elses_is_not_emptied(
    redis: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    come = _door(redis, monkeypatch)
    one = come("one")
    one.stop()
    with redis.connect() as client:
        client.set(f"{rooms.CLAIM}{one.endpoint.catalog}", "other")
    write(one, b"other's now")
    one.stop()
    assert read(one) == b"other's now"


def test_a_server_without_numbered_databases_is_told_of(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        start("redis", name="shared", settings={"databases": 1}) as only,
        pytest.raises(KitError, match=r"kit\.start"),
    ):
        _door(only, monkeypatch)("one")


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

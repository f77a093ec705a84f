"""Several learners on one server: each has a room, cleans it up, and harms nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kit.databases.rooms import redis as rooms
from kit.errors import KitError, Unsupported
from kit.labs import memcached
from kit.labs.redis import serving, source, traffic
from kit.launch import sharing
from kit.launch.server import Server
from kit.launch.start import start

Come = Callable[[str], Server]
ROOMED = ["redis", "memcached"]


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
    ada, ben = come("ada"), come("ben")
    for who, value in ((shared, b"owner"), (ada, b"ada"), (ben, b"ben")):
        write(who, value)
    assert [read(who) for who in (shared, ada, ben)] == [b"owner", b"ada", b"ben"]


def test_a_learner_who_stops_takes_only_their_own_data_along(shared: Server, come: Come) -> None:
    ada, ben = come("ada"), come("ben")
    write(shared, b"owner")
    write(ben, b"ben")
    write(ada, b"ada", keys=1200)
    ada.stop()
    assert shared.state == "running"
    assert [read(who) for who in (shared, ada, ben)] == [b"owner", None, b"ben"]
    ada.stop()
    assert [read(who) for who in (shared, ben)] == [b"owner", b"ben"]


def test_a_learner_who_comes_again_finds_what_was_left(come: Come) -> None:
    write(come("ada"), b"before")
    come("ben")
    assert read(come("ada")) == b"before"


def test_the_handle_says_where_the_data_are(come: Come) -> None:
    note = come("ada").note
    assert "server" in note
    assert note != come("ben").note


def test_nothing_of_a_room_is_left_on_the_server_afterwards(shared: Server, come: Come) -> None:
    ada = come("ada")
    write(ada, b"1", keys=700)
    ada.stop()
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
    ada = come("ada")
    with pytest.raises(Unsupported, match=r"empties it, and others may be using this server.*mine"):
        ada.require_own("empties it")
    for act in (ada.kill, ada.restart):
        with pytest.raises(Unsupported, match="others may be using it"):
            act()


def test_the_memcached_panels_that_would_harm_others_refuse_and_the_others_work(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start("memcached", name="shared") as shared:
        ada = _door(shared, monkeypatch)("ada")
        for panel in (
            memcached.memory(ada),
            memcached.concurrency(ada),
            memcached.volatile(ada),
        ):
            panel.run()
            assert "others may be using this server" in panel.notice.static_text()
            panel.close()
        assert memcached.stats(shared)["curr_items"] == 0
        desk = memcached.desk(ada)
        assert desk.run("set", "model:7", "0.93", expire=60).refusal is None
        assert desk.strip is not None
        assert "> set kit:ada:model:7 0 60 4" in desk.strip.text
        assert memcached.play(ada, "gets and cas")[1] == b"m1 m2 m3"
        desk.close()


def test_a_shared_redis_keeps_its_memory_limit(
    redis: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = _door(redis, monkeypatch)("ada")
    with pytest.raises(Unsupported, match=r"memory limit.* others may be using this server"):
        traffic.run(source.read(ada), serving.model("linear"), traffic.Setting(room=1_000_000))
    with redis.connect() as client:
        assert client.config_get("maxmemory") == {"maxmemory": "0"}


def test_a_database_that_is_in_use_is_nobodys_room(
    redis: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    come = _door(redis, monkeypatch)
    with redis.connect(db=1) as client:
        client.set("theirs", 1)
    assert come("ada").endpoint.catalog == "2"
    with pytest.raises(Unsupported, match=r"All 2 databases .* redis://host/3"):
        come("ben")
    come("ada").stop()
    assert come("ben").endpoint.catalog == "2"
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
    ada = come("ada")
    ada.stop()
    with redis.connect() as client:
        client.set(f"{rooms.CLAIM}{ada.endpoint.catalog}", "ben")
    write(ada, b"ben's now")
    ada.stop()
    assert read(ada) == b"ben's now"


def test_a_server_without_numbered_databases_is_told_of(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        start("redis", name="shared", settings={"databases": 1}) as only,
        pytest.raises(KitError, match=r"kit\.start"),
    ):
        _door(only, monkeypatch)("ada")


@pytest.mark.parametrize("name", ["ada", "Ada.L-7", "naïve\r\nflush_all", "x" * 200, "a b", "a_b"])
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

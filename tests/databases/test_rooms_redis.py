"""A learner's database on a shared Redis: nobody else's is taken, emptied, heard or held back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.databases.rooms import redis as rooms
from kit.errors import KitError, Unsupported, UsageError
from kit.labs.redis import messages, serving, source, traffic
from kit.labs.redis.commandline import CommandLine
from kit.launch.server import Server
from kit.launch.start import start
from tests.databases.learners import door, read, write


@pytest.fixture
def redis(home: Path) -> Iterator[Server]:
    with start("redis", name="shared", settings={"databases": 3}) as running:
        yield running


def test_a_shared_redis_keeps_its_memory_limit(
    redis: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = door(redis, monkeypatch)("one")
    with pytest.raises(Unsupported, match=r"memory limit.* others may be using this server"):
        traffic.run(source.read(one), serving.model("linear"), traffic.Setting(room=1_000_000))
    with redis.connect() as client:
        assert client.config_get("maxmemory") == {"maxmemory": "0"}


def test_the_redis_command_line_stays_in_its_room_and_does_no_harm(
    redis: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = door(redis, monkeypatch)("one")
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
    come = door(redis, monkeypatch)
    desks = [messages.panel(come(name)) for name in ("one", "other")]
    for number, desk in enumerate(desks):
        assert desk.publish(f"model {number} is live") == 1
    assert [desk.desks["early"].messages for desk in desks] == [
        ["model 0 is live"],
        ["model 1 is live"],
    ]
    for desk in desks:
        desk.close()


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
    come = door(redis, monkeypatch)
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
    come = door(redis, monkeypatch)
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
        door(only, monkeypatch)("one")

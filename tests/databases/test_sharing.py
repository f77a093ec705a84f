"""Several learners on one server: each has a room, cleans it up, and harms nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kit.errors import Unsupported
from kit.labs import memcached, mongodb, stepper
from kit.launch.server import Server
from kit.launch.start import start
from tests.databases.learners import Come, door, read, write

ROOMED = ["redis", "memcached"]


@pytest.fixture(params=ROOMED)
def shared(request: pytest.FixtureRequest, home: Path) -> Iterator[Server]:
    with start(request.param, name="shared") as running:
        yield running


@pytest.fixture
def come(shared: Server, monkeypatch: pytest.MonkeyPatch) -> Come:
    return door(shared, monkeypatch)


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
        one = door(shared, monkeypatch)("one")
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

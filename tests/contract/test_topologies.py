"""Several servers at once: they find each other, they grow and shrink, and none is left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit import databases
from kit.errors import KitError, MissingError, UnknownName, UsageError
from kit.launch import topology as topologies
from kit.launch.server import Server
from kit.launch.start import running, start
from kit.launch.topology import Topology, topology
from tests.containers.fixtures import BACKENDS, IN_CONTAINERS, untouched, usual
from tests.containers.fixtures import found_engine as found_engine
from tests.traces import await_nothing_left, await_true, directories, servers

KINDS = [(one.name, kind) for one in databases.everything() for kind in one.topologies()]
# Servers that know nothing of each other start in containers as single ones do.
RINGS = ("memcached", "postgresql", "redis")
EVERYWHERE = pytest.mark.parametrize(
    ("anywhere", "made"),
    [
        *(pytest.param("process", pair, id="-".join((*pair, "process"))) for pair in KINDS),
        *(
            pytest.param("container", pair, id="-".join((*pair, "container")), marks=IN_CONTAINERS)
            for pair in KINDS
            if pair[1] != "ring" or pair[0] in RINGS
        ),
    ],
    indirect=True,
    scope="module",
)
FOLLOW = [(name, kind) for name, kind in KINDS if kind == "replica"]


@pytest.fixture(scope="module", params=BACKENDS)
def anywhere(request: pytest.FixtureRequest) -> Iterator[str]:
    with usual(request, *RINGS, *(name for name, _ in FOLLOW)) as name:
        yield name


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest, anywhere: str) -> Iterator[Topology]:
    try:
        several = topology(*request.param)
    except MissingError as error:
        pytest.skip(str(error))
    with several:
        yield several


def knows(server: Server, token: str) -> bool:
    kind = databases.get(server.database)
    client = server.connect()
    try:
        return kind.recall(client, token)
    except Exception:  # a replica may know as little of the table as of the row
        return False
    finally:
        kind.close(client)


def working() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("kit-topology")]


@EVERYWHERE
def test_as_many_servers_run_as_the_shape_says_and_all_answer(made: Topology) -> None:
    shape = databases.get(made.database).topologies()[made.kind]
    assert len(made) == len({server.port for server in made}) == shape.nodes
    assert len(made.watchers) == shape.watchers
    assert all(server.state == "running" for server in (*made, *made.watchers))
    assert set(made.roles()) == {server.name for server in (*made, *made.watchers)}


@EVERYWHERE
def test_a_second_notebook_gets_the_same_servers(made: Topology) -> None:
    again = topology(made.database, made.kind, nodes=len(made))
    assert [server.port for server in again] == [server.port for server in made]


@EVERYWHERE
def test_a_further_server_joins_and_leaves_again(made: Topology) -> None:
    before = len(made)
    added = made.add()
    assert added.state == "running"
    assert made[-1] is added
    made.remove(added)
    assert added.state == "stopped"
    assert len(made) == before


@pytest.mark.parametrize("pair", FOLLOW, ids="-".join)
def test_what_the_primary_is_told_its_replicas_know_even_after_a_restart(
    pair: tuple[str, str], anywhere: str
) -> None:
    kind = databases.get(pair[0])
    with topology(*pair, name="follow", nodes=3) as made:
        for server in (made.primary, *made.replicas):
            server.restart()
            token = kind.remember(made.primary.connect())
            for replica in made.replicas:
                await_true(
                    lambda one=replica, fact=token: knows(one, fact),
                    f"{replica.name} knows it, {server.name} restarted",
                )


def test_stopping_a_topology_leaves_nothing(
    own_home: Path, anywhere: str, request: pytest.FixtureRequest
) -> None:
    with untouched(request, own_home):
        made = topology("redis", "replica")
        made.add()
        made.replicas[0].kill()
        assert servers(own_home)
        made.stop()
        made.stop()


def test_if_one_server_fails_the_others_go_too_but_earlier_ones_stay(
    own_home: Path, anywhere: str
) -> None:
    with start("redis", name="mixed-1") as earlier:
        with pytest.raises(KitError):
            topology("redis", "ring", name="mixed", settings={"nonsense": "1"})
        await_true(lambda: directories(own_home) and len(running()) == 1, "the others have gone")
        assert earlier.state == "running"


def test_servers_that_cannot_be_joined_are_stopped(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise UsageError("no")

    monkeypatch.setattr(type(databases.get("redis")), "join", refuse)
    with pytest.raises(UsageError):
        topology("redis", "replica", backend="process")
    await_nothing_left(own_home)


def test_an_interrupt_while_servers_start_leaves_nothing(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    obtain = topologies.obtain

    def late(request: topologies.Request, progress: topologies.Progress) -> topologies.Server:
        if request.name.endswith("-1"):
            raise KeyboardInterrupt
        begun.set()
        go_on.wait(30)
        return obtain(request, progress)

    monkeypatch.setattr(topologies, "obtain", late)
    with pytest.raises(KeyboardInterrupt):
        topology("redis", "ring", backend="process")
    assert begun.wait(30)
    go_on.set()
    await_true(lambda: not working(), "what was under way has come to its end")
    await_nothing_left(own_home)


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        ({"kind": "replicas"}, "replica"),
        ({"kind": "replica", "nodes": 1}, "2 to 16"),
        ({"kind": "ring", "nodes": 99}, "1 to 16"),
        ({"kind": "ring", "nodes": "three"}, "whole number"),
        ({"kind": "ring", "port": 7000}, "port="),
        ({"kind": "ring", "backend": "external"}, "external|own"),
        ({"kind": "ring", "durabel": True}, "durable"),
    ],
)
def test_a_call_that_cannot_be_right_is_refused_before_anything_starts(
    own_home: Path, call: dict[str, object], meant: str
) -> None:
    with pytest.raises((UnknownName, UsageError), match=meant):
        topology("redis", **call)  # type: ignore[arg-type]
    assert servers(own_home) == {}

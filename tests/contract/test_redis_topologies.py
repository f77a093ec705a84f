"""Redis under Sentinels and as a cluster: real servers that fail over, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kit.databases.topologies import redis_cluster, redis_sentinel
from kit.errors import Unsupported
from kit.launch.topology import Topology, topology
from tests.containers.fixtures import BACKENDS, untouched, usual
from tests.containers.fixtures import found_engine as found_engine
from tests.traces import await_true, servers

_NOTEBOOK = """\
import time
from kit.launch.topology import topology
made = topology("redis", {kind!r})
made.primary.kill()
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module", params=BACKENDS)
def anywhere(request: pytest.FixtureRequest) -> Iterator[str]:
    with usual(request, "redis") as name:
        yield name


@pytest.fixture(scope="module")
def watched(anywhere: str) -> Iterator[Topology]:
    with topology("redis", "sentinel", name="watched") as made:
        yield made


@pytest.fixture(scope="module")
def cluster(anywhere: str) -> Iterator[Topology]:
    with topology("redis", "cluster", name="slots") as made:
        yield made


def open_cluster(made: Topology) -> Any:
    from redis.cluster import RedisCluster

    server = next(one for one in made if one.state == "running")
    return RedisCluster(host=server.host, port=server.port, password=server.password, protocol=2)


def serves(made: Topology) -> bool:
    """Tell whether a server that runs finds all slots served."""
    server = next(one for one in made if one.state == "running")
    with closing(server.connect()) as client:
        return bool(client.execute_command("CLUSTER INFO")["cluster_state"] == "ok")


def owned(made: Topology) -> dict[str, list[int]]:
    found = {}
    for server in made:
        with closing(server.connect(protocol=2)) as client:
            found[server.name] = redis_cluster.slots(client)
    return found


def test_servers_that_were_all_killed_find_each_other_again_in_whatever_order_they_come(
    anywhere: str,
) -> None:
    with topology("redis", "replica", name="places", nodes=3) as made:
        before = [server.peer for server in made]
        for server in made:
            server.kill()
        for server in reversed(made.servers):
            server.restart()
        assert [server.peer for server in made] == before
        with closing(made[0].connect()) as client:
            client.set("kept", 1)
            await_true(lambda: client.wait(2, 1000) == 2, "both others follow the first")


def test_sentinels_name_a_new_primary_when_the_old_one_dies_and_take_it_back_as_a_replica(
    watched: Topology,
) -> None:
    first = watched.primary
    with closing(first.connect()) as client:
        client.set("kept", 1)
        client.wait(1, 5000)
    first.kill()
    await_true(lambda: watched.primary.name != first.name, "another one leads")
    with closing(watched.primary.connect()) as client:
        await_true(lambda: client.role()[0] in (b"master", "master"), "it takes writes")
        assert client.get("kept") is not None
    first.restart()
    assert watched.primary.name != first.name

    def follows() -> bool:
        with closing(first.connect()) as client:
            return client.role()[0] in (b"slave", "slave")

    await_true(follows, "the old one follows", patience=60)


def test_the_driver_finds_the_primary_by_asking_the_sentinels(watched: Topology) -> None:
    from redis.sentinel import Sentinel

    password = watched.primary.password
    asked = Sentinel(
        [(one.host, one.port) for one in watched.watchers],
        sentinel_kwargs={"password": password},
        password=password,
    )
    leader = watched.primary
    where = leader.peer.host, leader.peer.port
    assert asked.discover_master(redis_sentinel.SERVICE) == where
    with asked.master_for(redis_sentinel.SERVICE) as client:
        client.set("through", "sentinel")


def test_a_watcher_is_closed_to_strangers(watched: Topology) -> None:
    from redis.exceptions import AuthenticationError

    for watcher in watched.watchers:
        with closing(watcher.connect(password=None)) as client, pytest.raises(AuthenticationError):
            client.sentinel_masters()


def test_a_redis_too_old_for_the_cluster_is_refused_with_what_to_do() -> None:
    with pytest.raises(Unsupported, match="container"):
        redis_cluster.bus_port("6.2.14")
    assert 1024 < redis_cluster.bus_port("7.0.15") < 65_536


def test_all_slots_are_shared_out_evenly_and_every_key_is_found(cluster: Topology) -> None:
    found = owned(cluster)
    assert sorted(slot for slots in found.values() for slot in slots) == list(range(16_384))
    assert max(map(len, found.values())) - min(map(len, found.values())) <= 1
    with closing(open_cluster(cluster)) as client:
        for number in range(300):
            client.set(f"key:{number}", number)
        assert all(int(client.get(f"key:{n}")) == n for n in range(300))


def test_a_node_joins_takes_slots_over_and_gives_them_back_without_losing_a_key(
    cluster: Topology,
) -> None:
    with closing(open_cluster(cluster)) as client:
        for number in range(300):
            client.set(f"moved:{number}", number)
    added = cluster.add()
    given = owned(cluster)[cluster[0].name][:1000]
    assert redis_cluster.move(given, cluster[0], added) > 0
    assert owned(cluster)[added.name] == given
    cluster.remove(added)
    await_true(lambda: sum(map(len, owned(cluster).values())) == 16_384, "the others know of it")
    with closing(open_cluster(cluster)) as client:
        assert all(int(client.get(f"moved:{n}")) == n for n in range(300))


def test_from_six_nodes_on_a_lost_primary_is_replaced_by_its_replica(anywhere: str) -> None:
    with topology("redis", "cluster", name="six", nodes=6) as made:
        roles = list(made.roles().values())
        assert (roles.count("primary"), roles.count("replica")) == (3, 3)
        lost = made[0]
        lost.kill()
        await_true(lambda: list(made.roles().values()).count("primary") == 3, "one took over")
        await_true(lambda: serves(made), "all slots are served")
        lost.restart()
        await_true(lambda: made.roles()[lost.name] == "replica", "it is back, and follows")


@pytest.mark.parametrize("kind", ["sentinel", "cluster"])
def test_a_notebook_killed_in_mid_fail_over_leaves_nothing(
    own_home: Path, kind: str, anywhere: str, request: pytest.FixtureRequest
) -> None:
    with (
        untouched(request, own_home),
        subprocess.Popen(
            [sys.executable, "-c", _NOTEBOOK.format(kind=kind)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"KIT_HOME": str(own_home)},
        ) as notebook,
    ):
        assert notebook.stdout is not None
        assert notebook.stdout.readline() == "ready\n"
        assert servers(own_home)
        notebook.send_signal(signal.SIGKILL)
        notebook.wait()

"""The Memcached exercises: right answers of any kind pass, wrong ones are told why."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from uhashring import HashRing  # type: ignore[import-untyped]

from kit.exercises import check
from kit.launch.server import Server
from kit.launch.start import start


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("memcached", name="exercises") as running:
        yield running


def state(name: str, answer: object, server: Server) -> str:
    return check(name, answer, server=server).state


def complaint(name: str, answer: object, server: Server) -> str:
    verdict = check(name, answer, server=server)
    assert verdict.state == "off", verdict
    assert verdict.hint
    return verdict.message


@pytest.mark.parametrize("value", ["0.93", b"0.930", "9.3e-1"])
def test_a_prediction_that_expires_in_time_is_right(server: Server, value: str | bytes) -> None:
    with closing(server.connect()) as client:
        client.set("p:7:42", value, expire=600, noreply=False)
    assert state("mc-1", "p:7:42", server) == "right"


@pytest.mark.parametrize(
    ("value", "expire", "words"),
    [
        ("0.93", 0, "never expires"),
        ("0.93", 6000, "too long"),
        ("0.5", 600, "0.5"),
        ("x", 60, "number"),
    ],
)
def test_a_prediction_that_is_wrong_or_stays_is_told(
    server: Server, value: str, expire: int, words: str
) -> None:
    with closing(server.connect()) as client:
        client.set("p:wrong", value, expire=expire, noreply=False)
    assert words in complaint("mc-1", "p:wrong", server)
    assert "Nothing lies" in complaint("mc-1", "p:absent", server)
    assert "as text" in complaint("mc-1", 5, server)


def with_cas(client: Any, key: str, name: str) -> None:
    stored = False
    while not stored:
        value, token = client.gets(key)
        votes = json.loads(value)
        votes[name] = votes.get(name, 0) + 1
        stored = client.cas(key, json.dumps(votes), token)


def with_a_lock(client: Any, key: str, name: str) -> None:
    while not client.add(f"{key}:lock", b"1", expire=5):
        pass
    votes = json.loads(client.get(key))
    client.set(key, json.dumps(votes | {name: votes.get(name, 0) + 1}))
    client.delete(f"{key}:lock")


def without_care(client: Any, key: str, name: str) -> None:
    votes = json.loads(client.get(key))
    client.set(key, json.dumps(votes | {name: votes.get(name, 0) + 1}))


@pytest.mark.parametrize("vote", [with_cas, with_a_lock])
def test_any_way_that_loses_no_vote_is_right(
    server: Server, vote: Callable[[Any, str, str], None]
) -> None:
    assert state("mc-2", vote, server) == "right"


def test_votes_that_get_lost_or_go_astray_are_told(server: Server) -> None:
    assert "votes" in complaint("mc-2", without_care, server)
    assert "wrong names" in complaint("mc-2", lambda c, k, _n: with_cas(c, k, "m0"), server)
    assert "no JSON" in complaint("mc-2", lambda c, k, n: c.append(k, n), server)
    assert "function" in complaint("mc-2", "cas", server)


WEIGHTS = {"large": 2, "small-1": 1, "small-2": 1}


@pytest.mark.parametrize("kind", ["ketama", None])
def test_a_ring_with_weights_is_right(server: Server, kind: str | None) -> None:
    assert state("mc-3", HashRing(WEIGHTS, hash_fn=kind), server) == "right"
    doubled = HashRing(
        {name: {"vnodes": 40 * weight} for name, weight in WEIGHTS.items()}, hash_fn=kind
    )
    assert state("mc-3", doubled, server) == "right"


def test_a_ring_without_weights_or_with_other_nodes_is_told(server: Server) -> None:
    assert "large gets" in complaint("mc-3", HashRing(list(WEIGHTS)), server)
    assert "went to a" in complaint("mc-3", HashRing(["a"]), server)
    assert "get_node" in complaint("mc-3", {"large": 2}, server)


PIECE = 1_000_000


def store(client: Any, key: str, value: bytes) -> None:
    parts = [value[n : n + PIECE] for n in range(0, len(value), PIECE)]
    client.set(key, str(len(parts)))
    client.set_many({f"{key}:{n}": part for n, part in enumerate(parts)})


def fetch(client: Any, key: str) -> bytes | None:
    names = [f"{key}:{n}" for n in range(int(client.get(key) or 0))]
    found = client.get_many(names)
    return b"".join(found[name] for name in names) if names and len(found) == len(names) else None


def careless(client: Any, key: str) -> bytes | None:
    count = int(client.get(key) or 0)
    return b"".join(client.get(f"{key}:{n}", b"") for n in range(count)) or None


def test_pieces_that_are_put_together_or_not_at_all_are_right(server: Server) -> None:
    assert state("mc-4", (store, fetch), server) == "right"


def test_pieces_are_found_among_many_other_keys(server: Server) -> None:
    with closing(server.connect()) as client:
        client.set_many({f"other:{n}": b"1" for n in range(2000)}, noreply=False)
    assert state("mc-4", (store, fetch), server) == "right"
    assert "evicted" in complaint("mc-4", (store, careless), server)


def test_what_cannot_stand_the_loss_of_a_piece_is_told(server: Server) -> None:
    assert "evicted" in complaint("mc-4", (store, careless), server)


def test_what_does_not_fit_or_comes_back_changed_is_told(server: Server) -> None:
    def squeeze(client: Any, key: str, value: bytes) -> None:
        client.set(key, zlib.compress(value))

    assert state("mc-4", (squeeze, fetch), server) == "unchecked"
    cut = (lambda c, k, v: store(c, k, v[:-1]), fetch)
    assert "not the same" in complaint("mc-4", cut, server)
    assert "pair" in complaint("mc-4", store, server)


def test_the_hit_ratio_is_that_of_the_servers_counters(server: Server) -> None:
    with closing(server.connect()) as client:
        client.set("there", b"1", noreply=False)
        client.get_many(["there", "absent"])
        counted = client.stats()
    hits, misses = counted[b"get_hits"], counted[b"get_misses"]
    assert state("mc-5", hits / (hits + misses), server) == "right"
    assert complaint("mc-5", hits, server)

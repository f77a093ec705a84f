"""The exercises of `06_memcached.ipynb`: each answer is tried on the running server."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kit.databases.rooms import memcached as rooms
from kit.exercises.exercise import Exercise, Section

if TYPE_CHECKING:
    from kit.launch.server import Server

LARGE = 2_500_000
"""Bytes that do not fit into one item."""

_PREDICTION, _MINUTES = 0.93, 10
_VOTERS, _VOTES = 8, 15
_BALLOT, _MODEL = "check:votes", "check:large"
_NODES = {"large": 0.5, "small-1": 0.25, "small-2": 0.25}
_KEYS = 20_000
_SHARE_OFF = 0.08


@contextmanager
def _client(server: Server) -> Iterator[Any]:
    client = server.connect(default_noreply=False)
    try:
        yield client
    finally:
        client.close()


def _is_cached_for_a_while(server: Server, answer: object) -> str | None:
    """Look for the value under the key, and at the seconds that it has left."""
    if not isinstance(answer, str):
        return "Give the key under which the prediction lies, as text."
    with _client(server) as client:
        value = client.get(answer)
        if value is None:
            return "Nothing lies under that key, or not any more."
        # Meta Get with the flag t: the seconds to live, -1 for ever (doc/protocol.txt).
        whole = client.check_key(answer, client.key_prefix)
        left = int(client.raw_command(b"mg %b t" % whole).split()[1][1:])
    try:
        number = float(value)
    except ValueError:
        return f"What lies there does not read as a number: {value[:40]!r}."
    if number != _PREDICTION:
        return f"The value there is {number}."
    if left < 0:
        return "The value never expires."
    return None if left <= 60 * _MINUTES else f"It has {left} seconds left: that is too long."


def _loses_no_vote(server: Server, answer: object) -> str | None:
    """Have several clients vote at once, and count the votes."""
    if not callable(answer):
        return "Give a function that takes a client, a key and a name."

    def vote(voter: int) -> None:
        with _client(server) as client:
            for number in range(_VOTES):
                answer(client, _BALLOT, f"m{(voter + number) % 3}")

    with _client(server) as client:
        client.set(_BALLOT, b"{}")
        with ThreadPoolExecutor(_VOTERS) as pool:
            list(pool.map(vote, range(_VOTERS)))
        found = client.get(_BALLOT)
        client.delete(_BALLOT)
    try:
        counted = json.loads(found or b"")
        total = sum(counted.values())
    except (ValueError, AttributeError, TypeError):
        return "What lies under the key afterwards is no JSON object that counts votes."
    cast = _VOTERS * _VOTES
    if total != cast:
        return f"{_VOTERS} clients cast {cast} votes at the same time, and {total} were counted."
    right = {f"m{n}": cast // 3 for n in range(3)}
    return None if counted == right else f"The votes went to the wrong names: {counted}."


def _shares_by_weight(_server: Server, answer: object) -> str | None:
    """Ask the ring for many keys."""
    node = getattr(answer, "get_node", None)
    if not callable(node):
        return "Give a ring: a HashRing, or anything else with get_node(key)."
    counted = Counter(node(f"features:{number}") for number in range(_KEYS))
    if set(counted) != set(_NODES):
        return f"The keys went to {', '.join(map(str, sorted(counted, key=str)))}."
    for name, share in _NODES.items():
        found = counted[name] / _KEYS
        if abs(found - share) > _SHARE_OFF:
            return f"{name} gets {found:.0%} of the keys; it should be about {share:.0%}."
    return None


def _keeps_what_is_large(server: Server, answer: object) -> str | None:
    """Store more than one item holds, read it back, lose a piece, and read again."""
    if not isinstance(answer, tuple) or len(answer) != 2 or not all(map(callable, answer)):
        return "Give two functions as a pair: (store, fetch)."
    store, fetch = answer
    value = random.Random(0).randbytes(LARGE)
    with _client(server) as client:
        before = _keys(client)
        store(client, _MODEL, value)
        pieces = sorted(_keys(client) - before)
        found = fetch(client, _MODEL)
        if found != value:
            got = f"{len(found):,} bytes" if isinstance(found, bytes) else repr(found)
            return f"Of {LARGE:,} bytes fetch gave back {got}, and they are not the same."
        complaint = _forgets_it_whole(client, fetch, pieces)
        client.delete_many(pieces)
    return complaint


def _forgets_it_whole(client: Any, fetch: Any, pieces: list[str]) -> str | None:
    """Lose one piece at a time, as an eviction would, and expect None."""
    for piece in pieces:
        kept = client.get(piece)
        client.delete(piece)
        found = fetch(client, _MODEL)
        if found is not None:
            return f"Without the piece {piece!r}, which may be evicted, fetch does not return None."
        client.set(piece, kept)
    return None


def _keys(client: Any) -> set[str]:
    """Return the names of the client's keys on the server, without its prefix."""
    own = client.key_prefix.decode()
    found = (key.decode(errors="replace") for key in rooms.keys(client))
    return {name.removeprefix(own) for name in found if name.startswith(own)}


def _hit_ratio(server: Server) -> float:
    with _client(server) as client:
        counted = client.stats()
    hits, misses = int(counted[b"get_hits"]), int(counted[b"get_misses"])
    return hits / (hits + misses)


SECTION = Section(
    notebook="06_memcached",
    title="Memcached",
    database="memcached",
    exercises=(
        Exercise(
            id="mc-1",
            title="A prediction for ten minutes",
            verify=_is_cached_for_a_while,
            hints=(
                "set takes the seconds to live as expire=.",
                'mc.connect().set("…", "0.93", expire=600); the answer is the key.',
            ),
        ),
        Exercise(
            id="mc-2",
            title="No vote is lost",
            verify=_loses_no_vote,
            hints=(
                "Between get and set somebody else may have voted. Which command notices?",
                "gets gives value and token; cas returns False when the token is old: then read "
                "again and try once more, in a loop.",
            ),
        ),
        Exercise(
            id="mc-3",
            title="A larger node",
            verify=_shares_by_weight,
            hints=(
                "HashRing takes a dict of names and weights in place of a list.",
                'HashRing({"large": 2, …}, hash_fn="ketama").',
            ),
        ),
        Exercise(
            id="mc-4",
            title="Larger than one item",
            verify=_keeps_what_is_large,
            hints=(
                "Cut the bytes into pieces of less than 1 MB, each under a key of its own, and "
                "keep their number under the first key.",
                "Any piece may be evicted at any time: get_many, and None unless all are there.",
            ),
        ),
        Exercise(
            id="mc-5",
            title="The hit ratio",
            expected=_hit_ratio,
            tolerance=1e-3,
            hints=(
                "stats() counts get_hits and get_misses since the server started.",
                'stats = mc.connect().stats(); then stats[b"get_hits"] by the sum of both.',
            ),
        ),
    ),
)

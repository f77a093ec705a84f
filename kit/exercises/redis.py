"""The exercises of `05_redis.ipynb`; what is right is asked of the server, each time anew."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from kit.exercises.exercise import Exercise, Section

if TYPE_CHECKING:
    from kit.launch.server import Server

BOARD = {"linear": 0.956, "forest": 0.982, "baseline": 0.102}
_TOKENS, _TAKERS = 10, 16

Work = Callable[[Any], Any]


def _kept_for_ten_minutes(server: Server, answer: object) -> str | None:
    """Look for a whole prediction under the key, and for the time that it has left."""
    if not isinstance(answer, str):
        return "Give the key, as text."
    found, left = _asked(server, lambda client: [client.get(answer), client.ttl(answer)])
    if found is None:
        return "The server has nothing under that key."
    if not _is_prediction(found):
        return "What is kept there is no answer of the model's."
    if answer != _wanted_key():
        return "The key is not that of input 42: ask the model for it."
    if left < 0:
        return "It is kept for ever."
    return None if left <= 600 else f"It is kept for {left} more seconds; at most 600 were wanted."


def _board_is_there(server: Server, _answer: object) -> str | None:
    """Compare the sorted set with what was to be entered."""
    kind = _asked(server, lambda client: client.type("board:exercise"))
    if kind != "zset":
        return f"board:exercise holds a {kind}; a sorted set was asked for."
    pairs = _asked(server, lambda client: client.zrange("board:exercise", 0, -1, withscores=True))
    return None if dict(map(tuple, pairs)) == BOARD else "Names or scores differ from the table."


def _counts_and_forgets(server: Server, answer: object) -> str | None:
    """Call the learner's function on a fresh key, and look at the count and its time."""
    if not callable(answer):
        return "Give a function that takes a key."
    key = f"exercise:{uuid4().hex}"
    with closing(server.connect(decode_responses=True)) as client:
        try:
            counts = [int(answer(key)) for _ in range(2)]
            first = client.ttl(key)
            client.expire(key, 20)
            counts.append(int(answer(key)))
            held, left = client.get(key), client.ttl(key)
        finally:
            client.unlink(key)
    if counts != [1, 2, 3] or held != "3":
        return f"Three calls returned {counts}; they should count 1, 2, 3 on the server."
    if first < 0:
        return "The count is kept for ever."
    if first > 60:
        return f"The count is kept for {first} seconds."
    return None if left <= 20 else "A later visit prolongs the minute: it should end when it ends."


def _takes_exactly(server: Server, answer: object) -> str | None:
    """Let many clients run the script at once: as many tokens must be taken as there are."""
    if not isinstance(answer, str):
        return "Give the text of the script."
    key = f"exercise:{uuid4().hex}"
    with closing(server.connect(decode_responses=True)) as client:
        try:
            if client.eval(answer, 1, key, 1) or client.exists(key):
                return "Where the key is missing there is nothing to take: return 0, write nothing."
            client.set(key, 3)
            if client.eval(answer, 1, key, 5) or client.get(key) != "3":
                return "With 3 tokens left, taking 5 must return 0 and leave the 3 alone."
            client.set(key, _TOKENS)
            taken = _take_at_once(server, answer, key)
            left = client.get(key)
        finally:
            client.unlink(key)
    if (taken, left) == (_TOKENS, "0"):
        return None
    return f"{_TAKERS} clients took {taken} of {_TOKENS} tokens, and {left} are left."


def _are_sketches(server: Server, _answer: object) -> str | None:
    """Look whether the days are HyperLogLogs, which Redis keeps as strings of their own."""
    for day in ("monday", "tuesday"):
        head = _head(server, f"users:{day}")
        if head != "HYLL":
            return f"users:{day} is no HyperLogLog: PFADD makes one."
    return None


def _share_a_slot(_server: Server, answer: object) -> str | None:
    """Compute the slots as every client does."""
    from redis.crc import key_slot

    names = list(answer) if isinstance(answer, list | tuple) else []
    if len(names) != 2 or not all(isinstance(name, str) for name in names):
        return "Give two names, as a tuple."
    if names[0] == names[1] or not all("7" in name for name in names):
        return "They should be two different names, each about user 7."
    slots = [key_slot(name.encode()) for name in names]
    if slots[0] != slots[1]:
        return f"Their slots are {slots[0]:,} and {slots[1]:,}."
    others = {key_slot(name.replace("7", "8").encode()) for name in names}
    return None if slots[0] not in others else "User 8 would share the slot too: tag the user."


def _take_at_once(server: Server, script: str, key: str) -> int:
    taken: list[int] = []

    def take() -> None:
        with closing(server.connect()) as client:
            taken.extend(bool(client.eval(script, 1, key, 1)) for _ in range(3))

    threads = [threading.Thread(target=take, daemon=True) for _ in range(_TAKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(taken)


def _asked(server: Server, work: Work) -> Any:
    with closing(server.connect(decode_responses=True)) as client:
        return work(client)


def _head(server: Server, key: str) -> Any:
    return _asked(server, lambda client: client.getrange(key, 0, 3))


def _is_prediction(found: str) -> bool:
    try:
        return bool(0 <= json.loads(found)["digit"] <= 9)
    except (ValueError, KeyError, TypeError):
        return False


def _wanted_key() -> str:
    from kit.labs.redis.serving import key_of

    return key_of("forest", 42)


SECTION = Section(
    notebook="05_redis",
    title="Redis",
    database="redis",
    exercises=(
        Exercise(
            id="rd-1",
            title="Kept for ten minutes",
            verify=_kept_for_ten_minutes,
            hints=(
                "model.key(42) is the key and model.predict(42) the value.",
                "r.set(key, value, ex=…) takes the time to live in seconds.",
            ),
        ),
        Exercise(
            id="rd-2",
            title="A leaderboard",
            expected=sorted(BOARD, key=lambda name: -BOARD[name]),
            ordered=True,
            verify=_board_is_there,
            hints=(
                "ZADD takes a mapping of members to scores.",
                'r.zrevrange("board:exercise", 0, -1) returns the members from the top.',
            ),
        ),
        Exercise(
            id="rd-3",
            title="Visits in this minute",
            verify=_counts_and_forgets,
            hints=(
                "INCR returns the new count. Only the first visit starts the clock.",
                "count = r.incr(key); if count == 1: r.expire(key, 60).",
            ),
        ),
        Exercise(
            id="rd-4",
            title="Take only what is there",
            verify=_takes_exactly,
            hints=(
                "tonumber(redis.call('GET', KEYS[1]) or 0) is what is there.",
                "Compare it with tonumber(ARGV[1]), return 0 or DECRBY and return 1.",
            ),
        ),
        Exercise(
            id="rd-5",
            title="Different users of two days",
            expected=lambda server: _asked(
                server, lambda client: client.pfcount("users:monday", "users:tuesday")
            ),
            verify=_are_sketches,
            hints=(
                "PFADD adds members; a member added twice counts once.",
                'r.pfcount("users:monday", "users:tuesday") counts over both.',
            ),
        ),
        Exercise(
            id="rd-6",
            title="Two keys, one slot",
            verify=_share_a_slot,
            hints=(
                "What stands between braces decides alone about the slot.",
                "user:{7}:… twice, with another ending each time.",
            ),
        ),
    ),
)

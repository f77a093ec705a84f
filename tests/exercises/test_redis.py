"""The exercises on Redis: any right way passes, and what is wrong is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.exercises import check
from kit.exercises.redis import BOARD
from kit.labs.redis import serving
from kit.launch.server import Server
from kit.launch.start import start

ORDER = ["forest", "linear", "baseline"]
TAKE = """
local there = tonumber(redis.call('GET', KEYS[1]) or 0)
if there < tonumber(ARGV[1]) then return 0 end
redis.call('DECRBY', KEYS[1], ARGV[1])
return 1
"""


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("redis", name="exercises") as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    opened = server.connect(decode_responses=True)
    opened.flushall()
    yield opened
    opened.close()


def state(server: Server, exercise: str, answer: object) -> tuple[str, str]:
    verdict = check(exercise, answer, server=server)
    return verdict.state, verdict.message


def counter(client: Any, *, always: bool = False, never: bool = False) -> Callable[[str], int]:
    def visit(key: str) -> int:
        count = int(client.incr(key))
        if (count == 1 or always) and not never:
            client.expire(key, 60)
        return count

    return visit


def test_the_key_of_an_answer_is_known_without_fitting_the_model() -> None:
    model = serving.model("linear")
    assert all(serving.key_of("linear", n) == model.key(n) for n in (0, 42, 449, 450, 1796))


def test_a_prediction_must_be_whole_under_its_key_and_forgotten_in_time(
    server: Server, client: Any
) -> None:
    key, answer = serving.key_of("forest", 42), '{"digit": 4}'
    assert "nothing under that key" in state(server, "rd-1", key)[1]
    client.set(key, "four", ex=600)
    assert "no answer" in state(server, "rd-1", key)[1]
    client.set(key, answer)
    assert "for ever" in state(server, "rd-1", key)[1]
    client.set(key, answer, ex=3600)
    assert "more seconds" in state(server, "rd-1", key)[1]
    client.set("other", answer, ex=600)
    assert "input 42" in state(server, "rd-1", "other")[1]
    client.set(key, answer, ex=600)
    assert state(server, "rd-1", key)[0] == "right"


def test_a_board_must_be_a_sorted_set_and_the_answer_in_its_order(
    server: Server, client: Any
) -> None:
    client.rpush("board:exercise", *ORDER)
    assert "a list" in state(server, "rd-2", ORDER)[1]
    client.unlink("board:exercise")
    client.zadd("board:exercise", {**BOARD, "linear": 0.5})
    assert "differ" in state(server, "rd-2", ORDER)[1]
    client.zadd("board:exercise", BOARD)
    assert state(server, "rd-2", ORDER[::-1])[0] == "off"
    assert state(server, "rd-2", ORDER)[0] == "right"
    assert state(server, "rd-2", tuple(ORDER))[0] == "right"


def test_a_minute_of_visits_ends_a_minute_after_the_first(server: Server, client: Any) -> None:
    assert "for ever" in state(server, "rd-3", counter(client, never=True))[1]
    assert "prolongs" in state(server, "rd-3", counter(client, always=True))[1]
    assert "count 1, 2, 3" in state(server, "rd-3", lambda key: len(key))[1]
    assert state(server, "rd-3", "INCR")[0] == "off"
    assert state(server, "rd-3", counter(client))[0] == "right"
    assert client.keys("exercise:*") == []


def test_tokens_are_taken_by_many_at_once_and_never_more_than_there_are(
    server: Server, client: Any
) -> None:
    careless = "redis.call('DECRBY', KEYS[1], ARGV[1]) return 1"
    greedy = TAKE.replace("tonumber(ARGV[1])", "1")
    assert "missing" in state(server, "rd-4", careless)[1]
    assert "3 tokens left" in state(server, "rd-4", greedy)[1]
    assert state(server, "rd-4", "return nonsense(")[0] == "unchecked"
    assert state(server, "rd-4", TAKE)[0] == "right"
    assert client.keys("exercise:*") == []


def test_users_are_counted_by_sketches(server: Server, client: Any) -> None:
    client.sadd("users:monday", "user-1", "user-2", "user-3")
    assert state(server, "rd-5", 4)[0] != "right"
    client.unlink("users:monday")
    client.pfadd("users:monday", "user-1", "user-2", "user-3")
    client.pfadd("users:tuesday", "user-2", "user-3", "user-4")
    assert state(server, "rd-5", 6)[0] == "off"
    assert state(server, "rd-5", 4)[0] == "right"


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (("user:{7}:profile", "user:{7}:basket"), True),
        (["{user:7}:profile", "{user:7}:basket"], True),
        (("user:7:profile", "user:7:basket"), False),
        (("{user}:7:profile", "{user}:7:basket"), False),
        (("user:{7}", "user:{7}"), False),
        ("user:{7}:profile", False),
    ],
)
def test_two_keys_of_one_user_share_a_slot_that_others_need_not(
    server: Server, answer: object, right: bool
) -> None:
    assert (state(server, "rd-6", answer)[0] == "right") is right

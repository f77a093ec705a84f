"""The explorer's command line, on a real Redis and beside the real redis-cli."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any

import pytest

from kit.labs.redis.keyspace import Explorer
from kit.labs.redis.reply import spelled, split
from kit.launch.server import Server
from tests.labs.redis.terminal import answers
from tests.traces import await_true

SCRIPT = r"""
set greeting "hello world"
get greeting
get nothing
incr greeting
rpush l a "b c" '' "q\"uote" d e f g h i j
lrange l 0 -1
hset h f1 v1 f2 "\x00\xff\n"
hgetall h
zadd z 1.5 a 2 b
zrange z 0 -1 withscores
sadd s 1 2 3
smembers s
lrange missing 0 -1
type h
ttl greeting
xadd log 1-1 loss 0.5 accuracy 0.9
xadd log 1-2 loss 0.4 accuracy 0.92
xrange log - +
eval "return {1,{2,{},false,{'x','y'}},'z'}" 0
eval "return {err='MY own error'}" 0
multi
incr counter
lpush greeting x
exec
get l
nonsense a b
get
set é ü
get é
3 incr many
select 1
dbsize
select 0
object encoding h
config get maxmemory-policy
ping "unclosed
echo "tab\there"
info replication
client setname lesson
client getname
"""


@pytest.mark.skipif(not shutil.which("redis-cli"), reason="redis-cli is not on this machine")
def test_the_command_line_answers_as_redis_cli_does_to_the_letter(
    server: Server, client: Any, panel: Explorer
) -> None:
    lines = SCRIPT.strip().splitlines()
    for line in lines:
        panel.line.run(line)
    ours = "\n".join(reply for reply in answers(panel) if reply)
    client.flushall()
    cli = subprocess.run(
        ["redis-cli", "--no-raw", "-p", str(server.port)],
        input="\n".join(lines) + "\n",
        env=os.environ | {"REDISCLI_AUTH": server.password},
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = cli.stdout.replace("\r", "").strip().splitlines()
    assert ours.splitlines() == theirs


@pytest.mark.parametrize(
    "value", [b"", b"plain", b"two words", b"\x00\xff", b"it's", b'"', b"back\\slash", "é".encode()]
)
def test_what_is_spelled_is_read_back_as_the_same_bytes(value: bytes) -> None:
    assert split(spelled(["SET", "k", value])) == [b"SET", b"k", value]


def test_the_prompt_follows_database_transaction_and_loss(panel: Explorer, server: Server) -> None:
    prompts = []
    for line in ("ping", "select 2", "multi", "discard", "select 0", "quit"):
        panel.line.run(line)
        prompts.append(panel.line.terminal.prompt.replace(server.address, ""))
    assert prompts == ["> ", "[2]> ", "[2](TX)> ", "[2]> ", "> ", "not connected> "]
    assert panel.line.run("ping")


def test_help_is_the_servers_own(panel: Explorer) -> None:
    panel.line.run("help setex")
    panel.line.run("help @hash")
    entry, group = answers(panel)[-2:]
    assert entry.startswith("SETEX key seconds value\nsummary: ")
    assert "HSET: " in group
    assert "LPUSH" not in group


def test_a_command_that_waits_is_cancelled_and_the_line_goes_on(panel: Explorer) -> None:
    panel.line.terminal._hear(None, {"event": "run", "value": "blpop nothing 0"}, [])
    await_true(lambda: panel.line.terminal.busy, "it waits")
    panel.line.cancel.click()
    await_true(lambda: not panel.line.terminal.busy, "it has stopped waiting")
    assert panel.line.run("echo on")
    assert answers(panel)[-1] == '"on"'


def test_a_subscription_is_read_until_it_is_cancelled(panel: Explorer, client: Any) -> None:
    panel.line.terminal._hear(None, {"event": "run", "value": "subscribe news"}, [])
    await_true(lambda: client.pubsub_numsub("news")[0][1] == 1, "it is subscribed")
    client.publish("news", "retrained")
    await_true(lambda: "retrained" in answers(panel)[-1], "the message is shown")
    panel.line.cancel.click()
    await_true(lambda: client.pubsub_numsub("news")[0][1] == 0, "it has left")


def test_a_wrong_command_is_told_as_the_server_says_it(client: Any, panel: Explorer) -> None:
    client.rpush("l", 1)
    panel.line.run("get l")
    entry = panel.line.terminal.entries[-1]
    assert entry["reply"].startswith("(error) WRONGTYPE")
    assert not entry["ok"]


def test_long_names_are_shown_and_a_value_above_the_limit_is_refused_and_the_line_goes_on(
    client: Any, panel: Explorer
) -> None:
    client.set("k" * 300, 1)
    client.set("line\nend", 1)
    assert {key.name for key in panel.scan()} == {b"k" * 300, b"line\nend"}
    client.config_set("proto-max-bulk-len", 1024 * 1024)
    assert not panel.line.run("set big " + "x" * (1024 * 1024 + 1))
    assert panel.line.terminal.entries[-1]["reply"]
    client.config_set("proto-max-bulk-len", 512 * 1024 * 1024)
    assert panel.line.run("ping")
    assert answers(panel)[-1] == "PONG"

"""The keyspace explorer on a real Redis: what it shows is the server's own, and inert."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.errors import UsageError
from kit.labs.redis import keyspace, structures
from kit.labs.redis.keys import STEP
from kit.labs.redis.keyspace import Explorer
from kit.labs.redis.reply import readable, spelled
from kit.launch.server import Server
from kit.launch.start import start
from tests.labs.redis.terminal import answers
from tests.traces import await_true

HOSTILE = '<script>alert(1)</script>"\n\u202e'
MILLION = 1_000_000


def said(panel: Explorer) -> str:
    return panel.notice.static_text()


def test_type_time_memory_and_encoding_are_the_servers(client: Any, panel: Explorer) -> None:
    client.set("prediction:1", "7", ex=3600)
    client.hset("features:1", mapping={"width": 8})
    found = {key.name: key for key in panel.scan()}
    prediction, features = found[b"prediction:1"], found[b"features:1"]
    assert (prediction.kind, features.kind) == ("string", "hash")
    assert prediction.ttl == pytest.approx(3600, abs=30)
    assert features.ttl is None
    assert prediction.memory == client.memory_usage("prediction:1")
    assert prediction.encoding == client.object("encoding", "prediction:1").decode()
    assert "expires in" not in panel.static_text()
    assert "prediction:1" in panel.static_text()


def test_time_to_live_counts_down_while_the_panel_watches(client: Any, panel: Explorer) -> None:
    client.set("soon", 1, px=1500)
    panel.scan()
    panel.watch.start()
    await_true(lambda: not panel.found, "the key has expired before one's eyes")
    panel.watch.stop()


@pytest.mark.parametrize(
    ("kind", "steps", "holds"),
    [
        ("string", [("SET", "a"), ("APPEND", "b")], [("ab",)]),
        ("list", [("RPUSH", "b"), ("LPUSH", "a"), ("LSET", "1", "c")], [(0, "a"), (1, "c")]),
        ("set", [("SADD", "a"), ("SADD", "b"), ("SREM", "a")], [("b",)]),
        ("hash", [("HSET", "f", "1"), ("HINCRBY", "f", "4")], [("f", "5")]),
        ("zset", [("ZADD", "1", "a"), ("ZINCRBY", "2", "a")], [(0, "a", 3.0)]),
    ],
)
def test_each_structure_is_edited_by_its_own_commands(
    panel: Explorer, kind: str, steps: list[tuple[str, ...]], holds: list[tuple[object, ...]]
) -> None:
    panel.choose("key to edit")
    assert panel.editor.command.value == "SET"
    assert panel.editor.fields[0].layout.display is None
    for command, *given in steps:
        panel.editor.command.value = command
        for field, value in zip(panel.editor.fields, given, strict=False):
            field.value = value
        panel.apply()
    assert panel.editor.table.grids[0].rows == holds
    assert panel.editor.table.grids[0].caption.startswith(kind)
    assert panel.line.terminal.entries[-1]["line"].startswith(f'{steps[-1][0]} "key to edit"')
    assert set(structures.edits(kind)) >= {command for command, *_ in steps}


def test_a_million_keys_are_walked_in_small_steps_and_never_at_once(
    server: Server, client: Any, panel: Explorer
) -> None:
    client.execute_command("DEBUG", "POPULATE", MILLION)
    client.config_resetstat()
    first, second = panel.scan(), panel.next()
    assert len(first) == len(second) == 20
    assert not {key.name for key in first} & {key.name for key in second}
    panel.match.value = "nothing like it"
    assert panel.scan() == []
    assert panel.walk is not None
    assert not panel.walk.finished
    assert all(f"COUNT {STEP}" in line for line in panel.walk.ran)
    calls = set(client.info("commandstats"))
    assert calls <= {f"cmdstat_{name}" for name in (
        "scan", "type", "pttl", "memory|usage", "object|encoding", "dbsize", "info",
        "config|resetstat", "auth", "select", "client|setinfo", "config",
    )}  # fmt: skip
    client.flushall()


def test_large_structures_are_read_in_part(client: Any, panel: Explorer) -> None:
    client.rpush("long", *range(5000))
    client.sadd("wide", *range(5000))
    client.hset("deep", mapping={i: i for i in range(5000)})
    client.set("big", "x" * 5_000_000)
    for name in ("long", "wide", "deep", "big"):
        panel.choose(name)
        grid = panel.editor.table.grids[0]
        assert len(grid.rows) <= structures.MOST
        assert all(len(str(cell)) <= structures.CLIP for row in grid.rows for cell in row)
    assert "5,000,000 bytes" in panel.editor.table.html


def test_hostile_names_and_values_are_inert_and_can_be_opened(client: Any, panel: Explorer) -> None:
    client.set(HOSTILE, HOSTILE)
    client.set(b"\xff\x00", b"\x80binary")
    panel.scan()
    for key in panel.found:
        panel.table._hear(None, {"event": "chosen", "value": [key.id]}, [])
        await_true(lambda k=key: panel.editor.key.value == spelled([k.name]), "it is open")
        await_true(lambda: bool(panel.editor.table.grids), "its entries are there")
    panel.line.run("get " + spelled([HOSTILE.encode()]))
    shown = panel.table.html + panel.editor.table.html + panel.static_html()
    assert "<script" not in shown
    assert "\u202e" not in shown
    assert readable(b"\x80binary") in panel.editor.table.static_text()


def test_an_empty_server_says_how_to_begin(panel: Explorer) -> None:
    assert panel.scan() == []
    assert panel.status.state == "empty"
    assert "SET greeting hello" in said(panel)


def test_a_killed_server_gives_one_clear_message_and_the_panel_goes_on(home: Path) -> None:
    with start("redis", name="victim", durable=True) as victim:
        victim.connect().set("kept", 1)
        panel = keyspace.explorer(victim, watch=False)
        victim.kill()
        panel.scan()
        assert panel.status.state == "failed"
        assert "restart()" in said(panel)
        assert victim.password not in panel.static_html()
        assert not panel.line.run("get kept")
        assert answers(panel)[-1].startswith("Could not connect to Redis at")
        victim.restart()
        assert [key.name for key in panel.scan()] == [b"kept"]
        assert panel.line.run("get kept")
        panel.close()


def test_a_panel_that_is_closed_leaves_no_connection_and_no_thread(
    server: Server, client: Any
) -> None:
    before = len(client.client_list())
    panel = keyspace.explorer(server, lines=("ping",))
    panel.close()
    assert not panel.watch.running
    await_true(lambda: len(client.client_list()) == before, "its connections are closed")


@pytest.mark.parametrize("given", ["postgresql://u:hunter2@h/d", "hunter2", 42, None])
def test_what_is_no_redis_is_refused_without_quoting_it(given: Any) -> None:
    with pytest.raises(UsageError) as refused:
        keyspace.explorer(given)
    assert "hunter2" not in str(refused.value)

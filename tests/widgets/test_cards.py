"""What a notebook shows of a server: its state as it changes; neither address nor secret saved."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from kit.launch.server import SecretURL, Server
from kit.launch.start import start
from kit.launch.topology import topology
from kit.notebook import Progress, card
from kit.widgets.card import Card
from kit.widgets.nodes import Nodes
from kit.widgets.parts import VIEW
from tests.panels import said
from tests.traces import await_true
from tests.widgets.seen import HOSTILE, inert, states


@pytest.fixture(scope="module")
def redis(home: Any) -> Iterator[Server]:
    with start("redis", name="card") as server:
        yield server


def test_a_card_says_what_answers_and_saves_neither_address_nor_secret(redis: Server) -> None:
    shown = card(redis)
    assert card(redis) is shown
    live = states(shown)
    assert redis.address in live
    assert redis.version in live
    assert redis.password not in live
    bundle = shown._repr_mimebundle_()
    saved = bundle["text/html"] + bundle["text/plain"]
    assert bundle["text/plain"] == f"Redis {redis.version.split('.')[0]} · running · local process"
    assert str(redis.port) not in saved
    assert redis.password not in saved


def test_a_card_turns_when_its_server_dies_and_when_it_is_brought_back(redis: Server) -> None:
    shown = card(redis)
    redis.kill()
    await_true(lambda: said(shown) == "✗ exited", "the card says exited")
    assert "Restart" in shown.notice.value
    shown.buttons["Restart"].click()
    await_true(lambda: said(shown) == "● running", "the card says running")
    assert redis.connect().ping()
    assert shown.notice.value == ""


def test_a_cards_log_is_escaped_and_shown_on_demand(redis: Server) -> None:
    shown = card(redis)
    shown.buttons["Logs"].click()
    assert "Ready to accept connections" in shown.tail.value
    assert shown.tail.layout.display is None
    shown.buttons["Logs"].click()
    assert shown.tail.layout.display == "none"


def test_a_stopped_server_leaves_a_card_that_offers_nothing_more(home: Any) -> None:
    server = start("redis", name="short")
    shown = card(server)
    shown.buttons["Stop"].click()
    await_true(lambda: said(shown) == "○ stopped", "the card says stopped")
    assert shown.buttons["Restart"].disabled
    assert shown.buttons["Stop"].disabled
    assert "kit.start" in shown.notice.value
    shown.close()


class Stranger:
    """A server whose every word is hostile, as no server of the kit's can be."""

    database = title = product = version = note = address = name = HOSTILE
    backend, state = "external", "running"
    url = SecretURL("redis://:hunter2@h/0")

    def logs(self, lines: int = 50) -> str:
        return HOSTILE

    def restart(self) -> None: ...

    def stop(self) -> None: ...

    def on_change(self, listener: Any) -> Any:
        return lambda: None


def test_a_hostile_servers_words_are_text_in_its_card() -> None:
    shown = Card(Stranger())
    shown.buttons["Logs"].click()
    markup = [shown.facts.value, shown.tail.value, shown.status.value, shown._heading.value]
    assert inert("".join([*markup, shown.static_html()]))
    assert "hunter2" not in states(shown)
    assert [button.description for button in shown.controls.children] == ["Logs"]


def test_progress_says_nothing_of_a_quick_start_and_wipes_what_it_said_of_a_slow_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    with Progress("Starting x", said.append) as progress:
        progress("first step")
    assert said == []
    monkeypatch.setattr("kit.notebook.PATIENCE", 0.0)
    with Progress("Starting x", said.append) as progress:
        await_true(lambda: said, "it says that it starts")
        progress("second step")
    assert said == ["Starting x …", "Starting x: second step", ""]


def test_a_kernel_shows_a_card_for_a_server_and_progress_that_is_no_output(home: Any) -> None:
    code = (
        "import kit, kit.notebook\n"
        "kit.notebook.PATIENCE = 0.0\n"
        "server = kit.start('redis', name='card-kernel')\n"
        "server"
    )
    manager, client = start_new_kernel(env=os.environ.copy())
    try:
        shown: list[Any] = []
        client.execute_interactive(code, timeout=60, output_hook=shown.append)
        client.execute_interactive("server.stop()", timeout=60, output_hook=shown.append)
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
    errors = [message["content"] for message in shown if message["msg_type"] == "error"]
    assert errors == []
    value = next(m["content"]["data"] for m in shown if m["msg_type"] == "execute_result")
    assert VIEW in value
    assert value["text/plain"].endswith("running · local process")
    assert {m["msg_type"] for m in shown} & {"display_data", "update_display_data"} == set()
    said: dict[str, list[str]] = {}
    for content in (m["content"] for m in shown if m["msg_type"] == "comm_msg"):
        if "text" in (state := content["data"].get("state", {})):
            said.setdefault(content["comm_id"], []).append(state["text"])
    (line,) = [texts for texts in said.values() if texts[0].startswith("Starting redis")]
    assert line[-1] == ""


def test_the_table_of_a_topology_says_when_one_of_its_servers_is_down() -> None:
    with topology("redis", "replica", name="tabled", backend="process") as made:
        table = Nodes(made)
        assert "2 of 2 servers running" in table.status.value
        assert [row[:2] for row in table.table.grids[0].rows] == [
            ["tabled-1", "primary"],
            ["tabled-2", "replica"],
        ]
        made[1].kill()
        await_true(lambda: "1 of 2 servers running" in table.status.value, "the table says so")
        assert str(made[1].port) not in table.static_html()
        table.close()

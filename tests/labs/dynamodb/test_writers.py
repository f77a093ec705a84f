"""Writers on a real server: what is lost without a condition, and what is refused with one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.errors import UnknownName
from kit.labs.dynamodb import locking
from kit.labs.dynamodb.layout import pages
from kit.launch.server import Server
from kit.launch.start import start
from tests.labs.dynamodb.stories import played, story_of


@pytest.fixture
def writers(server: Server) -> Iterator[locking.Writers]:
    opened = locking.writers(server)
    yield opened
    opened.close()


def card(server: Server) -> dict[str, Any]:
    found = server.connect().Table("kit_writers").get_item(Key={"model": "digits"})["Item"]
    return dict(found)


def test_without_a_condition_one_of_two_writes_is_lost(
    writers: locking.Writers, server: Server
) -> None:
    found = played(writers, story_of(locking.STORIES, "two writers, no condition"))
    assert [state for _, state, _ in found] == ["done"] * 6
    assert card(server)["trainings"] == 11
    assert writers.ended is not None
    assert not writers.ended[0]


def test_with_a_version_the_second_writer_is_refused_and_then_nothing_is_lost(
    writers: locking.Writers, server: Server
) -> None:
    found = played(writers, story_of(locking.STORIES, "optimistic locking"))
    refused = [(lane, said) for lane, state, said in found if state == "refused"]
    assert [lane for lane, _ in refused] == [1]
    assert refused[0][1].startswith("ConditionalCheckFailedException")
    assert (card(server)["trainings"], card(server)["version"]) == (12, 3)


def test_the_server_can_add_without_anybody_reading(
    writers: locking.Writers, server: Server
) -> None:
    played(writers, story_of(locking.STORIES, "let the server add"))
    assert card(server)["trainings"] == 12


def test_a_cancelled_transaction_gives_its_reasons_and_changes_nothing(
    writers: locking.Writers, server: Server
) -> None:
    found = played(writers, story_of(locking.STORIES, "two transactions"))
    assert [state for _, state, _ in found] == ["done", "refused"]
    assert "TransactionCanceledException" in found[1][2]
    assert "[ConditionalCheckFailed, None]" in found[1][2]
    items = {one["model"]: one for one in pages(server.connect().Table("kit_writers"), "scan")}
    assert (items["old"]["stage"], items["first"]["stage"]) == ("retired", "champion")
    assert "stage" not in items["second"]


def test_a_story_waits_for_its_reader_and_its_saved_picture_tells_the_end(
    writers: locking.Writers,
) -> None:
    assert writers.ended is None
    assert writers.lanes.course.entries[0].state == "next"
    assert "one of the two was lost" in writers.static_text()
    assert writers.step()
    states = [one.state for one in writers.lanes.course.entries]
    assert states[:3] == ["done", "next", "later"]
    writers.play()
    assert not writers.step()
    assert writers.step_button.disabled
    writers.begin()
    assert not writers.step_button.disabled


def test_the_strip_holds_the_scene_and_every_line_of_the_story(
    writers: locking.Writers, server: Server
) -> None:
    from boto3.dynamodb.conditions import Attr

    writers.story.value = story_of(locking.STORIES, "let the server add")
    assert writers.strip is not None
    shown = writers.strip.text
    assert shown.count("ADD trainings") == 2
    exec(shown, {"server": server, "Attr": Attr, "Any": Any})  # noqa: S102
    assert card(server)["trainings"] == 12


def test_a_story_may_be_chosen_by_name_and_an_unknown_name_is_refused(server: Server) -> None:
    panel = locking.writers(server, "two transactions")
    assert "Champion: first" in panel.static_text()
    panel.close()
    with pytest.raises(UnknownName, match="optimistic locking"):
        locking.writers(server, "optimistic lock")


def test_a_server_lost_in_the_middle_of_a_story_is_told_and_the_story_can_be_begun_anew(
    home: Path,
) -> None:
    with start("dynamodb", name="gone") as lost:
        panel = locking.writers(lost)
        panel.step()
        lost.kill()
        panel.play()
        assert panel.status.state == "failed"
        assert "restart()" in panel.notice.static_text()
        lost.restart()
        panel.begin()
        panel.play()
        assert panel.ended is not None
        panel.close()

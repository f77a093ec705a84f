"""The table designer on a real server: verdicts, layouts and losses are what the server did."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kit.errors import UsageError
from kit.labs.dynamodb.design import Design, Index
from kit.labs.dynamodb.designing import Designer, designer
from kit.labs.dynamodb.patterns import Pattern, plan
from kit.launch.server import Server
from kit.launch.start import start
from kit.widgets import shelves
from kit.widgets.shelves import Box, Shelf, Shelves

HOSTILE = "<script>alert(1)</script> \u202e"
ITEMS: list[dict[str, Any]] = [
    {
        "run": f"run-{run}",
        "epoch": epoch,
        "model": "svm" if run % 2 else "sgd",
        "accuracy": Decimal(f"0.{80 + 3 * run + epoch}"),
    }
    for run in range(4)
    for epoch in range(1, 6)
]
QUESTIONS = [
    Pattern("one run", {"run": "run-1"}, order="epoch"),
    Pattern("last epoch", {"run": "run-1"}, order="epoch", descending=True, limit=1),
    Pattern("one epoch", {"run": "run-1", "epoch": 3}),
    Pattern("good epochs of a run", {"run": "run-3"}, above=("accuracy", Decimal("0.92"))),
    Pattern("best of a model", {"model": "svm"}, order="accuracy", descending=True, limit=3),
    Pattern("good epochs of a model", {"model": "svm"}, above=("accuracy", Decimal("0.92"))),
    Pattern("everything good", above=("accuracy", Decimal("0.92"))),
]


@pytest.fixture
def panel(server: Server) -> Iterator[Designer]:
    opened = designer(server, ITEMS, QUESTIONS, partition="run", sort="epoch")
    yield opened
    opened.close()


def expected(pattern: Pattern) -> list[dict[str, Any]]:
    """Answer a question in plain Python."""
    found = [item for item in ITEMS if all(item[k] == v for k, v in pattern.equal.items())]
    if pattern.above:
        found = [item for item in found if item[pattern.above[0]] >= pattern.above[1]]
    if pattern.order:
        found.sort(key=lambda item: item[pattern.order], reverse=pattern.descending)
    return found[: pattern.limit]


def key(item: dict[str, Any]) -> tuple[Any, ...]:
    return item["run"], item["epoch"]


def rebuilt(panel: Designer, **chosen: str) -> Designer:
    for name, value in chosen.items():
        getattr(panel, name).value = value
    panel.build()
    return panel


def verdicts(panel: Designer) -> list[str]:
    return [answer.plan.verdict for answer in panel.answers]


def assert_answers_are_right(panel: Designer) -> None:
    for pattern, answer in zip(QUESTIONS, panel.answers, strict=True):
        wanted = expected(pattern)
        if pattern.order:
            assert list(answer.items) == wanted, pattern.question
        assert sorted(map(key, answer.items)) == sorted(map(key, wanted)), pattern.question


def test_what_the_key_answers_is_served_and_the_rest_is_not(panel: Designer) -> None:
    assert verdicts(panel) == [
        "served",
        "served",
        "served",
        "partly",
        "not served",
        "not served",
        "not served",
    ]
    assert_answers_are_right(panel)
    read = [sum(line.items for line in answer.lines) for answer in panel.answers]
    assert read == [5, 1, 1, 5, 20, 20, 20]


def test_an_index_serves_the_questions_that_it_was_made_for(panel: Designer) -> None:
    rebuilt(panel, by="model", then="accuracy")
    assert verdicts(panel)[4:6] == ["served", "served"]
    assert_answers_are_right(panel)
    assert sum(line.items for line in panel.answers[4].lines) == 3
    panel.asked.value = 4
    assert "index by_other_key" in panel.shelves.caption
    assert [shelf.label for shelf in panel.shelves.shelves] == ["sgd", "svm"]


def test_the_picture_shows_each_partition_in_the_order_of_its_sort_key(panel: Designer) -> None:
    shelves = panel.shelves.shelves
    assert [shelf.label for shelf in shelves] == [f"run-{n}" for n in range(4)]
    assert [[box.text for box in shelf.boxes] for shelf in shelves] == [list("12345")] * 4


def test_a_question_marks_what_it_answers_and_what_it_reads_in_vain(panel: Designer) -> None:
    panel.asked.value = 6
    kinds = [box.kind for shelf in panel.shelves.shelves for box in shelf.boxes]
    assert kinds.count("hit") == len(expected(QUESTIONS[6]))
    assert kinds.count("read") == len(ITEMS) - kinds.count("hit")
    panel.asked.value = 2
    kinds = [box.kind for shelf in panel.shelves.shelves for box in shelf.boxes]
    assert (kinds.count("hit"), kinds.count("read")) == (1, 0)


def test_a_key_that_is_not_unique_loses_items_and_the_panel_says_how_many(panel: Designer) -> None:
    rebuilt(panel, sort="(none)")
    assert panel.built is not None
    assert (panel.built.written, panel.built.left) == (20, 4)
    assert "20 items written and 4 left" in panel.notice.static_text()


def test_items_without_the_key_are_refused_by_the_server_and_counted(server: Server) -> None:
    items = [*ITEMS, {"run": "run-9"}, {"run": 7, "epoch": 1}]
    panel = designer(server, items, QUESTIONS[:1], partition="run", sort="epoch")
    assert panel.built is not None
    assert (panel.built.written, panel.built.refused) == (20, 2)
    assert "2 items refused by the server" in panel.notice.static_text()
    assert panel.built.refusal in panel.notice.static_text()
    panel.close()


def test_an_item_that_is_too_large_is_refused_in_the_server_s_words(server: Server) -> None:
    items = [*ITEMS, {"run": "run-9", "epoch": 1, "weights": b"x" * 410_000}]
    panel = designer(server, items, QUESTIONS, partition="run", sort="epoch")
    assert "1 item refused" in panel.notice.static_text()
    assert "size" in panel.notice.static_text()
    assert_answers_are_right(panel)
    panel.close()


def test_the_same_key_twice_is_refused_and_the_panel_goes_on(panel: Designer) -> None:
    rebuilt(panel, sort="run")
    assert panel.status.state == "failed"
    assert "different attributes" in panel.notice.static_text()
    rebuilt(panel, sort="epoch")
    assert panel.status.state == "done"


def test_the_code_shown_makes_the_same_table_and_the_same_calls(
    panel: Designer, server: Server
) -> None:
    from boto3.dynamodb.conditions import Attr, Key

    db = server.connect()
    db.Table("kit_designer").delete()
    assert panel.strip is not None
    shown, _, calls = panel.strip.text.partition("\n\n")
    names: dict[str, Any] = {"db": db, "items": ITEMS, "Key": Key, "Attr": Attr}
    exec(shown, names)  # noqa: S102
    names["Decimal"] = Decimal
    for call, answer in zip(calls.splitlines(), panel.answers, strict=True):
        found = eval(call, names)["Items"]  # noqa: S307
        assert set(map(key, answer.items)) <= set(map(key, found))
    db.meta.client.close()


def test_a_lost_server_is_told_once_and_the_panel_works_after_its_return(home: Path) -> None:
    with start("dynamodb", name="lost") as lost:
        panel = designer(lost, ITEMS, QUESTIONS, partition="run", sort="epoch")
        lost.kill()
        panel.build()
        assert panel.status.state == "failed"
        assert "restart()" in panel.notice.static_text()
        assert panel.partition.value == "run"
        lost.restart()
        panel.build()
        assert panel.status.state == "done"
        assert_answers_are_right(panel)
        panel.close()


def test_hostile_names_and_values_are_inert(server: Server) -> None:
    items = [{"run": HOSTILE, "epoch": epoch, HOSTILE: HOSTILE} for epoch in range(3)]
    panel = designer(server, items, [Pattern(HOSTILE, {"run": HOSTILE})], partition="run")
    panel.asked.value = 0
    for html in (panel.shelves.html, panel.verdicts.html, panel.static_html()):
        assert "<script>" not in html
        assert "\u202e" not in html
    assert panel.strip is not None
    assert "<script>" not in panel.strip.html
    panel.close()


@pytest.mark.parametrize(
    ("items", "partition", "hint"),
    [([], "run", "wants items"), (ITEMS, "nope", "no attribute")],
)
def test_what_cannot_be_designed_is_refused(
    server: Server, items: list[dict[str, Any]], partition: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=hint):
        designer(server, items, QUESTIONS, partition=partition)


def test_many_shelves_and_boxes_are_counted_where_they_are_not_drawn() -> None:
    boxes = [Box(str(n), kind="hit" if n == 0 else "") for n in range(shelves.BOXES + 3)]
    part = Shelves("many")
    part.show([Shelf(label=f"{n}", boxes=boxes) for n in range(shelves.SHELVES + 2)])
    assert "and 3 more" in part.html
    assert "2 mores not drawn" not in part.html
    assert "2 more not drawn" in part.html
    assert f"and {shelves.BOXES + 3 - shelves.STATIC_BOXES} more" in part.static_html()
    assert "answered" in part.html
    part.show([])
    assert part.static_html() == part.static_text() == part.html == ""


def test_of_several_ways_the_one_that_leaves_least_to_do_is_taken() -> None:
    index = Index(name="by_model", partition="model", sort="accuracy")
    design = Design(partition="run", sort="epoch", indexes=(index,))
    both = Pattern("", {"run": "run-1", "model": "svm"}, order="accuracy")
    assert plan(design, both).index == "by_model"
    assert plan(design, Pattern("", {"run": "run-1", "epoch": 1, "model": "svm"})).index == ""

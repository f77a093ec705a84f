"""PromQL's parsers agree: the library reads an expression as Prometheus tells that it does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit import databases
from kit.errors import ServerMissing
from kit.labs import prometheus as lab
from kit.labs.prometheus import evaluation, expression, parsing
from kit.labs.prometheus.api import Api
from kit.labs.prometheus.expression import Step
from kit.launch.server import Server
from kit.launch.start import start
from tests.labs.prometheus.expressions import EXPRESSIONS, REQUESTS, counted, now
from tests.labs.prometheus.expressions import api as api
from tests.labs.prometheus.expressions import server as server
from tests.traces import await_true

# What Prometheus 3.5.3 answered when it was asked /api/v1/parse_query for each.
TOLD = json.loads(Path(__file__).with_name("recorded").joinpath("parse_query.json").read_text())


@pytest.fixture(scope="module")
def modern(home: Path) -> Iterator[Api]:
    """Return a server that tells how it parses, where there is one."""
    try:
        started = start("prometheus", name="modern", backend="process", version="3")
    except ServerMissing:
        pytest.skip("no Prometheus 3 on this machine: the recorded answers are compared")
    with started as running:
        api = Api(running)
        await_true(lambda: api.instant(f"rate({REQUESTS}[5s])").series, "two scrapes")
        yield api


def read(promql: str) -> Step:
    return expression.read(parsing.by_library(promql))


def test_a_step_inside_a_subquery_is_evaluated_when_the_subquery_last_did() -> None:
    root = read("max_over_time(max_over_time(up[10s:2s] offset 3s)[1m:5s] offset 7s)")
    inner = list(expression.everything(root))[-1]
    assert inner.text == "up"
    assert inner.moment(1000.0) == 990.0
    assert read("up").moment(12.5) == 12.5


@pytest.mark.parametrize("promql", TOLD)
def test_the_library_parses_an_expression_into_the_tree_that_prometheus_told(promql: str) -> None:
    told = expression.read(TOLD[promql])
    assert told == read(promql)
    assert told == read(told.text)


def test_each_recorded_answer_is_what_the_server_tells(modern: Api) -> None:
    for promql, told in TOLD.items():
        found = expression.read(parsing.parse(modern, promql))
        assert found == expression.read(told)
        assert found == expression.read(parsing.parse(modern, found.text))


@pytest.mark.parametrize("promql", EXPRESSIONS)
def test_a_server_that_tells_how_it_parses_counts_the_same_series(modern: Api, promql: str) -> None:
    at = now(modern)
    root = evaluation.evaluate(modern, promql, at=at, times=1)
    steps = [node for node in root.all() if node.count is not None]
    assert [node.count for node in steps] == [counted(modern, node, at) for node in steps]


def test_it_is_said_whose_parser_it_was(server: Server, modern: Api) -> None:
    for one in (server, modern.server):
        panel = lab.tree(one, "sum(up)")
        assert ("promql-parser" in panel.static_text()) is not one.supports(parsing.FEATURE)
        panel.close()


@pytest.mark.parametrize("told", [{"type": "novel"}, {"unheard": "of"}, None])
def test_a_form_that_a_later_server_tells_is_evaluated_as_a_whole(
    api: Api, monkeypatch: pytest.MonkeyPatch, told: Any
) -> None:
    monkeypatch.setattr(parsing, "parse", lambda *_: told)
    root = evaluation.evaluate(api, "sum(up)", times=1)
    assert (root.step.text, root.children, root.count) == ("sum(up)", (), 1)


@pytest.mark.parametrize(
    "extra", [{"anchored": True}, {"matching": {"fillValues": {"lhs": 0, "rhs": None}}}]
)
def test_what_cannot_be_written_out_again_is_not_taken_apart(extra: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not known"):
        expression.read({**TOLD["up"], **extra})


@pytest.mark.parametrize(
    ("version", "tells"), [("2.42.0", False), ("3.0.0", True), ("12.1", True), ("", False)]
)
def test_a_prometheus_tells_how_it_parses_since_its_third(version: str, tells: bool) -> None:
    found = databases.get("prometheus").features("Prometheus", version)
    assert (parsing.FEATURE in found) is tells

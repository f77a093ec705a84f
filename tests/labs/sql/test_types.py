"""The types lab: what stands in the catalogue, and what the server itself says to a bad value."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.errors import Unsupported, UsageError
from kit.labs import types
from kit.launch.server import Server
from kit.launch.start import start
from tests.traces import await_true

HOSTILE = 'odd "<script>alert(1)</script>"'
MADE = (
    "CREATE TYPE stage AS ENUM ('staging', 'champion', 'it''s over')",
    "CREATE DOMAIN share AS double precision NOT NULL CHECK (VALUE BETWEEN 0 AND 1)",
    "CREATE TYPE shape AS (height int, width numeric(6, 2))",
    "CREATE TYPE " + '"' + HOSTILE.replace('"', '""') + '"' + " AS ENUM ('<b>', '')",
    "CREATE TABLE kept (n int)",
)


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with start("postgresql", name="types") as running:
        with running.connect(autocommit=True) as connection:
            for statement in MADE:
                connection.execute(statement)
        yield running


@pytest.fixture
def lab(server: Server) -> Iterator[types.Lab]:
    opened = types.types(server)
    yield opened
    opened.close()


def test_the_types_of_ones_own_are_listed_with_their_rules_and_nothing_else(lab: types.Lab) -> None:
    found = [(kind.name, kind.kind, kind.rule) for kind in lab.kinds]
    assert found[:3] == [
        ("stage", "enum", "staging < champion < it's over"),
        (
            "share",
            "domain",
            "double precision NOT NULL "
            "CHECK (((VALUE >= (0)::double precision) AND (VALUE <= (1)::double precision)))",
        ),
        ("shape", "composite", "height integer, width numeric(6,2)"),
    ]
    assert len(found) == 4


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("stage", "champion", "champion"),
        ("stage", "it's over", "it's over"),
        ("share", "0.5", "0.5"),
        ("shape", "(8, 8)", "(8,8.00)"),
        ("stage", "winner", "invalid input value for enum stage"),
        ("share", "95", 'violates check constraint "share_check"'),
        ("share", "much", "invalid input syntax for type double precision"),
        ("shape", "(8)", "malformed record literal"),
        ("shape", "(1,99999)", "numeric field overflow"),
    ],
)
def test_a_value_is_stored_or_refused_in_the_servers_words(
    lab: types.Lab, name: str, value: str, said: str
) -> None:
    tried = lab.offer(name, value)
    assert tried is not None
    assert said in (tried.refusal or str(tried.stored))
    assert value.replace("'", "''") in lab.strip.text  # type: ignore[union-attr]
    assert said.split('"')[0].split("(")[0] in lab.static_text().replace("…", said)


def test_a_try_leaves_nothing_behind_and_a_hostile_value_does_nothing(
    lab: types.Lab, server: Server
) -> None:
    lab.offer("stage", "champion")
    tried = lab.offer("stage", "'); DROP TABLE kept; --")
    assert tried is not None
    assert tried.refusal
    with server.connect() as connection:
        names = connection.execute("SELECT relname FROM pg_class WHERE relname ~ 'tried|kept'")
        assert names.fetchall() == [("kept",)]


def test_names_and_values_of_types_are_inert(lab: types.Lab) -> None:
    name = lab.kinds[3].name
    tried = lab.offer(name, "<b>")
    assert tried is not None
    assert tried.stored == "<b>"
    assert "<script" not in lab.table.html + lab.static_html()
    assert "<b>" not in lab.table.html


def test_the_form_inserts_by_click_and_by_the_enter_key(lab: types.Lab) -> None:
    assert lab.type.value == "stage"
    lab.value.value = "staging"
    lab.go.click()
    await_true(lambda: len(lab.tries) == 1, "the click inserted")
    lab._typed(lab.value, {"event": "submit"}, [])
    await_true(lambda: len(lab.tries) == 2, "the key inserted")
    assert {tried.stored for tried in lab.tries} == {"staging"}


def test_a_type_that_is_not_there_is_refused_with_those_that_are(lab: types.Lab) -> None:
    with pytest.raises(UsageError, match="stage, share"):
        lab.offer("stag", "champion")


def test_without_types_the_lab_says_how_to_make_one_and_finds_it(home: Path) -> None:
    with start("postgresql", name="typeless") as bare:
        lab = types.types(bare)
        assert "CREATE TYPE" in lab.notice.static_text()
        with bare.connect(autocommit=True) as connection:
            connection.execute(MADE[0])
        lab.look()
        assert [kind.name for kind in lab.kinds] == ["stage"]
        bare.kill()
        assert lab.offer("stage", "champion") is None
        assert "restart()" in lab.notice.static_text()
        bare.restart()
        tried: Any = lab.offer("stage", "champion")
        assert tried.stored == "champion"
        lab.close()


def test_another_database_is_refused_with_a_hint() -> None:
    with pytest.raises(Unsupported, match="PostgreSQL"):
        types.types("sqlite://")

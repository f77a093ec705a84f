"""The table of anomalies: each happens exactly where the manual lets it, on the server itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from kit.errors import SQLError, Unsupported
from kit.labs import source, stepper
from kit.labs.stepper.measure import Findings, measure
from kit.labs.stepper.observer import Wait
from kit.labs.stepper.play import Play
from kit.labs.stepper.scripts import Script, parse
from kit.labs.stepper.stage import Stage
from kit.labs.stepper.table import grid
from kit.launch.server import Server
from kit.launch.start import start
from tests.labs.sql.stepper.observed import HOLD, schemas, until

CODES = [script.code for script in stepper.ANOMALIES]


@pytest.fixture(scope="module")
def found(server: Server) -> Findings:
    return measure(source.read(server))


def test_every_anomaly_happens_exactly_where_the_manual_lets_it(found: Findings) -> None:
    assert len(found.verdicts) == 12 * 4
    assert [(one.script.code, one.level) for one in found.surprises] == []


@pytest.mark.parametrize(
    ("level", "postgresql", "mariadb"),
    [
        (
            "READ UNCOMMITTED",
            {"PMP", "PMP-write", "P4", "G-single", "G-single-write", "G2-item", "G2"},
            {*CODES} - {"G0"},
        ),
        (
            "READ COMMITTED",
            {"PMP", "PMP-write", "P4", "G-single", "G-single-write", "G2-item", "G2"},
            {"PMP", "PMP-write", "P4", "G-single", "G-single-write", "G2-item", "G2"},
        ),
        (
            "REPEATABLE READ",
            {"G2-item", "G2"},
            {"PMP-write", "P4", "G-single-write", "G2-item", "G2"},
        ),
        ("SERIALIZABLE", set(), set()),
    ],
)
def test_the_verdicts_are_those_known_of_each_engine(
    found: Findings, level: str, postgresql: set[str], mariadb: set[str]
) -> None:
    known = postgresql if found.product == "PostgreSQL" else mariadb
    assert {x.script.code for x in found.verdicts if x.happened and x.level == level} == known


def test_innodb_with_snapshot_isolation_refuses_what_its_manual_says() -> None:
    settings = {"innodb-snapshot-isolation": "ON"}
    with start("mysql", name="stepper-snapshot", settings=settings) as server:
        if server.product != "MariaDB":
            pytest.skip("only MariaDB has this setting")
        found = measure(source.read(server), levels=("REPEATABLE READ",))
    assert [one.script.code for one in found.surprises] == []
    assert {one.script.code for one in found.verdicts if one.happened} == {"G2-item", "G2"}


def test_a_verdict_that_the_manual_does_not_have_is_pointed_out(found: Findings) -> None:
    turned = [replace(one, happened=not one.happened) for one in found.verdicts[:4]]
    odd = replace(found, verdicts=turned)
    assert len(odd.surprises) == 4
    shown = grid(odd)
    assert "0 of 4 agree" in shown.note
    assert "the manual says otherwise" in str(shown.rows[0][2])


def test_what_mariadb_promises_depends_on_its_version_and_its_setting() -> None:
    lost = ("P4", "REPEATABLE READ")
    assert not stepper.documented("MariaDB", "10.11.19")[lost].prevented
    assert stepper.documented("MariaDB", "11.8.2")[lost].prevented
    assert stepper.documented("MariaDB", "10.11.19", snapshot_isolation=True)[lost].prevented
    assert not stepper.documented("MySQL", "8.4.6")[lost].prevented
    assert stepper.documented("PostgreSQL", "17.6")[lost].prevented


@pytest.mark.parametrize(
    ("product", "version", "manual"),
    [
        ("PostgreSQL", "17.6", "https://www.postgresql.org/docs/17/"),
        ("MySQL", "8.4.6", "https://dev.mysql.com/doc/refman/8.4/en/"),
        ("MariaDB", "11.8.2", "https://mariadb.com/kb/en/"),
    ],
)
def test_every_promise_names_the_page_that_makes_it(
    product: str, version: str, manual: str
) -> None:
    promises = stepper.documented(product, version)
    assert len(promises) == 12 * 4
    for promise in promises.values():
        assert promise.prevented == (promise.rule is not None)
        assert promise.rule is None or promise.rule.page.startswith(manual)
    assert all(promises[code, "SERIALIZABLE"].prevented for code in CODES)


def test_a_product_whose_manual_is_not_known_is_refused() -> None:
    with pytest.raises(Unsupported, match="CockroachDB"):
        stepper.documented("CockroachDB", "24.1")


def test_the_table_of_verdicts_is_saved_the_same_each_time(server: Server, found: Findings) -> None:
    shown = stepper.verdicts(server)
    assert shown.table.grids == (grid(found),)
    assert "kit-wrong" in shown.table.html
    assert "48 of 48 agree with the manual" in shown.static_text()
    assert shown.manual.text in shown.static_text()
    assert "-- lost update (P4), at every level" in shown.static_text()
    assert str(server.port) not in shown.static_html()
    shown.close()


def test_measuring_can_be_cancelled_and_leaves_nothing(server: Server) -> None:
    shown = stepper.verdicts(server)
    shown.again.click()
    until(lambda: shown.cancel.layout.display is None)
    shown.cancel.click()
    until(lambda: "cancelled" in shown.status.value)
    until(lambda: schemas(server) == [])
    shown.close()


def test_a_script_that_another_lock_keeps_from_its_end_gets_no_verdict(server: Server) -> None:
    kept = Script(name="held", steps=parse(f"{HOLD}\nT2 COMMIT"), happened=lambda seen: True)
    with pytest.raises(SQLError, match="T2 never got past a lock"):
        measure(source.read(server), scripts=[kept])
    assert schemas(server) == []


def test_a_transaction_left_open_does_not_keep_the_next_script_from_its_tables(
    server: Server,
) -> None:
    left = Script(name="left", steps=parse("T1 BEGIN\nT2 BEGIN\nT2 UPDATE quota SET hours = 1"))
    stage = Stage(source.read(server), left.sessions)
    try:
        for _ in range(2):
            Play(stage, left, "SERIALIZABLE").run()
            assert stage.sessions["T2"].state == "open"
    finally:
        stage.close()


def test_a_view_that_is_older_than_the_locks_end_does_not_end_the_script() -> None:
    """As InnoDB's views are: a copy, without the holder, until it was left alone for 0.1 s."""
    (script,) = (one for one in stepper.ANOMALIES if one.code == "G-single-write")
    with start("mysql", name="stepper-mysql") as server:
        stage = Stage(source.read(server), script.sessions)
        look, after, copy, asked = stage.observer.waits, stage.sessions["T2"]._after, [], 0.0

        def stale(ours: Sequence[int]) -> list[Wait]:
            nonlocal copy, asked
            if time.monotonic() > asked + 0.1:
                copy = [replace(wait, holder=None) for wait in look(ours)]
            asked = time.monotonic()
            return copy

        def late(*said: Any) -> Any:
            threading.Event().wait(0.2)  # as on a busy machine
            return after(*said)

        stage.observer.waits, stage.sessions["T2"]._after = stale, late  # type: ignore[method-assign]
        try:
            play = Play(stage, script, "SERIALIZABLE")
            play.run()
            assert [move.step.statement for move in play.coming] == []
            assert play.happened is False
        finally:
            stage.close()
